//! Fields of documents as the texts that columns of records are read from: `json_to_record` and its relatives.
//! <https://www.postgresql.org/docs/16/functions-json.html>

use datafusion::arrow::array::ArrayRef;

use crate::base::datatype::BaseType;
use crate::base::value::{Json, JsonValue};
use crate::base::{Error, ErrorKind, Result};

use super::kernel::{Arguments, Kernel, Kind, Overload, Returns};

const TEXT: Returns = Returns::Type(BaseType::Text);

pub const KERNELS: &[Kernel] = &[
    Kernel::immutable("json_field", &[of_field(|a| field(a, Form::Value))]),
    Kernel::immutable("json_field_array", &[of_field(|a| field(a, Form::Array))]),
    Kernel::immutable("json_field_document", &[of_field(|a| field(a, Form::Document))]),
];

const fn of_field(body: super::kernel::Body) -> Overload {
    Overload::new(&[Kind::Text, Kind::Text], TEXT, body)
}

/// What the column's type reads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Value,
    Array,
    Document,
}

fn field(a: &Arguments<'_>, form: Form) -> Result<ArrayRef> {
    let (documents, keys) = (a.texts(0)?, a.texts(1)?);
    a.make_texts(|row, out| {
        let json = Json::parse(documents.at(row))?;
        if !matches!(json.value, JsonValue::Object(_)) {
            let message = "cannot call json_to_record on a value that is no object";
            return Err(Error::new(ErrorKind::InvalidParameterValue, message));
        }
        let Some(value) = json.member(keys.at(row)) else { return Ok(false) };
        match (&value.value, form) {
            (JsonValue::Null, _) => return Ok(false),
            (_, Form::Document) => out.push_str(value.text),
            (JsonValue::Array(elements), Form::Array) => write_array(elements, out),
            (JsonValue::String(text), Form::Value | Form::Array) => out.push_str(text),
            (_, Form::Value | Form::Array) => out.push_str(value.text),
        }
        Ok(true)
    })
}

/// In the form that PostgreSQL's arrays are read from.
fn write_array(elements: &[Json<'_>], out: &mut String) {
    out.push('{');
    for (index, element) in elements.iter().enumerate() {
        out.push_str(if index > 0 { "," } else { "" });
        match &element.value {
            JsonValue::Null => out.push_str("NULL"),
            JsonValue::Array(inner) => write_array(inner, out),
            JsonValue::String(text) => write_quoted(text, out),
            JsonValue::Bool(_) | JsonValue::Number => out.push_str(element.text),
            JsonValue::Object(_) => write_quoted(element.text, out),
        }
    }
    out.push('}');
}

fn write_quoted(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            out.push('\\');
        }
        out.push(character);
    }
    out.push('"');
}
