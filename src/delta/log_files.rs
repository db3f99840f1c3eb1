//! Reads the JSON files of a log for the kernel: many are fetched at a time, one decoder takes them apart.
//! It never knows what an action means.

use std::sync::Arc;

use bytes::{Buf, Bytes};
use datafusion::arrow::json::ReaderBuilder;
use datafusion::arrow::json::reader::Decoder;
use delta_kernel::engine::arrow_data::ArrowEngineData;
use delta_kernel::engine::arrow_utils::{
    ReorderIndex, build_json_reorder_indices, fixup_json_read, json_arrow_schema,
};
use delta_kernel::engine_data::FilteredEngineData;
use delta_kernel::schema::SchemaRef;
use delta_kernel::{
    DeltaResult, DeltaResultIterator, Engine, EngineData, EvaluationHandler,
    FileDataReadResultIterator, FileMeta, FileSize, JsonHandler, ParquetHandler, PredicateRef,
    StorageHandler,
};
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::mpsc;
use url::Url;

/// Files that are fetched at the same time.
const FETCHED_AT_ONCE: usize = 64;

/// Bytes up to which a file is fetched as a whole, ahead of its turn.
const FETCHED_WHOLE_BYTES_MAX: u64 = 1 << 20;

/// Pieces that wait to be decoded.
const WAITING_PIECES: usize = 64;

/// Actions of one batch. The decoder sets memory aside for so many when it is made.
const BATCH_ROWS: usize = 1024;

/// The kernel's engine with another reader of JSON files.
///
/// The one it has makes a decoder for each file, with room for a thousand wide rows, and fetches a
/// thousand files at a time: a log of many small commits costs a gigabyte for a while.
pub struct LogEngine {
    engine: Arc<dyn Engine>,
    files: Arc<LogFiles>,
}

impl LogEngine {
    /// `store` is where the engine's URLs lead. To be called in a runtime.
    pub fn new(engine: Arc<dyn Engine>, store: Arc<dyn ObjectStore>) -> Self {
        let files = LogFiles { inner: engine.json_handler(), store, runtime: Handle::current() };
        LogEngine { engine, files: Arc::new(files) }
    }
}

impl Engine for LogEngine {
    fn evaluation_handler(&self) -> Arc<dyn EvaluationHandler> {
        self.engine.evaluation_handler()
    }

    fn storage_handler(&self) -> Arc<dyn StorageHandler> {
        self.engine.storage_handler()
    }

    fn json_handler(&self) -> Arc<dyn JsonHandler> {
        Arc::clone(&self.files) as _
    }

    fn parquet_handler(&self) -> Arc<dyn ParquetHandler> {
        self.engine.parquet_handler()
    }
}

struct LogFiles {
    inner: Arc<dyn JsonHandler>,
    store: Arc<dyn ObjectStore>,
    runtime: Handle,
}

impl JsonHandler for LogFiles {
    fn parse_json(
        &self,
        json_strings: Box<dyn EngineData>,
        output_schema: SchemaRef,
    ) -> DeltaResult<Box<dyn EngineData>> {
        self.inner.parse_json(json_strings, output_schema)
    }

    fn read_json_files(
        &self,
        files: &[FileMeta],
        physical_schema: SchemaRef,
        predicate: Option<PredicateRef>,
    ) -> DeltaResult<FileDataReadResultIterator> {
        // A runtime of one thread could not fetch while its thread waits here.
        if self.runtime.runtime_flavor() == RuntimeFlavor::CurrentThread {
            return self.inner.read_json_files(files, physical_schema, predicate);
        }
        let decoder = ReaderBuilder::new(Arc::new(json_arrow_schema(&physical_schema)?))
            .with_batch_size(BATCH_ROWS)
            .with_coerce_primitive(true)
            .build_decoder()?;
        let (sender, pieces) = mpsc::channel(WAITING_PIECES);
        let mut fetched = fetch(Arc::clone(&self.store), files.to_vec());
        self.runtime.spawn(async move {
            while let Some(piece) = fetched.next().await {
                if sender.send(piece).await.is_err() {
                    break;
                }
            }
        });
        let order = build_json_reorder_indices(&physical_schema)?;
        let batches = Batches { pieces, decoder, order, rest: None };
        Ok(Box::new(batches.map(|batch| Ok(Box::new(batch?) as _))))
    }

    fn write_json_file(
        &self,
        path: &Url,
        data: DeltaResultIterator<'_, FilteredEngineData>,
        overwrite: bool,
    ) -> DeltaResult<FileSize> {
        self.inner.write_json_file(path, data, overwrite)
    }
}

/// Some bytes of a file.
struct Piece {
    file: Arc<str>,
    bytes: Bytes,
    ends_file: bool,
}

/// The bytes of files, in order.
fn fetch(
    store: Arc<dyn ObjectStore>,
    files: Vec<FileMeta>,
) -> BoxStream<'static, DeltaResult<Piece>> {
    stream::iter(files)
        .map(move |file| fetch_file(Arc::clone(&store), file))
        .buffered(FETCHED_AT_ONCE)
        .try_flatten()
        .boxed()
}

async fn fetch_file(
    store: Arc<dyn ObjectStore>,
    file: FileMeta,
) -> DeltaResult<BoxStream<'static, DeltaResult<Piece>>> {
    let url: Arc<str> = file.location.as_str().into();
    let path = Path::from_url_path(file.location.path())?;
    let found = store.get(&path).await?;
    if found.meta.size <= FETCHED_WHOLE_BYTES_MAX {
        let bytes = found.bytes().await?;
        return Ok(stream::iter([Ok(Piece { file: url, bytes, ends_file: true })]).boxed());
    }
    let end = Piece { file: Arc::clone(&url), bytes: Bytes::new(), ends_file: true };
    let pieces = found
        .into_stream()
        .map(move |bytes| Ok(Piece { file: Arc::clone(&url), bytes: bytes?, ends_file: false }));
    Ok(pieces.chain(stream::iter([Ok(end)])).boxed())
}

/// The actions of files; the kernel asks that none has those of two files.
struct Batches {
    pieces: mpsc::Receiver<DeltaResult<Piece>>,
    decoder: Decoder,
    /// Where the columns are that the kernel wants, with those that no file has: its own name.
    order: Vec<ReorderIndex>,
    /// What is left of a piece after a full batch.
    rest: Option<Piece>,
}

impl Batches {
    fn next_batch(&mut self) -> DeltaResult<Option<ArrowEngineData>> {
        loop {
            let piece = match self.rest.take() {
                Some(piece) => Some(piece),
                None => self.next_piece().transpose()?,
            };
            let Some(mut piece) = piece else { return Ok(None) };
            let file = Arc::clone(&piece.file);
            let decoded = self.decoder.decode(&piece.bytes)?;
            if decoded < piece.bytes.len() {
                piece.bytes.advance(decoded);
                self.rest = Some(piece);
            } else if !piece.ends_file {
                continue;
            }
            if let Some(batch) = self.decoder.flush()? {
                return fixup_json_read(batch, &self.order, &file).map(Some);
            }
        }
    }

    fn next_piece(&mut self) -> Option<DeltaResult<Piece>> {
        if let Ok(piece) = self.pieces.try_recv() {
            return Some(piece);
        }
        tokio::task::block_in_place(|| futures::executor::block_on(self.pieces.recv()))
    }
}

impl Iterator for Batches {
    type Item = DeltaResult<ArrowEngineData>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.next_batch();
        if batch.is_err() {
            // A decoder that has failed would fail for ever.
            self.pieces.close();
            self.rest = None;
            while self.pieces.try_recv().is_ok() {}
        }
        batch.transpose()
    }
}
