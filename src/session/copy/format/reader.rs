//! COPY FROM: rows of text, CSV or binary, cut anywhere, into Arrow batches of the table's columns. It keeps one
//! batch and one unfinished row in memory, and writes nothing.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::SchemaRef;

use super::binary_rows::BinaryRows;
use super::csv_rows::CsvRows;
use super::line_end::{Span, Split};
use super::options::{CopyDirection, CopyFormat, CopyOptions, Header};
use super::text_rows::{TextRows, unescape};
use crate::base::text_style::TextStyle;
use crate::base::value::ColumnBuilder;
use crate::base::{Error, ErrorKind, ErrorObject, Result};

/// Rows of a full batch.
const BATCH_ROWS: usize = 8192;

/// Bytes of input after which a batch is full too.
const BATCH_BYTES: usize = 8 << 20;

/// The longest row.
const ROW_BYTES_MAX: usize = 256 << 20;

/// Bytes of a value or row that an error shows (PostgreSQL's `MAX_COPY_DATA_DISPLAY`).
const SHOWN_BYTES_MAX: usize = 100;

/// Reads the rows of one COPY FROM.
pub struct CopyReader {
    schema: SchemaRef,
    rows: Rows,
    sink: RowSink,
    /// The start of a row whose end has not come yet.
    pending: Vec<u8>,
    header: Header,
    ended: bool,
}

/// Finds rows and their fields.
enum Rows {
    Text(Box<TextRows>),
    Csv(Box<CsvRows>),
    Binary(BinaryRows),
}

/// Turns rows into columns.
struct RowSink {
    relation: String,
    columns: Vec<Column>,
    null: Vec<u8>,
    /// The value of a field whose bytes had escapes.
    value: Vec<u8>,
    /// Lines up to and with the row at hand.
    line: u64,
    count: usize,
    bytes: usize,
}

struct Column {
    name: String,
    builder: ColumnBuilder,
    nullable: bool,
    force_not_null: bool,
    force_null: bool,
}

impl CopyReader {
    /// A reader for the columns of `schema`, in their order in the data. `relation` is for errors.
    pub fn new(
        relation: &str,
        schema: SchemaRef,
        options: &CopyOptions,
        style: &TextStyle,
    ) -> Result<CopyReader> {
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        options.validate(CopyDirection::From, &names)?;
        let columns = schema
            .fields()
            .iter()
            .map(|field| {
                Ok(Column {
                    name: field.name().clone(),
                    builder: ColumnBuilder::new(field, style)?,
                    nullable: field.is_nullable(),
                    force_not_null: options.force_not_null.contains(field.name()),
                    force_null: options.force_null.contains(field.name()),
                })
            })
            .collect::<Result<Vec<_>>>()?;
        let rows = match options.format {
            CopyFormat::Text => Rows::Text(Box::new(TextRows::new(options))),
            CopyFormat::Csv => Rows::Csv(Box::new(CsvRows::new(options))),
            CopyFormat::Binary => Rows::Binary(BinaryRows::new(columns.len())),
        };
        let sink = RowSink {
            relation: relation.to_owned(),
            columns,
            null: options.null.clone().into_bytes(),
            value: Vec::new(),
            line: 0,
            count: 0,
            bytes: 0,
        };
        let header = options.header;
        Ok(CopyReader { schema, rows, sink, pending: Vec::new(), header, ended: false })
    }

    /// Takes the next piece of data and gives the batches that it filled.
    pub fn push(&mut self, data: &[u8]) -> Result<Vec<RecordBatch>> {
        let mut batches = Vec::new();
        if self.ended {
            return self.after_end(data).map(|()| batches);
        }
        if self.pending.is_empty() {
            let taken = self.take_rows(data, false, &mut batches)?;
            self.pending.extend_from_slice(data.get(taken..).unwrap_or_default());
        } else {
            let mut pending = std::mem::take(&mut self.pending);
            pending.extend_from_slice(data);
            let taken = self.take_rows(&pending, false, &mut batches)?;
            pending.drain(..taken);
            self.pending = pending;
        }
        if self.ended {
            self.pending = Vec::new();
        } else if self.pending.len() > ROW_BYTES_MAX {
            return Err(Error::new(
                ErrorKind::ProgramLimitExceeded,
                format!("a row of COPY data is longer than {ROW_BYTES_MAX} bytes"),
            )
            .with_detail(self.sink.context(self.sink.line + 1)));
        }
        Ok(batches)
    }

    /// No more data comes: reads a last row without line end, and gives the last batch.
    pub fn finish(&mut self) -> Result<Option<RecordBatch>> {
        let mut batches = Vec::new();
        if !self.ended {
            let pending = std::mem::take(&mut self.pending);
            let taken = self.take_rows(&pending, true, &mut batches)?;
            if taken < pending.len() && !self.ended {
                return Err(bad("unexpected EOF in COPY data"));
            }
            self.ended = true;
        }
        match batches.pop() {
            // The rest of a row cannot fill a batch and leave rows for another.
            Some(batch) => Ok(Some(batch)),
            None if self.sink.count > 0 => self.sink.batch(&self.schema).map(Some),
            None => Ok(None),
        }
    }

    /// After `\.` everything is ignored; after the trailer of binary nothing may come.
    fn after_end(&self, data: &[u8]) -> Result<()> {
        match self.rows {
            Rows::Binary(_) if !data.is_empty() => Err(bad("received copy data after EOF marker")),
            Rows::Binary(_) | Rows::Text(_) | Rows::Csv(_) => Ok(()),
        }
    }

    /// Reads all whole rows of `data` and gives the count of bytes that they took.
    fn take_rows(
        &mut self,
        data: &[u8],
        at_end: bool,
        batches: &mut Vec<RecordBatch>,
    ) -> Result<usize> {
        let mut taken = 0;
        if let Rows::Binary(rows) = &mut self.rows {
            match rows.header(data)? {
                Some(length) => taken = length,
                None if at_end => return Err(bad("invalid COPY file header (missing flags)")),
                None => return Ok(0),
            }
        }
        while !self.ended {
            let rest = data.get(taken..).unwrap_or_default();
            let split = match &mut self.rows {
                Rows::Text(rows) => rows.next(rest, at_end),
                Rows::Csv(rows) => rows.next(rest, at_end),
                Rows::Binary(rows) => rows.next(rest, at_end),
            };
            match split.map_err(|error| detailed(error, self.sink.context(self.sink.line + 1)))? {
                Split::Partial => break,
                Split::End => {
                    self.ended = true;
                    self.check_trailer(rest)?;
                    return Ok(data.len());
                }
                Split::Row { length, taken: row_taken } => {
                    let row = rest.get(..length).unwrap_or_default();
                    self.take_row(row, batches)?;
                    taken += row_taken;
                }
            }
        }
        Ok(taken)
    }

    fn check_trailer(&self, rest: &[u8]) -> Result<()> {
        const TRAILER_BYTES: usize = 2;
        self.after_end(rest.get(TRAILER_BYTES..).unwrap_or_default())
    }

    fn take_row(&mut self, row: &[u8], batches: &mut Vec<RecordBatch>) -> Result<()> {
        self.sink.line += 1;
        match &self.rows {
            Rows::Binary(rows) => self.sink.binary_row(row, &rows.fields)?,
            Rows::Text(rows) => {
                let fields = &rows.fields;
                match std::mem::replace(&mut self.header, Header::None) {
                    Header::None => self.sink.text_row(row, fields, unescape)?,
                    Header::Write => return Ok(()),
                    Header::Match => return self.sink.match_header(row, fields, unescape),
                }
            }
            Rows::Csv(rows) => {
                self.sink.line += rows.inner_lines;
                let fields = &rows.fields;
                let value_of = |field: &[u8], value: &mut Vec<u8>| rows.unescape(field, value);
                match std::mem::replace(&mut self.header, Header::None) {
                    Header::None => self.sink.text_row(row, fields, value_of)?,
                    Header::Write => return Ok(()),
                    Header::Match => return self.sink.match_header(row, fields, value_of),
                }
            }
        }
        if self.sink.is_full() {
            batches.push(self.sink.batch(&self.schema)?);
        }
        Ok(())
    }
}

impl RowSink {
    fn is_full(&self) -> bool {
        self.count >= BATCH_ROWS || self.bytes >= BATCH_BYTES
    }

    /// Adds a row of text or CSV; `value_of` reads fields with escapes.
    fn text_row(
        &mut self,
        row: &[u8],
        fields: &[Span],
        value_of: impl Fn(&[u8], &mut Vec<u8>),
    ) -> Result<()> {
        if fields.len() > self.columns.len() && !(self.columns.is_empty() && row.is_empty()) {
            return Err(self.row_error("extra data after last expected column", row));
        }
        let mut value = std::mem::take(&mut self.value);
        // As in PostgreSQL: a row that lacks values, or has one that cannot be read, is refused before NULLs are.
        let mut violation = None;
        for (position, (column, span)) in self.columns.iter_mut().zip(fields).enumerate() {
            let raw = row.get(span.start..span.end).unwrap_or_default();
            let field = if span.escaped {
                value_of(raw, &mut value);
                value.as_slice()
            } else {
                raw
            };
            // Without quotes the text as it was written decides about null, before escapes.
            let is_null = if span.quoted {
                column.force_null && field == self.null
            } else {
                !column.force_not_null && raw == self.null
            };
            if is_null {
                if let Err(error) = column.add_null() {
                    violation.get_or_insert((error, position));
                }
            } else if let Err(error) = column.builder.append_text(field) {
                let field = field.to_vec();
                return Err(self.field_error(error, position, Some(&field)));
            }
        }
        self.value = value;
        if let Some(missing) = self.columns.get(fields.len()) {
            let message = format!("missing data for column \"{}\"", missing.name);
            return Err(self.row_error(&message, row));
        }
        if let Some((error, position)) = violation {
            return Err(self.field_error(error, position, None));
        }
        self.end_row(row);
        Ok(())
    }

    fn binary_row(&mut self, row: &[u8], fields: &[Span]) -> Result<()> {
        for (position, (column, span)) in self.columns.iter_mut().zip(fields).enumerate() {
            let added = if span.quoted {
                column.builder.append_binary(row.get(span.start..span.end).unwrap_or_default())
            } else {
                column.add_null()
            };
            if let Err(error) = added {
                let column = self.columns.get(position).map_or("", |column| &column.name);
                let context = format!("{}, column {column}", self.context(self.line));
                return Err(detailed(self.named(error, position), context));
            }
        }
        self.end_row(row);
        Ok(())
    }

    fn end_row(&mut self, row: &[u8]) {
        self.count += 1;
        self.bytes += row.len();
    }

    fn match_header(
        &mut self,
        row: &[u8],
        fields: &[Span],
        value_of: impl Fn(&[u8], &mut Vec<u8>),
    ) -> Result<()> {
        let wrong = |message: String| {
            detailed(bad(message), format!("{}: \"{}\"", self.context(self.line), shown(row)))
        };
        if fields.len() != self.columns.len() {
            return Err(wrong(format!(
                "wrong number of fields in header line: got {}, expected {}",
                fields.len(),
                self.columns.len()
            )));
        }
        let mut value = Vec::new();
        for (position, (column, span)) in self.columns.iter().zip(fields).enumerate() {
            let raw = row.get(span.start..span.end).unwrap_or_default();
            let name = if span.escaped {
                value_of(raw, &mut value);
                value.as_slice()
            } else {
                raw
            };
            if name != column.name.as_bytes() {
                return Err(wrong(format!(
                    "column name mismatch in header line field {}: got \"{}\", expected \"{}\"",
                    position + 1,
                    shown(name),
                    column.name
                )));
            }
        }
        Ok(())
    }

    fn row_error(&self, message: &str, row: &[u8]) -> Error {
        detailed(bad(message), format!("{}: \"{}\"", self.context(self.line), shown(row)))
    }

    fn context(&self, line: u64) -> String {
        format!("COPY {}, line {line}", self.relation)
    }

    /// Says where a value was that could not be read.
    fn field_error(&self, error: Error, position: usize, field: Option<&[u8]>) -> Error {
        let column = self.columns.get(position).map_or("", |column| &column.name);
        let place = format!("{}, column {column}", self.context(self.line));
        let context = match field {
            Some(field) => format!("{place}: \"{}\"", shown(field)),
            None => format!("{place}: null input"),
        };
        detailed(self.named(error, position), context)
    }

    /// A null in a column without nulls is reported with the names that only the owner of the rows knows.
    fn named(&self, error: Error, position: usize) -> Error {
        match self.columns.get(position) {
            Some(column) if error.kind() == ErrorKind::NotNullViolation => Error::new(
                ErrorKind::NotNullViolation,
                format!(
                    "null value in column \"{}\" of relation \"{}\" violates not-null constraint",
                    column.name, self.relation
                ),
            )
            .about(ErrorObject {
                table: Some(self.relation.clone()),
                column: Some(column.name.clone()),
                ..ErrorObject::default()
            }),
            _ => error,
        }
    }

    /// The rows so far as a batch.
    fn batch(&mut self, schema: &SchemaRef) -> Result<RecordBatch> {
        let arrays = self
            .columns
            .iter_mut()
            .map(|column| column.builder.finish())
            .collect::<Result<Vec<ArrayRef>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(self.count));
        self.count = 0;
        self.bytes = 0;
        RecordBatch::try_new_with_options(Arc::clone(schema), arrays, &options)
            .map_err(|error| Error::internal("COPY made columns that do not fit").caused_by(error))
    }
}

impl Column {
    fn add_null(&mut self) -> Result<()> {
        if !self.nullable {
            return Err(Error::new(
                ErrorKind::NotNullViolation,
                "null value in a column without nulls",
            ));
        }
        self.builder.append_null();
        Ok(())
    }
}

/// Adds where it happened to what is wrong.
fn detailed(error: Error, context: String) -> Error {
    let detail = match error.detail() {
        Some(detail) => format!("{detail} {context}"),
        None => context,
    };
    error.with_detail(detail)
}

fn shown(bytes: &[u8]) -> String {
    match bytes.get(..SHOWN_BYTES_MAX) {
        Some(start) if bytes.len() > SHOWN_BYTES_MAX => {
            format!("{}...", String::from_utf8_lossy(start))
        }
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

fn bad(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::BadCopyFileFormat, message)
}
