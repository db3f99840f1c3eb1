//! The change data feed: which rows the commits of some versions have inserted, updated and deleted (Delta
//! protocol, "Change Data Files"). Where a commit has no change data, its data files tell.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::pin::pin;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::DateTime;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::catalog::view::ViewTable;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Result as DataFusionResult, ScalarValue, TableReference, project_schema};
use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::datasource::{TableType, provider_as_source};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, Union, cast, ident, lit};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use serde_json::{Map, Value};

use super::adapter::ColumnAdapterFactory;
use super::error::{corrupted_log, error_of_datafusion};
use super::history::commit_path;
use super::listing::outside;
use super::partition::parse_partition_value;
use super::scan::{VersionProvider, parquet_source};
use super::schema::PhysicalField;
use super::table::{Tables, TimeTravel};
use super::version::TableVersion;
use crate::base::{Error, ErrorKind, Result};
use crate::storage::{Location, error_of_store};

/// What a row of the feed is: `insert`, `update_preimage`, `update_postimage`, `delete`.
const CHANGE_TYPE: &str = "_change_type";
const COMMIT_VERSION: &str = "_commit_version";
const COMMIT_TIMESTAMP: &str = "_commit_timestamp";

/// The property that turns the feed on.
const ENABLED: &str = "delta.enableChangeDataFeed";

/// Commits that are read at one time.
const COMMIT_READS: usize = 16;

/// The changes of the versions from one to another, both included; without an end, to the newest.
///
/// 0A000 where the feed was off in one of them; 22023 for versions that the table has not.
pub async fn change_feed(
    tables: &Arc<Tables>,
    location: &Location,
    from: TimeTravel,
    to: Option<TimeTravel>,
) -> Result<Arc<dyn TableProvider>> {
    let newest = tables.open(location).await?;
    let last = match to {
        None => Arc::clone(&newest),
        Some(TimeTravel::Version(version)) if version > newest.version() => Arc::clone(&newest),
        Some(to) => tables.open_at(location, to).await?,
    };
    let first = first_version(tables, location, from, &newest).await?;
    if first > last.version() {
        return Err(Error::new(
            ErrorKind::InvalidParameterValue,
            format!("the changes end with version {}, before they start", last.version()),
        )
        .with_detail(format!("They were to start with version {first}.")));
    }
    let at_first = tables.open_at(location, TimeTravel::Version(first)).await?;
    let mut is_on = is_enabled(at_first.properties().get(ENABLED).map(String::as_str));
    let mut plans = Vec::new();
    let feed = Feed { tables, location, last: &last };
    let versions = stream::iter(first..=last.version());
    let mut commits = pin!(versions.map(|version| feed.commit(version)).buffered(COMMIT_READS));
    while let Some(commit) = commits.try_next().await? {
        if let Some(declared) = &commit.is_on {
            is_on = *declared;
        }
        if !is_on {
            let what = format!("the changes of version {} of the table", commit.version);
            return Err(Error::unsupported(what)
                .with_detail("The change data feed was off at that version.")
                .with_hint("Turn it on with ALTER TABLE … SET TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true'); it tells of changes from then on."));
        }
        plans.extend(feed.plans(&commit).await?);
    }
    let plan = union(plans, &feed.schema())?;
    Ok(Arc::new(ViewTable::new(plan, None)))
}

fn is_enabled(value: Option<&str>) -> bool {
    value.is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

async fn first_version(
    tables: &Arc<Tables>,
    location: &Location,
    from: TimeTravel,
    newest: &TableVersion,
) -> Result<u64> {
    match from {
        TimeTravel::Version(version) if version > newest.version() => {
            let what = format!("version {version} of the table does not exist");
            Err(Error::new(ErrorKind::InvalidParameterValue, what)
                .with_detail(format!("The newest version is {}.", newest.version())))
        }
        TimeTravel::Version(version) => Ok(version),
        TimeTravel::Timestamp(micros) => {
            let version = match tables.open_at(location, from).await {
                Ok(version) => version,
                // Before the table's first version: all of them.
                Err(error) if error.kind() == ErrorKind::InvalidParameterValue => return Ok(0),
                Err(error) => return Err(error),
            };
            let millis = version.details().last_modified;
            let is_before = millis.is_some_and(|at| at < micros.div_euclid(1000));
            Ok(version.version() + u64::from(is_before))
        }
    }
}

struct Feed<'a> {
    tables: &'a Arc<Tables>,
    location: &'a Location,
    /// The version whose columns the feed has.
    last: &'a Arc<TableVersion>,
}

/// What a commit says of rows.
struct Commit {
    version: u64,
    /// Milliseconds since the epoch.
    timestamp: i64,
    /// Whether the feed is on, where the commit says.
    is_on: Option<bool>,
    added: HashSet<Path>,
    removed: HashSet<Path>,
    changes: Vec<ChangeFile>,
}

/// A file of change data.
#[derive(Debug, Clone)]
struct ChangeFile {
    path: Path,
    bytes: u64,
    partition_values: Map<String, Value>,
}

impl Feed<'_> {
    async fn commit(&self, version: u64) -> Result<Commit> {
        let store = self.tables.store(self.location)?;
        let read = match store.get(&commit_path(self.location, version)).await {
            Ok(read) => read,
            Err(object_store::Error::NotFound { .. }) => {
                return Err(Error::new(
                    ErrorKind::ObjectNotInPrerequisiteState,
                    format!("the log of the table does not have version {version} any more"),
                ));
            }
            Err(error) => return Err(error_of_store(error)),
        };
        let timestamp = read.meta.last_modified.timestamp_millis();
        let bytes = read.bytes().await.map_err(error_of_store)?;
        let mut commit = Commit {
            version,
            timestamp,
            is_on: None,
            added: HashSet::new(),
            removed: HashSet::new(),
            changes: Vec::new(),
        };
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
        for line in lines {
            let action: Map<String, Value> = serde_json::from_slice(line).map_err(|cause| {
                corrupted_log("a commit is no JSON", self.location).caused_by(cause)
            })?;
            for (kind, action) in action {
                commit.note(self.location, &kind, &action)?;
            }
        }
        Ok(commit)
    }

    /// The rows of a commit's changes.
    async fn plans(&self, commit: &Commit) -> Result<Vec<LogicalPlan>> {
        let at = |version| self.tables.open_at(self.location, TimeTravel::Version(version));
        let store = self.tables.store(self.location)?;
        let mut plans = Vec::new();
        if !commit.changes.is_empty() {
            let version = at(commit.version).await?;
            let provider = ChangeFiles::new(Arc::clone(&version), store, &commit.changes)?;
            plans.push(self.projected(&version, Arc::new(provider), None, commit)?);
            return Ok(plans);
        }
        if !commit.added.is_disjoint(&commit.removed) {
            let what = format!("the changes of version {} of the table", commit.version);
            return Err(Error::unsupported(what)
                .with_detail("The version has deleted rows of files without change data."));
        }
        for (paths, version, change) in [
            (&commit.removed, commit.version.saturating_sub(1), "delete"),
            (&commit.added, commit.version, "insert"),
        ] {
            if paths.is_empty() {
                continue;
            }
            let version = at(version).await?;
            let provider = VersionProvider::new(Arc::clone(&version), Arc::clone(&store))
                .with_files(Arc::new(paths.clone()));
            plans.push(self.projected(&version, Arc::new(provider), Some(change), commit)?);
        }
        Ok(plans)
    }

    /// Rows of another version under the feed's columns. Columns are the same that files call the same.
    fn projected(
        &self,
        version: &TableVersion,
        provider: Arc<dyn TableProvider>,
        change: Option<&str>,
        commit: &Commit,
    ) -> Result<LogicalPlan> {
        let (wanted, there) = (self.last.columns(), version.columns());
        let mut values: Vec<Expr> = Vec::new();
        for (field, physical) in wanted.schema.fields().iter().zip(wanted.physical.iter()) {
            let at = there.physical.iter().position(|other| other.name == physical.name);
            let value = match at.and_then(|at| there.schema.fields().get(at)) {
                Some(known) => ident(known.name()),
                None => lit(ScalarValue::Null),
            };
            values.push(cast(value, field.data_type().clone()).alias(field.name()));
        }
        values.push(match change {
            Some(change) => lit(change).alias(CHANGE_TYPE),
            None => cast(ident(CHANGE_TYPE), DataType::Utf8).alias(CHANGE_TYPE),
        });
        let number = i64::try_from(commit.version).unwrap_or(i64::MAX);
        values.push(lit(number).alias(COMMIT_VERSION));
        let micros = commit.timestamp.checked_mul(1000);
        let time = ScalarValue::TimestampMicrosecond(micros, Some("UTC".into()));
        values.push(lit(time).alias(COMMIT_TIMESTAMP));
        let scan = LogicalPlanBuilder::scan(
            TableReference::bare("changes"),
            provider_as_source(provider),
            None,
        );
        let plan = scan.and_then(|scan| scan.project(values)).and_then(|plan| plan.build());
        plan.map_err(broken_plan)
    }

    fn schema(&self) -> SchemaRef {
        let columns = &self.last.columns().schema;
        let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let own = [
            Field::new(CHANGE_TYPE, DataType::Utf8, true),
            Field::new(COMMIT_VERSION, DataType::Int64, true),
            Field::new(COMMIT_TIMESTAMP, time, true),
        ];
        let fields = columns
            .fields()
            .iter()
            .map(|field| Arc::new(field.as_ref().clone().with_nullable(true)));
        Arc::new(Schema::new(fields.chain(own.map(Arc::new)).collect::<Vec<_>>()))
    }
}

impl Commit {
    fn note(&mut self, location: &Location, kind: &str, action: &Value) -> Result<()> {
        let path = || -> Result<Path> {
            let path = action.get("path").and_then(Value::as_str).unwrap_or_default();
            location.file(path).ok_or_else(outside)
        };
        let changes_data = action.get("dataChange").and_then(Value::as_bool).unwrap_or(true);
        match kind {
            "add" if changes_data => _ = self.added.insert(path()?),
            "remove" if changes_data => _ = self.removed.insert(path()?),
            "cdc" => self.changes.push(ChangeFile {
                path: path()?,
                bytes: action.get("size").and_then(Value::as_u64).unwrap_or_default(),
                partition_values: match action.get("partitionValues") {
                    Some(Value::Object(values)) => values.clone(),
                    _ => Map::new(),
                },
            }),
            "metaData" => {
                let value = action.get("configuration").and_then(|all| all.get(ENABLED));
                self.is_on = Some(is_enabled(value.and_then(Value::as_str)));
            }
            "commitInfo" => {
                let time = action.get("inCommitTimestamp").and_then(Value::as_i64);
                self.timestamp = time.unwrap_or(self.timestamp);
            }
            _ => {}
        }
        Ok(())
    }
}

fn union(mut plans: Vec<LogicalPlan>, schema: &SchemaRef) -> Result<LogicalPlan> {
    if plans.len() > 1 {
        let plans = plans.into_iter().map(Arc::new).collect();
        return Union::try_new_with_loose_types(plans).map(LogicalPlan::Union).map_err(broken_plan);
    }
    if let Some(only) = plans.pop() {
        return Ok(only);
    }
    let none: Arc<dyn TableProvider> = Arc::new(EmptyTable::new(Arc::clone(schema)));
    LogicalPlanBuilder::scan(TableReference::bare("changes"), provider_as_source(none), None)
        .and_then(|plan| plan.build())
        .map_err(broken_plan)
}

fn broken_plan(error: datafusion::error::DataFusionError) -> Error {
    match error_of_datafusion(&error) {
        Some(known) => known,
        None => Error::internal("the change data feed has no plan"),
    }
    .caused_by(error)
}

/// Files of change data, under the columns of a version and [`CHANGE_TYPE`].
struct ChangeFiles {
    version: Arc<TableVersion>,
    store: Arc<dyn ObjectStore>,
    files: Vec<PartitionedFile>,
    schema: SchemaRef,
}

impl ChangeFiles {
    fn new(
        version: Arc<TableVersion>,
        store: Arc<dyn ObjectStore>,
        files: &[ChangeFile],
    ) -> Result<Self> {
        let columns = version.columns();
        let mut fields = columns.schema.fields().to_vec();
        fields.push(change_type());
        let metadata = columns.schema.metadata().clone();
        let schema = Arc::new(Schema::new_with_metadata(fields, metadata));
        let files: Result<Vec<PartitionedFile>> =
            files.iter().map(|file| partitioned(file, &version)).collect();
        Ok(ChangeFiles { files: files?, schema, store, version })
    }

    /// The columns as the scan has them: those of data files first, then the partition columns.
    fn scan_schema(&self) -> TableSchema {
        let columns = self.version.columns();
        let mut fields = columns.fields_at(&columns.data);
        fields.push(change_type());
        let metadata = columns.schema.metadata().clone();
        TableSchema::builder(Arc::new(Schema::new_with_metadata(fields, metadata)))
            .with_table_partition_cols(columns.fields_at(&columns.partition))
            .build()
    }

    fn scan_projection(&self, projection: Option<&Vec<usize>>) -> Vec<usize> {
        let columns = self.version.columns();
        let data = columns.data.len();
        let position = |column: usize| {
            if column == columns.schema.fields().len() {
                return Some(data);
            }
            let in_data = columns.data.iter().position(|at| *at == column);
            let in_path = || columns.partition.iter().position(|at| *at == column);
            in_data.or_else(|| Some(data + 1 + in_path()?))
        };
        match projection {
            Some(projection) => projection.iter().filter_map(|at| position(*at)).collect(),
            None => (0..self.schema.fields().len()).filter_map(position).collect(),
        }
    }
}

fn change_type() -> Arc<Field> {
    Arc::new(Field::new(CHANGE_TYPE, DataType::Utf8, true))
}

fn partitioned(file: &ChangeFile, version: &TableVersion) -> Result<PartitionedFile> {
    let columns = version.columns();
    let meta = ObjectMeta {
        location: file.path.clone(),
        last_modified: DateTime::default(),
        size: file.bytes,
        e_tag: None,
        version: None,
    };
    let values: HashMap<&str, Option<&str>> =
        file.partition_values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let mut partitioned = PartitionedFile::new_from_meta(meta);
    for at in &columns.partition {
        let field = columns.schema.field(*at);
        let name = columns.physical.get(*at).map_or(field.name(), |physical| &physical.name);
        let text = values.get(name.as_str()).copied().flatten();
        partitioned.partition_values.push(parse_partition_value(text, field)?);
    }
    Ok(partitioned)
}

#[async_trait]
impl TableProvider for ChangeFiles {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        limit: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        if self.files.is_empty() {
            let schema = project_schema(&self.schema, projection)?;
            return Ok(Arc::new(EmptyExec::new(schema)));
        }
        let columns = self.version.columns();
        let source = parquet_source(&self.version, &self.store, state, self.scan_schema());
        let own = PhysicalField {
            name: CHANGE_TYPE.to_owned(),
            id: None,
            children: Vec::new(),
            is_variant: false,
        };
        let physical = columns.data.iter().filter_map(|at| columns.physical.get(*at).cloned());
        let adapter = ColumnAdapterFactory {
            physical: physical.chain([own]).collect(),
            mapping: columns.mapping,
        };
        let url = ObjectStoreUrl::parse(self.version.location().store_url())?;
        let groups = FileGroup::new(self.files.clone())
            .split_files(state.config().target_partitions().max(1));
        let config = FileScanConfigBuilder::new(url, Arc::new(source))
            .with_file_groups(groups)
            .with_projection_indices(Some(self.scan_projection(projection)))?
            .with_limit(limit)
            .with_expr_adapter(Some(Arc::new(adapter)))
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}

impl fmt::Debug for ChangeFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChangeFiles").field("version", &self.version).finish_non_exhaustive()
    }
}
