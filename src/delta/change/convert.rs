//! CONVERT TO DELTA: a log over Parquet files that lie at a place already. The files stay as they are, and
//! none is read but for its footer.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::stats::Precision;
use datafusion::common::{ScalarValue, Statistics};
use datafusion::datasource::physical_plan::parquet::metadata::DFParquetMetadata;
use datafusion::parquet::arrow::parquet_to_arrow_schema;
use deltalake::kernel::{Action, Add};
use deltalake::protocol::SaveMode;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::{ObjectMeta, ObjectStore};
use serde_json::{Map, Value, json};

use super::commit::{self, Staged, table_exists};
use super::create::{Blueprint, NewTable, delta_schema};
use super::error::of_datafusion;
use super::{ChangeContext, Changed};
use crate::base::{Error, ErrorKind, Result};
use crate::delta::TableVersion;
use crate::storage::Location;

/// Footers that are read at one time.
const FOOTER_READS: usize = 16;

/// A file that becomes one of the table's.
#[derive(Debug, Clone)]
pub struct ConvertedFile {
    pub meta: ObjectMeta,
    /// The values of the partition columns, in their order.
    pub partition: Vec<Option<String>>,
}

/// Makes a table of the files at a location: 42P07 if there is one already, 42804 for a file whose columns
/// are of other types than the table's.
pub async fn convert(
    ctx: &ChangeContext,
    location: &Location,
    table: NewTable,
    files: Vec<ConvertedFile>,
    with_statistics: bool,
) -> Result<Arc<TableVersion>> {
    let plan = Blueprint::try_new(ctx, &table, None)?;
    let _writing = ctx.tables.writing();
    let _lease = ctx.tables.lease(location).await;
    if ctx.tables.exists(location).await? {
        return Err(table_exists());
    }
    let store = ctx.tables.store(location)?;
    let adds = stream::iter(files).map(|file| {
        let (store, table, place) = (Arc::clone(&store), table.clone(), location.clone());
        async move { added(store, &place, &table, file, with_statistics).await }
    });
    let adds: Vec<Action> = adds.buffered(FOOTER_READS).try_collect().await?;
    let mut actions = plan.actions();
    actions.extend(adds);
    let operation = plan.operation(location, SaveMode::ErrorIfExists);
    let changed = Changed::default();
    let staged = Staged { actions, operation, changed, is_blind_append: false };
    Ok(commit::create(ctx, location, staged).await?.1)
}

async fn added(
    store: Arc<dyn ObjectStore>,
    location: &Location,
    table: &NewTable,
    file: ConvertedFile,
    with_statistics: bool,
) -> Result<Action> {
    let ConvertedFile { meta, partition } = file;
    let name = meta.location.filename().unwrap_or_default().to_owned();
    let unreadable = |cause: datafusion::error::DataFusionError| {
        let message = format!("\"{name}\" is no valid Parquet file");
        Error::new(ErrorKind::DataCorrupted, message).caused_by(cause)
    };
    let footer = DFParquetMetadata::new(store.as_ref(), &meta).fetch_metadata().await;
    let footer = footer.map_err(unreadable)?;
    let described = footer.file_metadata();
    let schema = parquet_to_arrow_schema(described.schema_descr(), described.key_value_metadata());
    let schema: SchemaRef = Arc::new(schema.map_err(|cause| unreadable(cause.into()))?);
    check_types(&schema, table, &name)?;
    let stats = match with_statistics {
        true => {
            let read = DFParquetMetadata::statistics_from_parquet_metadata(&footer, &schema);
            Some(statistics(&schema, &read.map_err(of_datafusion)?, described.num_rows()))
        }
        false => None,
    };
    let partition_values = table.partition_columns.iter().cloned().zip(partition);
    let too_large = |_| Error::internal("a file has more bytes than can be counted");
    Ok(Action::Add(Add {
        path: relative(location, &meta)?,
        partition_values: partition_values.collect::<HashMap<_, _>>(),
        size: i64::try_from(meta.size).map_err(too_large)?,
        modification_time: meta.last_modified.timestamp_millis(),
        data_change: true,
        stats: stats.map(|stats| stats.to_string()),
        tags: None,
        deletion_vector: None,
        base_row_id: None,
        default_row_commit_version: None,
        clustering_provider: None,
    }))
}

/// The file's path as the log has it: relative to the table, escaped.
fn relative(location: &Location, meta: &ObjectMeta) -> Result<String> {
    let outside = || Error::internal("a file that is not below its table");
    let mut url = location.url().clone();
    let parts = meta.location.prefix_match(location.path()).ok_or_else(outside)?;
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(parts.map(|part| part.as_ref().to_owned()));
    }
    url.as_str().strip_prefix(location.url().as_str()).map(str::to_owned).ok_or_else(outside)
}

/// Every reader of the table takes the files' types from its log.
fn check_types(schema: &SchemaRef, table: &NewTable, file: &str) -> Result<()> {
    let found = delta_schema(schema)?;
    let declared = delta_schema(&table.schema)?;
    for field in found.fields() {
        let is_partition = table.partition_columns.contains(&field.name);
        match declared.fields().find(|declared| declared.name == field.name) {
            Some(declared) if !is_partition && declared.data_type == field.data_type => {}
            None => {}
            Some(declared) => {
                let message = format!(
                    "column \"{}\" of file \"{file}\" is of type {}, and of the table {}",
                    field.name, field.data_type, declared.data_type
                );
                return Err(Error::new(ErrorKind::DatatypeMismatch, message).with_hint(
                    "Make a table of the files with CREATE TABLE … AS SELECT instead.",
                ));
            }
        }
    }
    Ok(())
}

/// What the log says of a file's rows: of numbers and dates the least and the greatest too. Texts may be cut
/// short in footers, and floating point numbers leave NaN out.
fn statistics(schema: &SchemaRef, read: &Statistics, rows: i64) -> Value {
    let (mut least, mut greatest, mut nulls) = (Map::new(), Map::new(), Map::new());
    for (field, column) in schema.fields().iter().zip(&read.column_statistics) {
        let name = field.name();
        if let Precision::Exact(count) = column.null_count {
            nulls.insert(name.clone(), json!(count));
        }
        if let (Some(min), Some(max)) = (bound(&column.min_value), bound(&column.max_value)) {
            least.insert(name.clone(), min);
            greatest.insert(name.clone(), max);
        }
    }
    json!({ "numRecords": rows, "minValues": least, "maxValues": greatest, "nullCount": nulls })
}

fn bound(value: &Precision<ScalarValue>) -> Option<Value> {
    let Precision::Exact(value) = value else { return None };
    match value {
        ScalarValue::Int8(value) => value.map(Value::from),
        ScalarValue::Int16(value) => value.map(Value::from),
        ScalarValue::Int32(value) => value.map(Value::from),
        ScalarValue::Int64(value) => value.map(Value::from),
        ScalarValue::Date32(Some(_)) => Some(Value::String(value.to_string())),
        _ => None,
    }
}
