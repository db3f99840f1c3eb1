//! The bytes of foreign files, piece by piece and decompressed by the ending of their names. No more of a file
//! is held than a record needs.

use std::str::FromStr;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::common::parsers::CompressionTypeVariant;
use datafusion::datasource::file_format::file_compression_type::FileCompressionType;
use datafusion::error::DataFusionError;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::{GetOptions, ObjectStore};

use super::listing::ForeignFile;
use crate::base::{Error, ErrorKind, Result};
use crate::engine::error::from_datafusion;
use crate::storage::error_of_store;

/// What is asked of a store at one time.
const PIECE_BYTES: u64 = 4 << 20;

/// Pieces that are asked for before they are needed.
const PIECES_AHEAD: usize = 2;

/// The longest record: one that goes on is taken for a file of another format.
const RECORD_BYTES_MAX: usize = 64 << 20;

/// Bytes that are read and not yet used.
pub struct Buffer {
    bytes: Vec<u8>,
    start: usize,
    stream: BoxStream<'static, Result<Bytes>>,
    is_last: bool,
}

impl Buffer {
    pub fn open(store: Arc<dyn ObjectStore>, file: &ForeignFile) -> Result<Self> {
        let pieces =
            pieces(store, file).map_err(|error| DataFusionError::External(Box::new(error)));
        let name = file.meta.location.filename().unwrap_or_default();
        let plain = compression(name).convert_stream(pieces.boxed()).map_err(from_datafusion)?;
        let stream = plain.map_err(from_datafusion).boxed();
        Ok(Buffer { bytes: Vec::new(), start: 0, stream, is_last: false })
    }

    /// What is there to be used, and whether nothing comes after it.
    pub fn available(&self) -> (&[u8], bool) {
        (self.bytes.get(self.start..).unwrap_or_default(), self.is_last)
    }

    pub fn consume(&mut self, bytes: usize) {
        self.start += bytes;
    }

    /// Waits for more. 54000 for a record that does not end.
    pub async fn fill(&mut self) -> Result<()> {
        self.bytes.drain(..self.start.min(self.bytes.len()));
        self.start = 0;
        if self.bytes.len() > RECORD_BYTES_MAX {
            let message = format!("a record of a file has more than {RECORD_BYTES_MAX} bytes");
            return Err(Error::new(ErrorKind::ProgramLimitExceeded, message)
                .with_hint("Check the format of the files, and their delimiters and quotes."));
        }
        match self.stream.try_next().await? {
            Some(bytes) => self.bytes.extend_from_slice(&bytes),
            None => self.is_last = true,
        }
        Ok(())
    }

    /// How many bytes the next line has with its end; `None` when there is none.
    pub async fn line(&mut self) -> Result<Option<usize>> {
        loop {
            let (bytes, is_last) = self.available();
            match bytes.iter().position(|byte| *byte == b'\n') {
                Some(end) => return Ok(Some(end + 1)),
                None if is_last => return Ok(Some(bytes.len()).filter(|length| *length > 0)),
                None => self.fill().await?,
            }
        }
    }

    /// Passes the mark with which some writers begin a text.
    pub async fn skip_byte_order_mark(&mut self) -> Result<()> {
        self.fill().await?;
        if self.available().0.starts_with("\u{feff}".as_bytes()) {
            self.consume(3);
        }
        Ok(())
    }

    /// The whole file, where it has no more bytes than a record may have.
    pub async fn whole(&mut self) -> Result<&[u8]> {
        while !self.is_last {
            self.fill().await?;
        }
        Ok(self.available().0)
    }
}

fn compression(name: &str) -> FileCompressionType {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    let ending = match ending.as_deref() {
        Some("gz" | "gzip") => "gzip",
        Some("bz2") => "bzip2",
        Some("xz") => "xz",
        Some("zst" | "zstd") => "zstd",
        _ => "",
    };
    CompressionTypeVariant::from_str(ending).map_or(FileCompressionType::UNCOMPRESSED, Into::into)
}

/// The file as it was when it was listed, however slowly it is used.
fn pieces(
    store: Arc<dyn ObjectStore>,
    file: &ForeignFile,
) -> impl futures::Stream<Item = Result<Bytes>> + use<> {
    let size = file.meta.size;
    let (path, tag) = (file.meta.location.clone(), file.meta.e_tag.clone());
    let starts = (0..size).step_by(usize::try_from(PIECE_BYTES).unwrap_or(usize::MAX));
    stream::iter(starts)
        .map(move |start| {
            let range = start..size.min(start + PIECE_BYTES);
            let options = GetOptions { if_match: tag.clone(), ..GetOptions::default() };
            let options = GetOptions { range: Some(range.into()), ..options };
            let (store, path) = (Arc::clone(&store), path.clone());
            async move {
                let read = store.get_opts(&path, options).await.map_err(error_of_store)?;
                read.bytes().await.map_err(error_of_store)
            }
        })
        .buffered(PIECES_AHEAD)
}
