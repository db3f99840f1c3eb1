//! Parquet files that are no table's: their columns by name, batch by batch. It keeps no footers: such files
//! may be written again under their names.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::parquet::arrow::ProjectionMask;
use datafusion::parquet::arrow::arrow_reader::ArrowReaderOptions;
use datafusion::parquet::arrow::async_reader::{
    AsyncFileReader, ParquetRecordBatchStream, ParquetRecordBatchStreamBuilder,
};
use datafusion::parquet::errors::{ParquetError, Result as ParquetResult};
use datafusion::parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};

use super::fit::{Fit, Raw, RawBatch, Rescued, value_of};
use super::listing::ForeignFile;
use super::read::BATCH_ROWS;
use crate::base::{Error, ErrorKind, Result};
use crate::storage::{error_of_store, storage_cause};

/// Reads one file.
pub struct Reader {
    store: Arc<dyn ObjectStore>,
    file: ObjectMeta,
}

impl AsyncFileReader for Reader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, ParquetResult<Bytes>> {
        async move {
            let bytes = self.store.get_range(&self.file.location, range).await;
            bytes.map_err(|error| ParquetError::External(Box::new(error_of_store(error))))
        }
        .boxed()
    }

    fn get_byte_ranges(
        &mut self,
        ranges: Vec<Range<u64>>,
    ) -> BoxFuture<'_, ParquetResult<Vec<Bytes>>> {
        async move {
            let parts = self.store.get_ranges(&self.file.location, &ranges).await;
            parts.map_err(|error| ParquetError::External(Box::new(error_of_store(error))))
        }
        .boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, ParquetResult<Arc<ParquetMetaData>>> {
        async move {
            let size = self.file.size;
            let footer = ParquetMetaDataReader::new().load_and_finish(self, size).await?;
            Ok(Arc::new(footer))
        }
        .boxed()
    }
}

/// A Parquet file that can be read, with its footer.
pub async fn builder(
    store: Arc<dyn ObjectStore>,
    file: &ForeignFile,
) -> Result<ParquetRecordBatchStreamBuilder<Reader>> {
    let reader = Reader { store, file: file.meta.clone() };
    ParquetRecordBatchStreamBuilder::new(reader).await.map_err(|error| of_parquet(error, file))
}

fn of_parquet(error: ParquetError, file: &ForeignFile) -> Error {
    if let Some(known) = storage_cause(&error) {
        return known.caused_by(error);
    }
    let name = file.meta.location.filename().unwrap_or_default();
    Error::new(ErrorKind::DataCorrupted, format!("\"{name}\" is no valid Parquet file"))
        .caused_by(error)
}

/// The records of a file, once its footer is read.
pub async fn open(
    fit: Arc<Fit>,
    store: Arc<dyn ObjectStore>,
    file: ForeignFile,
) -> Result<BoxStream<'static, Result<RecordBatch>>> {
    let mut builder = builder(store, &file).await?;
    let skipping = fit.skipping.as_ref();
    let groups = skipping
        .and_then(|skipping| skipping.row_groups(builder.metadata(), builder.schema(), &fit.shape));
    if let Some(groups) = groups {
        builder = builder.with_row_groups(groups);
    }
    let roots = builder.schema().fields().iter().enumerate().filter(|(_, field)| {
        fit.rescues || fit.shape.data_column(field.name()).is_some_and(|at| fit.needs(at))
    });
    let roots: Vec<usize> = roots.map(|(at, _)| at).collect();
    let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
    let stream = builder.with_projection(mask).with_batch_size(BATCH_ROWS).build();
    let stream: ParquetRecordBatchStream<_> = stream.map_err(|error| of_parquet(error, &file))?;
    let batches = stream.map(move |batch| {
        let batch = batch.map_err(|error| of_parquet(error, &file))?;
        fit.batch(raw_batch(&fit, &batch), &file)
    });
    Ok(batches.boxed())
}

/// The columns of a Parquet file under those that are read.
fn raw_batch(fit: &Fit, batch: &RecordBatch) -> RawBatch {
    let mut raw = RawBatch {
        rows: batch.num_rows(),
        columns: fit.shape.columns.iter().map(|_| Raw::Missing).collect(),
        rescued: Vec::new(),
        malformed: BTreeSet::new(),
    };
    let schema = batch.schema();
    for (field, values) in schema.fields().iter().zip(batch.columns()) {
        match fit.shape.data_column(field.name()).and_then(|at| raw.columns.get_mut(at)) {
            Some(column) => *column = Raw::Values(Arc::clone(values)),
            None if fit.rescues => {
                let rows = (0..raw.rows).filter(|row| values.is_valid(*row));
                let rescued = rows.map(|row| Rescued {
                    row,
                    name: field.name().clone(),
                    value: value_of(values, row),
                });
                raw.rescued.extend(rescued);
            }
            None => {}
        }
    }
    raw
}
