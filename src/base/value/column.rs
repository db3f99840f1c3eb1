//! One column under construction, fed with values in text or binary form: what COPY fills, and what arrays are
//! made of. It bounds no memory; its owner does.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, ListArray, NullBufferBuilder};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::arrow::json::ReaderBuilder;

use super::array::{ArrayValue, parse_array_binary, parse_array_text};
use super::sink::{Sink, checked_json, sink_of};
use super::syntax::{invalid_binary, utf8};
use crate::base::datatype::{BaseType, PgType, pg_type_of};
use crate::base::render::Format;
use crate::base::text_style::TextStyle;
use crate::base::{Error, ErrorKind, Result};

/// Builds an Arrow array out of values as PostgreSQL writes them.
pub struct ColumnBuilder {
    sink: Box<dyn Sink>,
}

impl ColumnBuilder {
    /// A builder for the type of a field; clients send what [`pg_type_of`] says about it.
    pub fn new(field: &Field, style: &TextStyle) -> Result<ColumnBuilder> {
        let (pg_type, _) = pg_type_of(field)?;
        ColumnBuilder::of_type(pg_type, field.data_type(), style)
    }

    /// A builder for values of `pg_type`, kept as `data_type`.
    pub fn of_type(
        pg_type: PgType,
        data_type: &DataType,
        style: &TextStyle,
    ) -> Result<ColumnBuilder> {
        let sink: Box<dyn Sink> = match (pg_type, data_type) {
            (PgType::Array(base), DataType::List(element)) => {
                Box::new(Lists::new(base, element, style)?)
            }
            (PgType::Array(base), _) => {
                return Err(Error::unsupported(format!(
                    "reading an array of {} into a column of type {data_type}",
                    base.sql_name()
                )));
            }
            (PgType::Scalar(base), DataType::Struct(_) | DataType::Map(_, _)) => {
                Box::new(Documents::new(base, data_type)?)
            }
            (PgType::Scalar(base), _) => sink_of(base, data_type, style)?,
        };
        Ok(ColumnBuilder { sink })
    }

    /// Adds a null.
    #[inline]
    pub fn append_null(&mut self) {
        self.sink.null();
    }

    /// Adds a value in text form.
    #[inline]
    pub fn append_text(&mut self, text: &[u8]) -> Result<()> {
        self.sink.text(text)
    }

    /// Adds a value in binary form.
    #[inline]
    pub fn append_binary(&mut self, bytes: &[u8]) -> Result<()> {
        self.sink.binary(bytes)
    }

    /// Adds a value in the given form, or a null.
    pub fn append(&mut self, value: Option<&[u8]>, format: Format) -> Result<()> {
        match (value, format) {
            (None, _) => {
                self.append_null();
                Ok(())
            }
            (Some(text), Format::Text) => self.append_text(text),
            (Some(bytes), Format::Binary) => self.append_binary(bytes),
        }
    }

    /// The column so far; the builder is empty afterwards.
    pub fn finish(&mut self) -> Result<ArrayRef> {
        self.sink.finish()
    }
}

/// A column of lists: all levels, and the elements of the innermost.
struct Lists {
    levels: Vec<Level>,
    elements: ColumnBuilder,
    base: BaseType,
}

struct Level {
    element: FieldRef,
    /// Where each list ends among the elements of this level.
    ends: Vec<i32>,
    nulls: NullBufferBuilder,
}

impl Level {
    fn new(element: &FieldRef) -> Level {
        let nulls = NullBufferBuilder::new(0);
        Level { element: Arc::clone(element), ends: vec![0], nulls }
    }

    fn push(&mut self, length: Option<usize>) -> Result<()> {
        let last = self.ends.last().copied().unwrap_or(0);
        let end =
            i32::try_from(length.unwrap_or(0)).ok().and_then(|length| last.checked_add(length));
        self.ends.push(end.ok_or_else(|| {
            Error::new(ErrorKind::ProgramLimitExceeded, "too many array elements in one batch")
        })?);
        if length.is_some() {
            self.nulls.append_non_null();
        } else {
            self.nulls.append_null();
        }
        Ok(())
    }
}

impl Lists {
    fn new(base: BaseType, element: &FieldRef, style: &TextStyle) -> Result<Lists> {
        let mut levels = vec![Level::new(element)];
        let mut innermost = element;
        while let DataType::List(next) = innermost.data_type() {
            levels.push(Level::new(next));
            innermost = next;
        }
        let elements = ColumnBuilder::of_type(PgType::Scalar(base), innermost.data_type(), style)?;
        Ok(Lists { levels, elements, base })
    }

    fn push(&mut self, array: &ArrayValue<'_>, format: Format) -> Result<()> {
        if array.dimensions.is_empty() {
            return self.levels.iter_mut().take(1).try_for_each(|level| level.push(Some(0)));
        }
        if array.dimensions.len() != self.levels.len() {
            return Err(Error::new(
                ErrorKind::DatatypeMismatch,
                format!(
                    "an array of {} dimensions does not fit a column of {}",
                    array.dimensions.len(),
                    self.levels.len()
                ),
            ));
        }
        let mut lists = 1;
        for (level, &length) in self.levels.iter_mut().zip(&array.dimensions) {
            for _ in 0..lists {
                level.push(Some(length))?;
            }
            lists *= length;
        }
        for element in &array.elements {
            self.elements.append(element.as_deref(), format)?;
        }
        Ok(())
    }
}

impl Sink for Lists {
    fn null(&mut self) {
        if let Some(level) = self.levels.first_mut() {
            // A null list has no elements: its end cannot overflow.
            let _ = level.push(None);
        }
    }

    fn text(&mut self, text: &[u8]) -> Result<()> {
        self.push(&parse_array_text(text)?, Format::Text)
    }

    fn binary(&mut self, bytes: &[u8]) -> Result<()> {
        self.push(&parse_array_binary(bytes, self.base.oid().0)?, Format::Binary)
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let mut values = self.elements.finish()?;
        for level in self.levels.iter_mut().rev() {
            let ends = std::mem::replace(&mut level.ends, vec![0]);
            let list = ListArray::try_new(
                Arc::clone(&level.element),
                OffsetBuffer::new(ends.into()),
                values,
                level.nulls.finish(),
            );
            values = Arc::new(list.map_err(|error| {
                Error::new(ErrorKind::NotNullViolation, "null element in an array without nulls")
                    .caused_by(error)
            })?);
        }
        Ok(values)
    }
}

/// A column of structs or maps, which clients send as JSON.
struct Documents {
    base: BaseType,
    data_type: DataType,
    /// One document a line.
    lines: Vec<u8>,
    count: usize,
}

impl Documents {
    fn new(base: BaseType, data_type: &DataType) -> Result<Documents> {
        match base {
            BaseType::Json | BaseType::Jsonb => {
                Ok(Documents { base, data_type: data_type.clone(), lines: Vec::new(), count: 0 })
            }
            _ => Err(Error::unsupported(format!("reading {} as {data_type}", base.sql_name()))),
        }
    }

    fn push(&mut self, document: &str) {
        self.lines.extend_from_slice(document.as_bytes());
        self.lines.push(b'\n');
        self.count += 1;
    }
}

impl Sink for Documents {
    fn null(&mut self) {
        self.push("null");
    }

    fn text(&mut self, text: &[u8]) -> Result<()> {
        let document = checked_json(utf8(text)?, self.base.name())?;
        self.push(document);
        Ok(())
    }

    fn binary(&mut self, bytes: &[u8]) -> Result<()> {
        match (self.base, bytes.split_first()) {
            (BaseType::Jsonb, Some((1, text))) => self.text(text),
            (BaseType::Jsonb, _) => Err(invalid_binary()),
            _ => self.text(bytes),
        }
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let lines = std::mem::take(&mut self.lines);
        let count = std::mem::take(&mut self.count);
        let field = Field::new("document", self.data_type.clone(), true);
        let mismatch = |error| {
            Error::new(
                ErrorKind::InvalidTextRepresentation,
                format!("a JSON value does not fit the type {}", self.data_type),
            )
            .caused_by(error)
        };
        let mut decoder = ReaderBuilder::new_with_field(Arc::new(field))
            .with_batch_size(count.max(1))
            .build_decoder()
            .map_err(mismatch)?;
        decoder.decode(&lines).map_err(mismatch)?;
        let batch = decoder.flush().map_err(mismatch)?;
        match batch.as_ref().and_then(|batch| batch.columns().first()) {
            Some(column) if column.len() == count => Ok(Arc::clone(column)),
            None if count == 0 => Ok(datafusion::arrow::array::new_empty_array(&self.data_type)),
            _ => Err(Error::internal("the JSON reader gave another number of rows")),
        }
    }
}
