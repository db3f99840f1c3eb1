//! Values as the text that PostgreSQL's output functions write: casts to text, `concat`, `concat_ws`, `quote_*`
//! of any type. The texts themselves are made by `base::render`.

use std::sync::Arc;

use bytes::BytesMut;
use datafusion::arrow::array::{Array, ArrayRef, StringBuilder};
use datafusion::arrow::datatypes::{DataType, Field};

use crate::base::datatype::BaseType;
use crate::base::render::{ColumnWriter, Format};
use crate::base::text_style::TextStyle;
use crate::base::{Error, Result};

use super::array::{elements, elements_field};
use super::kernel::{Arguments, Kernel, Kind, Overload, Returns};

pub const TEXT_OF: &str = "text_of";
pub const TEXT_ELEMENTS: &str = "text_of_elements";

const TEXT: Returns = Returns::Type(BaseType::Text);

pub const KERNELS: &[Kernel] = &[
    Kernel::stable(TEXT_OF, &[Overload::new(&[Kind::Any], TEXT, text_of)]),
    Kernel::stable(
        TEXT_ELEMENTS,
        &[Overload::new(
            &[Kind::Array],
            Returns::Computed(|shape| elements_field(shape, &DataType::Utf8)),
            text_of_elements,
        )],
    ),
    Kernel::stable("concat", &[Overload::new(&[], TEXT, concat).variadic(Kind::Any).sees_null()]),
    Kernel::stable(
        "concat_ws",
        &[Overload::new(&[Kind::Text], TEXT, concat_ws).variadic(Kind::Any).sees_null()],
    ),
];

/// An argument as text, row by row.
pub struct Output<'a> {
    /// Nothing is written for a column of type unknown that is all NULL.
    writer: Option<ColumnWriter<'a>>,
    constant: bool,
}

impl<'a> Output<'a> {
    pub fn of(arguments: &'a Arguments<'_>, index: usize) -> Result<Output<'a>> {
        Self::in_style(arguments, index, &arguments.style())
    }

    /// An argument as text of a style that need not be the session's.
    pub fn in_style(
        arguments: &'a Arguments<'_>,
        index: usize,
        style: &TextStyle,
    ) -> Result<Output<'a>> {
        let (array, constant) = arguments.raw(index)?;
        let known = arguments.fields.get(index).map(|field| field.as_ref().clone());
        let field = known.unwrap_or_else(|| Field::new("", array.data_type().clone(), true));
        let field = field.with_data_type(array.data_type().clone());
        let writer = match array.data_type() {
            DataType::Null => None,
            _ => Some(ColumnWriter::new(array, &field, Format::Text, style)?),
        };
        Ok(Output { writer, constant })
    }

    /// A struct as JSON, rather than as a row.
    pub fn of_json(arguments: &'a Arguments<'_>, index: usize) -> Result<Output<'a>> {
        let (array, constant) = arguments.raw(index)?;
        let field = Field::new("", array.data_type().clone(), true);
        let writer = ColumnWriter::new(array, &field, Format::Text, &arguments.style())?;
        Ok(Output { writer: Some(writer), constant })
    }

    fn row(&self, row: usize) -> usize {
        if self.constant { 0 } else { row }
    }

    pub fn is_null(&self, row: usize) -> bool {
        self.writer.as_ref().is_none_or(|writer| writer.is_null(self.row(row)))
    }

    /// Writes the value of a row; nothing for NULL.
    pub fn write(&self, row: usize, buffer: &mut BytesMut, out: &mut String) -> Result<()> {
        if let Some(writer) = &self.writer
            && !writer.is_null(self.row(row))
        {
            buffer.clear();
            writer.write(self.row(row), buffer)?;
            let text = std::str::from_utf8(buffer)
                .map_err(|error| Error::internal("a value has no text").caused_by(error))?;
            out.push_str(text);
        }
        Ok(())
    }
}

fn text_of(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let output = Output::of(arguments, 0)?;
    let mut buffer = BytesMut::new();
    arguments.make_texts(|row, text| output.write(row, &mut buffer, text).map(|()| true))
}

/// Arrays of any depth with the texts of their elements.
fn text_of_elements(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let style = arguments.style();
    let given = arguments.fields.first();
    let given = given.ok_or_else(|| Error::internal("a function lacks an argument"))?;
    elements(arguments, &|values| {
        let field = element_of(given).with_data_type(values.data_type().clone());
        let writer = ColumnWriter::new(values, &field, Format::Text, &style)?;
        let mut buffer = BytesMut::new();
        let mut texts = StringBuilder::with_capacity(values.len(), 0);
        for row in 0..values.len() {
            if writer.is_null(row) {
                texts.append_null();
                continue;
            }
            buffer.clear();
            writer.write(row, &mut buffer)?;
            let text = std::str::from_utf8(&buffer)
                .map_err(|error| Error::internal("a value has no text").caused_by(error))?;
            texts.append_value(text);
        }
        Ok(Arc::new(texts.finish()))
    })
}

/// The field of the elements of an array, of whatever depth.
fn element_of(field: &Field) -> Field {
    match field.data_type() {
        DataType::List(element) => element_of(element),
        _ => field.clone(),
    }
}

fn outputs<'a>(arguments: &'a Arguments<'_>, from: usize) -> Result<Vec<Output<'a>>> {
    (from..arguments.count()).map(|index| Output::of(arguments, index)).collect()
}

fn concat(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let outputs = outputs(arguments, 0)?;
    let mut buffer = BytesMut::new();
    arguments.make_texts(|row, text| {
        for output in &outputs {
            output.write(row, &mut buffer, text)?;
        }
        Ok(true)
    })
}

fn concat_ws(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let separators = arguments.texts(0)?;
    let outputs = outputs(arguments, 1)?;
    let mut buffer = BytesMut::new();
    arguments.make_texts(|row, text| {
        let Some(separator) = separators.get(row) else { return Ok(false) };
        let mut is_first = true;
        for output in outputs.iter().filter(|output| !output.is_null(row)) {
            if !is_first {
                text.push_str(separator);
            }
            is_first = false;
            output.write(row, &mut buffer, text)?;
        }
        Ok(true)
    })
}
