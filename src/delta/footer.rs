//! Reading data files for DataFusion, with the footers kept. It knows nothing of rows.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::ParquetFileReaderFactory;
use datafusion::datasource::physical_plan::parquet::ParquetFileMetrics;
use datafusion::datasource::physical_plan::parquet::metadata::DFParquetMetadata;
use datafusion::error::Result as DataFusionResult;
use datafusion::parquet::arrow::arrow_reader::ArrowReaderOptions;
use datafusion::parquet::arrow::async_reader::AsyncFileReader;
use datafusion::parquet::errors::{ParquetError, Result as ParquetResult};
use datafusion::parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::FutureExt;
use futures::future::BoxFuture;
use moka::future::Cache;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};

use super::error::same;
use crate::base::{Error, ErrorKind};
use crate::storage::{Location, error_of_store};

/// What tells data files apart: bucket or file system, path and size. A path is never written twice.
type Key = (String, String, u64);

/// Footers of data files, by least recent use.
pub struct Footers {
    cache: Cache<Key, Arc<ParquetMetaData>>,
}

impl Footers {
    /// A cache of about `bytes_max` bytes.
    pub fn new(bytes_max: u64) -> Self {
        let weigh = |_: &Key, footer: &Arc<ParquetMetaData>| {
            u32::try_from(footer.memory_size()).unwrap_or(u32::MAX)
        };
        Footers { cache: Cache::builder().max_capacity(bytes_max).weigher(weigh).build() }
    }

    /// The footer of a data file; read once by all who ask at the same time.
    pub async fn footer(
        &self,
        store: &Arc<dyn ObjectStore>,
        location: &Location,
        file: &ObjectMeta,
        size_hint: Option<usize>,
    ) -> Result<Arc<ParquetMetaData>, Arc<Error>> {
        let path = file.location.to_string();
        let key = (location.store_url().to_string(), path, file.size);
        let read = async {
            let footer = DFParquetMetadata::new(store.as_ref(), file)
                .with_metadata_size_hint(size_hint)
                .fetch_metadata()
                .await;
            let footer = footer.and_then(|footer| Ok(numbered(footer)?));
            footer.map_err(|error| error_of_footer(error, file))
        };
        self.cache.try_get_with(key, read).await
    }
}

/// The footer with row groups that are numbered from 0 on. Writers need not number them, and positions of
/// rows are counted by these numbers.
fn numbered(footer: Arc<ParquetMetaData>) -> ParquetResult<Arc<ParquetMetaData>> {
    let number = |place: usize| i16::try_from(place).ok();
    let mut groups = footer.row_groups().iter().enumerate();
    if groups.all(|(place, group)| group.ordinal() == number(place)) {
        return Ok(footer);
    }
    let mut footer = ParquetMetaData::clone(&footer).into_builder();
    let groups = footer.take_row_groups().into_iter().enumerate();
    let groups: ParquetResult<Vec<RowGroupMetaData>> = groups
        .map(|(place, group)| match number(place) {
            Some(number) => group.into_builder().set_ordinal(number).build(),
            None => Ok(group),
        })
        .collect();
    Ok(Arc::new(footer.set_row_groups(groups?).build()))
}

fn error_of_footer(error: datafusion::error::DataFusionError, file: &ObjectMeta) -> Error {
    use datafusion::error::DataFusionError;
    match error {
        DataFusionError::ObjectStore(error) => error_of_store(*error),
        other => {
            let what = "a file of the table is no valid Parquet file";
            let cause = other.context(format!("in file {}", file.location));
            Error::new(ErrorKind::DataCorrupted, what)
                .with_hint("The server's log says which file it is.")
                .caused_by(cause)
        }
    }
}

/// Makes readers of one table's data files.
pub struct ReaderFactory {
    pub store: Arc<dyn ObjectStore>,
    pub location: Location,
    pub footers: Arc<Footers>,
}

impl fmt::Debug for ReaderFactory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReaderFactory").field("location", &self.location).finish_non_exhaustive()
    }
}

impl ParquetFileReaderFactory for ReaderFactory {
    fn create_reader(
        &self,
        partition_index: usize,
        file: PartitionedFile,
        metadata_size_hint: Option<usize>,
        metrics: &ExecutionPlanMetricsSet,
    ) -> DataFusionResult<Box<dyn AsyncFileReader + Send>> {
        let name = file.object_meta.location.as_ref();
        Ok(Box::new(Reader {
            metrics: ParquetFileMetrics::new(partition_index, name, metrics),
            store: Arc::clone(&self.store),
            location: self.location.clone(),
            footers: Arc::clone(&self.footers),
            file: file.object_meta,
            size_hint: metadata_size_hint,
        }))
    }
}

/// Reads one data file.
struct Reader {
    metrics: ParquetFileMetrics,
    store: Arc<dyn ObjectStore>,
    location: Location,
    footers: Arc<Footers>,
    file: ObjectMeta,
    size_hint: Option<usize>,
}

impl Reader {
    fn error(&self, error: object_store::Error) -> ParquetError {
        ParquetError::External(Box::new(error_of_store(error)))
    }
}

impl AsyncFileReader for Reader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, ParquetResult<Bytes>> {
        async move {
            let bytes = self.store.get_range(&self.file.location, range).await;
            let bytes = bytes.map_err(|error| self.error(error))?;
            self.metrics.bytes_scanned.add(bytes.len());
            Ok(bytes)
        }
        .boxed()
    }

    fn get_byte_ranges(
        &mut self,
        ranges: Vec<Range<u64>>,
    ) -> BoxFuture<'_, ParquetResult<Vec<Bytes>>> {
        async move {
            let parts = self.store.get_ranges(&self.file.location, &ranges).await;
            let parts = parts.map_err(|error| self.error(error))?;
            self.metrics.bytes_scanned.add(parts.iter().map(Bytes::len).sum());
            Ok(parts)
        }
        .boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, ParquetResult<Arc<ParquetMetaData>>> {
        async move {
            self.footers
                .footer(&self.store, &self.location, &self.file, self.size_hint)
                .await
                .map_err(|error| ParquetError::External(Box::new(same(&error))))
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::{ArrayRef, Int32Array};
    use datafusion::arrow::record_batch::RecordBatch;
    use datafusion::parquet::arrow::ArrowWriter;
    use datafusion::parquet::file::properties::WriterProperties;

    #[test]
    fn row_groups_are_numbered_by_their_places() {
        let column: ArrayRef = Arc::new(Int32Array::from_iter_values(0..30));
        let batch = RecordBatch::try_from_iter([("a", column)]).unwrap();
        let groups = WriterProperties::builder().set_max_row_group_row_count(Some(10)).build();
        let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(groups)).unwrap();
        writer.write(&batch).unwrap();
        let footer = writer.finish().unwrap();
        let mut footer = footer.into_builder();
        let same = |group: RowGroupMetaData| group.into_builder().set_ordinal(7).build().unwrap();
        let groups = footer.take_row_groups().into_iter().map(same).collect();
        let footer = numbered(Arc::new(footer.set_row_groups(groups).build())).unwrap();
        let numbers: Vec<Option<i16>> = footer.row_groups().iter().map(|g| g.ordinal()).collect();
        assert_eq!(numbers, [Some(0), Some(1), Some(2)]);
    }
}
