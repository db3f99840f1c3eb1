//! Reads one foreign file: its records as batches of the columns that are asked for, as they come. It holds
//! one batch and the bytes that are next.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::arrow::array::StringBuilder;
use datafusion::arrow::record_batch::RecordBatch;
use futures::stream::BoxStream;
use futures::{StreamExt, stream};
use object_store::ObjectStore;
use serde_json::Value;

use super::bytes::Buffer;
use super::csv::{CsvOptions, Record};
use super::fit::{CORRUPT_RECORD, Fit, Raw, RawBatch, Rescued};
use super::json::{documents, members, text_of};
use super::listing::ForeignFile;
use super::options::Format;
use super::parquet;
use super::shape::Source;
use crate::base::{Error, ErrorKind, Result};

/// Records of a batch.
pub const BATCH_ROWS: usize = 8192;

/// The records of a file. An error at once is one of opening it: nothing of the file has been given then.
pub async fn open(
    fit: Arc<Fit>,
    store: Arc<dyn ObjectStore>,
    file: ForeignFile,
) -> Result<BoxStream<'static, Result<RecordBatch>>> {
    if fit.options.format == Format::Parquet {
        return parquet::open(fit, store, file).await;
    }
    let mut buffer = Buffer::open(store, &file)?;
    if fit.options.format == Format::Csv {
        let reader = CsvReader::open(fit, buffer, file).await?;
        let batches = stream::try_unfold(reader, |mut reader| async move {
            Ok(reader.next_batch().await?.map(|batch| (batch, reader)))
        });
        return Ok(batches.boxed());
    }
    buffer.skip_byte_order_mark().await?;
    let rows = Rows::new(&fit);
    let reader = JsonReader { fit, file, buffer, rows };
    let batches = stream::try_unfold(reader, |mut reader| async move {
        Ok(reader.next_batch().await?.map(|batch| (batch, reader)))
    });
    Ok(batches.boxed())
}

/// The records of a CSV file, one after the other.
pub struct CsvRecords {
    buffer: Buffer,
    pub record: Record,
}

impl CsvRecords {
    /// Passes what stands before the header or the first record.
    pub async fn begin(mut buffer: Buffer, csv: &CsvOptions) -> Result<Self> {
        buffer.skip_byte_order_mark().await?;
        for _ in 0..csv.skipped_lines {
            let length = buffer.line().await?;
            buffer.consume(length.unwrap_or_default());
        }
        Ok(CsvRecords { buffer, record: Record::default() })
    }

    /// Reads the next record. It is left in the buffer: how many bytes it has there, or `None` at the end.
    pub async fn next(&mut self, csv: &CsvOptions) -> Result<Option<usize>> {
        loop {
            let (bytes, is_last) = self.buffer.available();
            if bytes.is_empty() && is_last {
                return Ok(None);
            }
            if csv.is_comment(bytes) {
                let length = self.buffer.line().await?;
                self.buffer.consume(length.unwrap_or_default());
                continue;
            }
            match csv.read(bytes, is_last, &mut self.record) {
                Some(written) if self.record.is_blank() => self.buffer.consume(written),
                Some(written) => return Ok(Some(written)),
                None => self.buffer.fill().await?,
            }
        }
    }

    pub fn consume(&mut self, bytes: usize) {
        self.buffer.consume(bytes);
    }

    /// The fields of a record that is a header.
    pub fn names(&self) -> Vec<String> {
        let names = (0..self.record.len()).map(|at| {
            let (name, _) = self.record.field(at).unwrap_or_default();
            String::from_utf8_lossy(name).into_owned()
        });
        names.collect()
    }
}

/// A CSV file that is being read.
struct CsvReader {
    fit: Arc<Fit>,
    file: ForeignFile,
    records: CsvRecords,
    /// For each field of a record its name and the column that it goes to.
    header: Vec<(String, Option<usize>)>,
    rows: Rows,
}

impl CsvReader {
    async fn open(fit: Arc<Fit>, buffer: Buffer, file: ForeignFile) -> Result<Self> {
        let csv = &fit.options.csv;
        let mut records = CsvRecords::begin(buffer, csv).await?;
        let mut header = Vec::new();
        if !csv.has_header {
            let columns = fit.shape.columns.iter().enumerate();
            let data = columns.filter(|(_, (_, source))| *source == Source::Data);
            header.extend(data.map(|(at, (field, _))| (field.name().clone(), Some(at))));
        } else if let Some(written) = records.next(csv).await? {
            records.consume(written);
            let names = records.names().into_iter();
            header.extend(names.map(|name| {
                let column = fit.shape.data_column(&name);
                (name, column)
            }));
            if header.iter().all(|(_, column)| column.is_none()) {
                return Err(strange_header(&file));
            }
        }
        let rows = Rows::new(&fit);
        Ok(CsvReader { fit, file, records, header, rows })
    }

    async fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        let fit = Arc::clone(&self.fit);
        while self.rows.count < BATCH_ROWS {
            let Some(written) = self.records.next(&fit.options.csv).await? else { break };
            if self.records.record.is_broken {
                let (bytes, _) = self.records.buffer.available();
                self.rows.corrupt(&fit, bytes.get(..written).unwrap_or_default());
            } else {
                self.rows.csv(&fit, &self.records.record, &self.header);
            }
            self.records.consume(written);
        }
        self.rows.batch(&fit, &self.file)
    }
}

fn strange_header(file: &ForeignFile) -> Error {
    let file = file.meta.location.filename().unwrap_or_default();
    Error::new(ErrorKind::BadCopyFileFormat, "the header of a CSV file has none of the columns")
        .with_detail(format!("The file is \"{file}\"."))
        .with_hint("Check the column names; a file without a header is read with header => false.")
}

/// A JSON file that is being read.
struct JsonReader {
    fit: Arc<Fit>,
    file: ForeignFile,
    buffer: Buffer,
    rows: Rows,
}

impl JsonReader {
    async fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        let fit = Arc::clone(&self.fit);
        if fit.options.is_whole_document {
            let bytes = self.buffer.whole().await?;
            let length = bytes.len();
            match std::str::from_utf8(bytes).ok().and_then(documents) {
                Some(documents) => {
                    documents.iter().for_each(|one| self.rows.json(&fit, one.as_bytes()));
                }
                None => self.rows.corrupt(&fit, bytes),
            }
            self.buffer.consume(length);
            return match length {
                0 => Ok(None),
                _ => self.rows.batch(&fit, &self.file),
            };
        }
        while self.rows.count < BATCH_ROWS {
            let Some(length) = self.buffer.line().await? else { break };
            let (bytes, _) = self.buffer.available();
            let line = bytes.get(..length).unwrap_or_default();
            if !line.trim_ascii().is_empty() {
                self.rows.json(&fit, line);
            }
            self.buffer.consume(length);
        }
        self.rows.batch(&fit, &self.file)
    }
}

/// Records of texts that become a batch.
struct Rows {
    count: usize,
    /// By the columns of the shape; none for those that nobody asks for.
    columns: Vec<Option<StringBuilder>>,
    rescued: Vec<Rescued>,
    malformed: BTreeSet<usize>,
}

impl Rows {
    fn new(fit: &Fit) -> Self {
        let columns = fit.shape.columns.iter().enumerate();
        let columns = columns.map(|(at, (_, source))| {
            (*source == Source::Data && fit.needs(at)).then(StringBuilder::new)
        });
        let columns = columns.collect();
        Rows { count: 0, columns, rescued: Vec::new(), malformed: BTreeSet::new() }
    }

    /// What the rows are to those who ask; `None` for none.
    fn batch(&mut self, fit: &Fit, file: &ForeignFile) -> Result<Option<RecordBatch>> {
        match self.count {
            0 => Ok(None),
            _ => fit.batch(self.finish(fit), file).map(Some),
        }
    }

    fn finish(&mut self, fit: &Fit) -> RawBatch {
        let Rows { count, columns, rescued, malformed } = std::mem::replace(self, Rows::new(fit));
        let columns = columns.into_iter().map(|column| match column {
            Some(mut texts) => Raw::Texts(texts.finish()),
            None => Raw::Missing,
        });
        RawBatch { rows: count, columns: columns.collect(), rescued, malformed }
    }

    /// Ends a row: columns that it has said nothing of are NULL.
    fn end_row(&mut self) {
        self.count += 1;
        for column in self.columns.iter_mut().flatten() {
            while column_len(column) < self.count {
                column.append_null();
            }
        }
    }

    fn append(&mut self, at: usize, text: Option<&str>) {
        // A name that stands twice in a record keeps its first value.
        if let Some(Some(column)) = self.columns.get_mut(at)
            && column_len(column) == self.count
        {
            column.append_option(text);
        }
    }

    fn rescue(&mut self, fit: &Fit, name: &str, value: Value) {
        if fit.rescues {
            self.rescued.push(Rescued { row: self.count, name: name.to_owned(), value });
        }
    }

    /// A record that is none.
    fn corrupt(&mut self, fit: &Fit, written: &[u8]) {
        self.malformed.insert(self.count);
        let written = String::from_utf8_lossy(written);
        self.rescue(fit, CORRUPT_RECORD, Value::from(written.trim_end_matches(['\r', '\n'])));
        self.end_row();
    }

    fn csv(&mut self, fit: &Fit, record: &Record, header: &[(String, Option<usize>)]) {
        let csv = &fit.options.csv;
        for at in 0..record.len() {
            let Some((bytes, is_quoted)) = record.field(at) else { continue };
            let text = String::from_utf8_lossy(bytes);
            if matches!(text, std::borrow::Cow::Owned(_)) {
                self.malformed.insert(self.count);
            }
            let text: Option<&str> = match &*text {
                "" if is_quoted => Some(&csv.empty),
                text if text == csv.null => None,
                text => Some(text),
            };
            match (header.get(at), text) {
                (Some((_, Some(column))), text) => self.append(*column, text),
                (Some((name, None)), Some(text)) => self.rescue(fit, name, Value::from(text)),
                (None, Some(text)) => self.rescue(fit, &format!("_c{at}"), Value::from(text)),
                (_, None) => {}
            }
        }
        if record.len() != header.len() && fit.is_strict() {
            self.malformed.insert(self.count);
        }
        self.end_row();
    }

    fn json(&mut self, fit: &Fit, written: &[u8]) {
        let Some(members) = std::str::from_utf8(written).ok().and_then(members) else {
            return self.corrupt(fit, written);
        };
        for (name, value) in members {
            match fit.shape.data_column(&name) {
                Some(column) => self.append(column, text_of(value).as_deref()),
                None if value == "null" || !fit.rescues => {}
                None => {
                    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
                    self.rescue(fit, &name, value);
                }
            }
        }
        self.end_row();
    }
}

fn column_len(column: &StringBuilder) -> usize {
    datafusion::arrow::array::ArrayBuilder::len(column)
}
