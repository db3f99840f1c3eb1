//! Foreign files as a relation that DataFusion scans: some files for each partition, one after the other. A
//! filter over names of folders leaves files out, and others leave out row groups of Parquet files.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, StringArray};
use datafusion::arrow::datatypes::{FieldRef, Schema, SchemaRef};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DFSchema, Result as DataFusionResult};
use datafusion::datasource::TableType;
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use futures::{StreamExt, TryStreamExt, stream};
use object_store::ObjectStore;

use super::fit::Fit;
use super::listing::{FileList, ForeignFile};
use super::options::{FileOptions, Format};
use super::read::open;
use super::shape::{Shape, Source};
use super::skipping::Skipping;
use super::values::TextReader;
use crate::base::Error;
use crate::engine::progress::RunningCopy;

/// A set of files with their columns.
pub struct FilesProvider {
    list: FileList,
    shape: Shape,
    schema: SchemaRef,
    options: FileOptions,
    texts: TextReader,
    skipped: Arc<Skipped>,
    /// The COPY that reads the files.
    progress: Option<Arc<RunningCopy>>,
}

/// The files that could not be read and were passed over, by their URLs.
#[derive(Debug, Default)]
pub struct Skipped(Mutex<Vec<String>>);

impl Skipped {
    pub fn files(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, file: &ForeignFile) {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !files.contains(&file.url) {
            files.push(file.url.clone());
        }
    }
}

impl FilesProvider {
    pub fn new(list: FileList, shape: Shape, options: FileOptions, texts: TextReader) -> Self {
        let schema = shape.schema();
        let skipped = Arc::default();
        FilesProvider { list, shape, schema, options, texts, skipped, progress: None }
    }

    /// Counts what is read for a COPY.
    pub fn counted_for(self, copy: &Arc<RunningCopy>) -> Self {
        copy.restart(self.list.files.iter().map(|file| file.meta.size).sum());
        FilesProvider { progress: Some(Arc::clone(copy)), ..self }
    }

    /// What is passed over while the files are read.
    pub fn skipped(&self) -> Arc<Skipped> {
        Arc::clone(&self.skipped)
    }

    /// The files that rows for which the filters hold can be in.
    fn files(&self, filters: &[Expr], state: &dyn Session) -> DataFusionResult<Vec<ForeignFile>> {
        let files = self.list.files.clone();
        let filters: Vec<&Expr> =
            filters.iter().filter(|filter| self.is_of_folders(filter)).collect();
        if filters.is_empty() || files.is_empty() {
            return Ok(files);
        }
        let mut fields: Vec<FieldRef> = Vec::new();
        let mut columns: Vec<ArrayRef> = Vec::new();
        for (field, source) in &self.shape.columns {
            if let Source::Partition(place) = source {
                let texts = files.iter().map(|file| file.partition.get(*place)?.as_deref());
                let values = self.texts.column(&texts.collect::<StringArray>(), field);
                columns.push(values.map_err(external)?);
                fields.push(Arc::clone(field));
            }
        }
        let schema = Arc::new(Schema::new(fields));
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns)?;
        let schema = DFSchema::try_from(schema)?;
        let mut kept = vec![true; files.len()];
        for filter in filters {
            let expression = state.create_physical_expr(filter.clone(), &schema)?;
            let values = expression.evaluate(&batch)?.into_array(files.len())?;
            let Some(values) = values.as_boolean_opt() else { continue };
            for (row, kept) in kept.iter_mut().enumerate() {
                *kept &= values.is_valid(row) && values.value(row);
            }
        }
        let files = files.into_iter().zip(kept).filter(|(_, kept)| *kept);
        Ok(files.map(|(file, _)| file).collect())
    }

    /// Whether a filter asks for nothing but names of folders.
    fn is_of_folders(&self, filter: &Expr) -> bool {
        let columns = filter.column_refs();
        !columns.is_empty()
            && !filter.is_volatile()
            && columns.iter().all(|column| {
                self.shape.columns.iter().any(|(field, source)| {
                    matches!(source, Source::Partition(_)) && *field.name() == column.name
                })
            })
    }
}

impl fmt::Debug for FilesProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FilesProvider({} files)", self.list.files.len())
    }
}

#[async_trait]
impl TableProvider for FilesProvider {
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
        let wanted = match projection {
            Some(projection) => projection.clone(),
            None => (0..self.schema.fields().len()).collect(),
        };
        let files = self.files(filters, state)?;
        let skipping = match self.options.format {
            Format::Parquet => Skipping::of(filters, &self.schema, state),
            Format::Csv | Format::Json => None,
        };
        let fit = Fit::new(self.shape.clone(), self.options.clone(), self.texts.clone(), wanted);
        let fit = fit.skipping(skipping);
        let schema = Arc::clone(fit.schema());
        if files.is_empty() {
            return Ok(Arc::new(EmptyExec::new(schema)));
        }
        let fit = Arc::new(fit);
        let groups = state.config().target_partitions().clamp(1, files.len());
        let mut partitions: Vec<Vec<ForeignFile>> = vec![Vec::new(); groups];
        for (at, file) in files.into_iter().enumerate() {
            if let Some(files) = partitions.get_mut(at % groups) {
                files.push(file);
            }
        }
        let partitions = partitions.into_iter().map(|files| {
            let (store, fit) = (Arc::clone(&self.list.store), Arc::clone(&fit));
            let skipped = Arc::clone(&self.skipped);
            let progress = self.progress.as_ref().map(Arc::clone);
            Arc::new(FileGroup { files, store, fit, skipped, progress }) as Arc<dyn PartitionStream>
        });
        let partitions = partitions.collect();
        let scan = StreamingTableExec::try_new(schema, partitions, None, [], false, limit)?;
        Ok(Arc::new(scan))
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> DataFusionResult<Vec<TableProviderFilterPushDown>> {
        let has_bounds = self.options.format == Format::Parquet;
        let support = |filter: &&Expr| match has_bounds || self.is_of_folders(filter) {
            true => TableProviderFilterPushDown::Inexact,
            false => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(support).collect())
    }
}

/// The files of one partition.
struct FileGroup {
    files: Vec<ForeignFile>,
    store: Arc<dyn ObjectStore>,
    fit: Arc<Fit>,
    skipped: Arc<Skipped>,
    progress: Option<Arc<RunningCopy>>,
}

impl fmt::Debug for FileGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} files", self.files.len())
    }
}

impl PartitionStream for FileGroup {
    fn schema(&self) -> &SchemaRef {
        self.fit.schema()
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (fit, store) = (Arc::clone(&self.fit), Arc::clone(&self.store));
        let skipped = Arc::clone(&self.skipped);
        let (opened, read) = (self.progress.clone(), self.progress.clone());
        let batches = stream::iter(self.files.clone()).then(move |file| {
            // A file counts when it is begun: nobody waits for the last bytes of one.
            opened.iter().for_each(|copy| copy.add_bytes(file.meta.size));
            let (fit, store) = (Arc::clone(&fit), Arc::clone(&store));
            let skipped = Arc::clone(&skipped);
            async move {
                let skips = fit.options.skips_corrupt_files;
                match open(fit, store, file.clone()).await {
                    Err(error) if skips => {
                        tracing::warn!(?error, file = file.url, "a corrupt file is passed over");
                        skipped.add(&file);
                        Ok(stream::empty().boxed())
                    }
                    opened => opened,
                }
            }
        });
        let batches = batches.try_flatten().map_err(external).inspect_ok(move |batch| {
            read.iter().for_each(|copy| copy.add_rows(batch.num_rows()));
        });
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(self.fit.schema()), batches))
    }
}

fn external(error: Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
