//! Scanning a table version: DataFusion's Parquet source over the files that a query needs, with
//! native partition columns and deletion vectors as row selections. It never looks at the log.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::DateTime;
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Result as DataFusionResult, Statistics, project_schema};
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
use datafusion::parquet::arrow::arrow_reader::RowSelection;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};

use super::adapter::ColumnAdapterFactory;
use super::deletion_vector::DeletionVector;
use super::error::same;
use super::footer::ReaderFactory;
use super::prune::{files_to_read, is_exact};
use super::statistics::file_statistics;
use super::version::TableVersion;
use crate::base::{Error, Result};

/// Deletion vectors of one scan that are read at one time.
const DELETION_VECTOR_READS: usize = 16;

/// Parquet's old 96-bit timestamps are read in the unit of Delta's timestamps.
const INT96_UNIT: &str = "us";

/// A table version as DataFusion sees it.
pub struct VersionProvider {
    version: Arc<TableVersion>,
    store: Arc<dyn ObjectStore>,
    /// The only files to read, where not all are.
    only: Option<Arc<HashSet<Path>>>,
}

impl VersionProvider {
    pub fn new(version: Arc<TableVersion>, store: Arc<dyn ObjectStore>) -> Self {
        VersionProvider { version, store, only: None }
    }

    /// The rows of some of the files.
    pub fn with_files(self, files: Arc<HashSet<Path>>) -> Self {
        VersionProvider { only: Some(files), ..self }
    }

    fn is_meant(&self, file: usize) -> bool {
        let path = self.version.files().paths.get(file);
        self.only.as_ref().is_none_or(|only| path.is_some_and(|path| only.contains(path)))
    }

    /// The columns as the scan has them: those of data files first, then the partition columns.
    fn scan_schema(&self) -> TableSchema {
        let columns = self.version.columns();
        let fields = columns.fields_at(&columns.data);
        let metadata = columns.schema.metadata().clone();
        TableSchema::builder(Arc::new(Schema::new_with_metadata(fields, metadata)))
            .with_table_partition_cols(columns.fields_at(&columns.partition))
            .build()
    }

    /// Positions in the scan's schema of a projection of the table's.
    fn scan_projection(&self, projection: Option<&Vec<usize>>) -> Vec<usize> {
        let columns = self.version.columns();
        let position = |column: usize| {
            let data = columns.data.iter().position(|&at| at == column);
            let partition = || columns.partition.iter().position(|&at| at == column);
            data.or_else(|| Some(columns.data.len() + partition()?))
        };
        match projection {
            Some(projection) => projection.iter().filter_map(|&at| position(at)).collect(),
            None => (0..columns.schema.fields().len()).filter_map(position).collect(),
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
        let path = index.paths.get(file);
        let path = path.ok_or_else(|| Error::internal("a scan of a file that is not there"))?;
        let meta = ObjectMeta {
            location: path.clone(),
            last_modified: DateTime::from_timestamp_millis(index.modification_times.value(file))
                .unwrap_or_default(),
            size: u64::try_from(index.sizes.value(file)).unwrap_or_default(),
            e_tag: None,
            version: None,
        };
        let mut scanned = PartitionedFile::new_from_meta(meta.clone());
        let values = index.partition_values.iter();
        scanned.partition_values = values
            .map(|values| datafusion::common::ScalarValue::try_from_array(values, file))
            .collect::<DataFusionResult<_>>()
            .map_err(|cause| Error::internal("a partition value has no scalar").caused_by(cause))?;
        // Not `with_statistics`: that says of partition columns that they have no NULL.
        scanned.statistics = Some(file_statistics(index, file, columns));
        if let Some(vector) = index.deletion_vectors.get(&file) {
            let rows = match index.physical_rows_of(file) {
                Some(rows) => rows,
                None => self.rows_in_footer(&meta, size_hint).await?,
            };
            let selection = self.selection(vector.clone(), rows).await?;
            scanned =
                scanned.with_extension(ParquetRowSelection::new(RowSelection::clone(&selection)));
        }
        Ok(scanned)
    }

    async fn rows_in_footer(&self, file: &ObjectMeta, size_hint: Option<usize>) -> Result<u64> {
        let footers = &self.version.caches.footers;
        let footer = footers.footer(&self.store, self.version.location(), file, size_hint).await;
        let footer = footer.map_err(|error| same(&error))?;
        Ok(u64::try_from(footer.file_metadata().num_rows()).unwrap_or_default())
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

    fn source(&self, state: &dyn Session, schema: TableSchema) -> ParquetSource {
        let mut options = TableParquetOptions {
            global: state.config_options().execution.parquet.clone(),
            ..TableParquetOptions::default()
        };
        options.global.coerce_int96 = Some(INT96_UNIT.to_owned());
        let size_hint = options.global.metadata_size_hint;
        let readers = ReaderFactory {
            store: Arc::clone(&self.store),
            location: self.version.location().clone(),
            footers: Arc::clone(&self.version.caches.footers),
        };
        let source = ParquetSource::new(schema)
            .with_table_parquet_options(options)
            .with_parquet_file_reader_factory(Arc::new(readers));
        match size_hint {
            Some(size_hint) => source.with_metadata_size_hint(size_hint),
            None => source,
        }
    }
}

#[async_trait]
impl TableProvider for VersionProvider {
    fn schema(&self) -> SchemaRef {
        self.version.schema()
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
        let size_hint = state.config_options().execution.parquet.metadata_size_hint;
        let all_exact = filters.iter().all(|filter| is_exact(filter, columns));
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
        let (groups, statistics) = with_statistics(groups, schema.table_schema())?;
        let adapter = ColumnAdapterFactory {
            physical: columns
                .data
                .iter()
                .filter_map(|&at| columns.physical.get(at).cloned())
                .collect(),
            mapping: columns.mapping,
        };
        let url = ObjectStoreUrl::parse(self.version.location().store_url())?;
        let config = FileScanConfigBuilder::new(url, Arc::new(self.source(state, schema)))
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
