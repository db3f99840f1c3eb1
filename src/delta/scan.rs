//! Scanning a table version: DataFusion's Parquet source over the files that a query needs, with
//! native partition columns and deletion vectors as row selections. It never looks at the log.
//!
//! Changes scan too: some rows of some files, each with the file that it is in and its position there.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::{
    ColumnStatistics, Result as DataFusionResult, ScalarValue, Statistics, project_schema,
};
use datafusion::config::TableParquetOptions;
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::ParquetRowSelection;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::error::DataFusionError;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::parquet::arrow::RowNumber;
use datafusion::parquet::arrow::arrow_reader::RowSelection;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::ObjectStore;
use object_store::path::Path;

use super::adapter::ColumnAdapterFactory;
use super::deletion_vector::DeletionVector;
use super::footer::ReaderFactory;
use super::prune::{files_to_read, is_exact};
use super::statistics::file_statistics;
use super::version::TableVersion;
use crate::base::{Error, Result};

/// Deletion vectors of one scan that are read at one time.
const DELETION_VECTOR_READS: usize = 16;

/// Parquet's old 96-bit timestamps are read in the unit of Delta's timestamps.
const INT96_UNIT: &str = "us";

/// The column of scans for changes with the file that a row is in: its position in the index.
pub const FILE: &str = "__lakegate_file";

/// The column of scans for changes with the position of a row in its file.
pub const POSITION: &str = "__lakegate_position";

/// Rows of some of a version's files, by the position of the file in the index.
pub type Selections = HashMap<usize, Arc<RowSelection>>;

/// A table version as DataFusion sees it.
pub struct VersionProvider {
    version: Arc<TableVersion>,
    store: Arc<dyn ObjectStore>,
    schema: SchemaRef,
    /// Whether the columns [`FILE`] and [`POSITION`] follow those of the table.
    is_for_changes: bool,
    /// The rows to read, where those are not all that are left.
    rows: Option<Selections>,
    /// The only files to read, where not all are.
    only: Option<Arc<HashSet<Path>>>,
    /// How many different values columns have, about, by their names.
    distinct: HashMap<String, usize>,
}

impl VersionProvider {
    pub fn new(version: Arc<TableVersion>, store: Arc<dyn ObjectStore>) -> Self {
        let schema = version.schema();
        let is_for_changes = false;
        let (rows, only, distinct) = (None, None, HashMap::new());
        VersionProvider { version, store, schema, is_for_changes, rows, only, distinct }
    }

    /// The same, of which the planner knows more.
    pub fn with_distinct(self, distinct: HashMap<String, usize>) -> Self {
        VersionProvider { distinct, ..self }
    }

    /// The rows of some of the files.
    pub fn with_files(self, files: Arc<HashSet<Path>>) -> Self {
        VersionProvider { only: Some(files), ..self }
    }

    fn is_meant(&self, file: usize) -> bool {
        let path = self.version.files().paths.get(file);
        self.only.as_ref().is_none_or(|only| path.is_some_and(|path| only.contains(path)))
    }

    /// The rows of a version, or some of them, with the columns [`FILE`] and [`POSITION`].
    pub fn for_changes(
        version: Arc<TableVersion>,
        store: Arc<dyn ObjectStore>,
        rows: Option<Selections>,
    ) -> Self {
        let schema = version.schema();
        let fields = schema.fields().iter().map(Arc::clone);
        let fields: Vec<FieldRef> = fields.chain([file_field(), position_field()]).collect();
        let schema = Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()));
        let (only, distinct) = (None, HashMap::new());
        VersionProvider { version, store, schema, is_for_changes: true, rows, only, distinct }
    }

    /// The columns as the scan has them: those of data files first, then the partition columns.
    fn scan_schema(&self) -> TableSchema {
        let columns = self.version.columns();
        let fields = columns.fields_at(&columns.data);
        let metadata = columns.schema.metadata().clone();
        let mut partition = columns.fields_at(&columns.partition);
        let mut made = Vec::new();
        if self.is_for_changes {
            partition.push(file_field());
            made.push(position_field());
        }
        TableSchema::builder(Arc::new(Schema::new_with_metadata(fields, metadata)))
            .with_table_partition_cols(partition)
            .with_virtual_columns(made)
            .build()
    }

    /// Positions in the scan's schema of a projection of the table's.
    fn scan_projection(&self, projection: Option<&Vec<usize>>) -> Vec<usize> {
        let columns = self.version.columns();
        let position = |column: usize| {
            let data = columns.data.iter().position(|&at| at == column);
            let partition = || columns.partition.iter().position(|&at| at == column);
            // What changes need comes last in both.
            let last = (column >= columns.schema.fields().len()).then_some(column);
            data.or_else(|| Some(columns.data.len() + partition()?)).or(last)
        };
        match projection {
            Some(projection) => projection.iter().filter_map(|&at| position(at)).collect(),
            None => (0..self.schema.fields().len()).filter_map(position).collect(),
        }
    }

    /// The files as DataFusion reads them; no more of them than a query of `limit` rows needs.
    async fn scan_files(
        &self,
        files: Vec<usize>,
        limit: Option<usize>,
        size_hint: Option<usize>,
    ) -> Result<Vec<PartitionedFile>> {
        let index = self.version.files();
        let mut needed = Vec::with_capacity(files.len());
        let mut rows = 0;
        for file in files {
            if limit.is_some_and(|limit| rows >= limit as u64) {
                break;
            }
            rows += index.rows_of(file).unwrap_or_default();
            if index.rows_of(file) != Some(0) {
                needed.push(file);
            }
        }
        let scanned = needed.into_iter().map(|file| self.scan_file(file, size_hint));
        stream::iter(scanned).buffered(DELETION_VECTOR_READS).try_collect().await
    }

    async fn scan_file(&self, file: usize, size_hint: Option<usize>) -> Result<PartitionedFile> {
        let index = self.version.files();
        let columns = self.version.columns();
        let meta = self.version.file_meta(file)?;
        let mut scanned = PartitionedFile::new_from_meta(meta);
        let values = index.partition_values.iter();
        scanned.partition_values = values
            .map(|values| ScalarValue::try_from_array(values, file))
            .collect::<DataFusionResult<_>>()
            .map_err(|cause| Error::internal("a partition value has no scalar").caused_by(cause))?;
        // Not `with_statistics`: that says of partition columns that they have no NULL.
        let mut statistics = file_statistics(index, file, columns);
        if self.is_for_changes {
            scanned.partition_values.push(ScalarValue::UInt64(Some(file as u64)));
            statistics = Arc::new(self.statistics_for_changes(&statistics, file));
        }
        scanned.statistics = Some(statistics);
        if let Some(rows) = &self.rows {
            let rows = rows.get(&file).map(|rows| RowSelection::clone(rows)).unwrap_or_default();
            return Ok(scanned.with_extension(ParquetRowSelection::new(rows)));
        }
        if let Some(vector) = index.deletion_vectors.get(&file) {
            let rows = self.version.physical_rows(&self.store, file, size_hint).await?;
            let selection = self.selection(vector.clone(), rows).await?;
            scanned =
                scanned.with_extension(ParquetRowSelection::new(RowSelection::clone(&selection)));
        }
        Ok(scanned)
    }

    /// The statistics of a file's rows that are read, with columns that nothing is known of.
    fn statistics_for_changes(&self, of_file: &Statistics, file: usize) -> Statistics {
        let mut statistics = of_file.clone();
        let made = [ColumnStatistics::new_unknown(), ColumnStatistics::new_unknown()];
        statistics.column_statistics.extend(made);
        if let Some(rows) = &self.rows {
            let selected = rows.get(&file).map_or(0, |rows| rows.row_count());
            statistics = statistics.to_inexact();
            statistics.num_rows = Precision::Inexact(selected);
            for column in &mut statistics.column_statistics {
                // Beside fewer rows, those of the whole file would say that a column has nothing else.
                column.null_count = Precision::Absent;
            }
        }
        statistics
    }

    async fn selection(&self, vector: DeletionVector, rows: u64) -> Result<Arc<RowSelection>> {
        let version = Arc::clone(&self.version);
        let read = move || {
            let engine = version.log_store.engine(None);
            let vectors = &version.caches.deletion_vectors;
            vectors.selection(engine.as_ref(), version.location(), &vector, rows)
        };
        tokio::task::spawn_blocking(read).await.map_err(|cause| {
            Error::internal("reading a deletion vector did not end").caused_by(cause)
        })?
    }
}

/// A reader of Parquet files of a version, as every scan of them reads.
pub(super) fn parquet_source(
    version: &TableVersion,
    store: &Arc<dyn ObjectStore>,
    state: &dyn Session,
    schema: TableSchema,
) -> ParquetSource {
    let mut options = TableParquetOptions {
        global: state.config_options().execution.parquet.clone(),
        ..TableParquetOptions::default()
    };
    options.global.coerce_int96 = Some(INT96_UNIT.to_owned());
    let size_hint = options.global.metadata_size_hint;
    let readers = ReaderFactory {
        store: Arc::clone(store),
        location: version.location().clone(),
        footers: Arc::clone(&version.caches.footers),
    };
    let source = ParquetSource::new(schema)
        .with_table_parquet_options(options)
        .with_parquet_file_reader_factory(Arc::new(readers));
    match size_hint {
        Some(size_hint) => source.with_metadata_size_hint(size_hint),
        None => source,
    }
}

#[async_trait]
impl TableProvider for VersionProvider {
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
        filters: &[Expr],
        limit: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let columns = self.version.columns();
        let mut files = files_to_read(self.version.files(), columns, filters, state)?;
        files.retain(|file| self.is_meant(*file));
        if let Some(rows) = &self.rows {
            files.retain(|file| rows.contains_key(file));
        }
        let size_hint = state.config_options().execution.parquet.metadata_size_hint;
        let all_exact =
            self.rows.is_none() && filters.iter().all(|filter| is_exact(filter, columns));
        let files = self
            .scan_files(files, limit.filter(|_| all_exact), size_hint)
            .await
            .map_err(|error| DataFusionError::External(Box::new(error)))?;
        if files.is_empty() {
            let schema = project_schema(&self.schema(), projection)?;
            return Ok(Arc::new(EmptyExec::new(schema)));
        }
        let schema = self.scan_schema();
        let groups = FileGroup::new(files).split_files(state.config().target_partitions().max(1));
        let (groups, mut statistics) = with_statistics(groups, schema.table_schema())?;
        let fields = schema.table_schema().fields().iter();
        for (field, column) in fields.zip(&mut statistics.column_statistics) {
            if let Some(distinct) = self.distinct.get(field.name()) {
                let rows = statistics.num_rows.get_value().copied().unwrap_or(*distinct);
                column.distinct_count = Precision::Inexact((*distinct).min(rows));
            }
        }
        let adapter = ColumnAdapterFactory {
            physical: columns
                .data
                .iter()
                .filter_map(|&at| columns.physical.get(at).cloned())
                .collect(),
            mapping: columns.mapping,
        };
        let url = ObjectStoreUrl::parse(self.version.location().store_url())?;
        let source = parquet_source(&self.version, &self.store, state, schema);
        let config = FileScanConfigBuilder::new(url, Arc::new(source))
            .with_file_groups(groups)
            .with_statistics(statistics)
            .with_projection_indices(Some(self.scan_projection(projection)))?
            .with_limit(limit)
            .with_expr_adapter(Some(Arc::new(adapter)))
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> DataFusionResult<Vec<TableProviderFilterPushDown>> {
        let columns = self.version.columns();
        Ok(filters
            .iter()
            .map(|filter| match is_exact(filter, columns) {
                true => TableProviderFilterPushDown::Exact,
                false => TableProviderFilterPushDown::Inexact,
            })
            .collect())
    }
}

fn file_field() -> FieldRef {
    Arc::new(Field::new(FILE, DataType::UInt64, false))
}

/// Nullable as the Parquet reader makes it.
fn position_field() -> FieldRef {
    Arc::new(Field::new(POSITION, DataType::Int64, true).with_extension_type(RowNumber))
}

/// Groups of files with the statistics of each, and those of all.
fn with_statistics(
    groups: Vec<FileGroup>,
    schema: &Schema,
) -> DataFusionResult<(Vec<FileGroup>, Statistics)> {
    let groups: DataFusionResult<Vec<FileGroup>> = groups
        .into_iter()
        .map(|group| {
            let files = group.files().iter().filter_map(|file| file.statistics.as_deref());
            let statistics = Statistics::try_merge_iter(files, schema)?;
            Ok(group.with_statistics(Arc::new(statistics)))
        })
        .collect();
    let groups = groups?;
    let all = groups.iter().filter_map(|group| group.file_statistics(None));
    let statistics = Statistics::try_merge_iter(all, schema)?;
    Ok((groups, statistics))
}

impl fmt::Debug for VersionProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("VersionProvider").field(&self.version).finish()
    }
}
