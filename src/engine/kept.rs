//! Rows of a result that are kept to be read again: a bounded part in memory, what is more in a file of the
//! spill folder that goes with them. It knows no cursor.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;

use datafusion::arrow::ipc::reader::StreamReader;
use datafusion::arrow::ipc::writer::StreamWriter;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::execution::SpillFile;
use datafusion::execution::disk_manager::DiskManager;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};

use crate::base::{Error, ErrorKind, Result};

use super::Engine;
use super::error::from_datafusion;

/// Rows in the order in which they were pushed, any of which can be read at any time.
pub struct KeptRows {
    pieces: Vec<Piece>,
    rows: u64,
    /// What the pieces in memory take of the memory of all queries.
    reservation: MemoryReservation,
    /// Bytes of rows in memory; what is more goes to the file.
    memory_bytes_max: usize,
    disk: Arc<DiskManager>,
    spill: Option<Spill>,
}

struct Piece {
    /// How many rows lie before it.
    first: u64,
    place: Place,
}

enum Place {
    Memory(RecordBatch),
    /// A stream of Arrow's IPC format with one batch.
    File {
        offset: u64,
        bytes: usize,
    },
}

/// The file, and how much of it is written.
struct Spill {
    file: Arc<dyn SpillFile>,
    bytes: u64,
}

impl Engine {
    /// A place to keep rows in.
    pub fn keep_rows(&self) -> KeptRows {
        let (pool, disk) = self.context.pool_and_disk();
        KeptRows {
            pieces: Vec::new(),
            rows: 0,
            reservation: MemoryConsumer::new("cursor").with_can_spill(true).register(&pool),
            memory_bytes_max: self.limits.cursor_memory_bytes_max,
            disk,
            spill: None,
        }
    }
}

impl KeptRows {
    /// How many rows are kept.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Keeps a batch after all others. When it fails, or is dropped while waiting, the batch is not kept.
    ///
    /// # Errors
    /// 53100 when the spill folder is full, 58030 when it cannot be written.
    pub async fn push(&mut self, batch: RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let rows = batch.num_rows() as u64;
        let bytes = batch.get_array_memory_size();
        let in_memory = self.reservation.size().saturating_add(bytes) <= self.memory_bytes_max
            && self.reservation.try_grow(bytes).is_ok();
        let place = match in_memory {
            true => Place::Memory(batch),
            false => self.write(batch).await?,
        };
        self.pieces.push(Piece { first: self.rows, place });
        self.rows += rows;
        Ok(())
    }

    /// The batch that holds the row with so many rows before it, and how many rows lie before the batch.
    pub async fn batch_with(&self, row: u64) -> Result<Option<(u64, RecordBatch)>> {
        let after = self.pieces.partition_point(|piece| piece.first <= row);
        let piece = after.checked_sub(1).and_then(|at| self.pieces.get(at));
        let Some(piece) = piece.filter(|_| row < self.rows) else { return Ok(None) };
        let batch = match &piece.place {
            Place::Memory(batch) => batch.clone(),
            Place::File { offset, bytes } => self.read(*offset, *bytes).await?,
        };
        Ok(Some((piece.first, batch)))
    }

    async fn write(&mut self, batch: RecordBatch) -> Result<Place> {
        let spill = match &mut self.spill {
            Some(spill) => spill,
            None => {
                let file = self.disk.create_tmp_file("cursor").map_err(from_datafusion)?;
                self.spill.insert(Spill { file, bytes: 0 })
            }
        };
        let file = Arc::clone(&spill.file);
        let bytes = blocking(move || {
            let mut encoded = Vec::new();
            let mut writer = StreamWriter::try_new(&mut encoded, &batch.schema())
                .map_err(|error| from_datafusion(error.into()))?;
            writer
                .write(&batch)
                .and_then(|()| writer.finish())
                .map_err(|error| from_datafusion(error.into()))?;
            let mut writer = file.open_writer().map_err(from_datafusion)?;
            writer.write_all(&encoded).map_err(full)?;
            Ok(encoded.len())
        })
        .await?;
        let place = Place::File { offset: spill.bytes, bytes };
        spill.bytes += bytes as u64;
        Ok(place)
    }

    async fn read(&self, offset: u64, bytes: usize) -> Result<RecordBatch> {
        let path = self.spill.as_ref().and_then(|spill| spill.file.path());
        let path = path.ok_or_else(|| Error::internal("kept rows have no file"))?.to_owned();
        blocking(move || {
            let mut encoded = vec![0; bytes];
            let mut file = File::open(path).map_err(unreadable)?;
            file.seek(SeekFrom::Start(offset)).map_err(unreadable)?;
            file.read_exact(&mut encoded).map_err(unreadable)?;
            let reader = StreamReader::try_new(encoded.as_slice(), None);
            let batch = reader.map_err(|error| from_datafusion(error.into()))?.next();
            let batch = batch.ok_or_else(|| Error::internal("kept rows are lost"))?;
            batch.map_err(|error| from_datafusion(error.into()))
        })
        .await
    }
}

/// Work on files, on a thread that may wait.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::internal("work on a spill file has failed").caused_by(error))?
}

fn full(error: std::io::Error) -> Error {
    Error::new(ErrorKind::DiskFull, "could not keep rows on disk")
        .with_hint("Close cursors, or raise limits.spill_bytes_max.")
        .caused_by(error)
}

fn unreadable(error: std::io::Error) -> Error {
    Error::new(ErrorKind::IoError, "could not read rows back from disk").caused_by(error)
}

impl std::fmt::Debug for KeptRows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeptRows")
            .field("rows", &self.rows)
            .field("spills", &self.spill.is_some())
            .finish_non_exhaustive()
    }
}
