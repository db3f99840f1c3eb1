//! `json` and `jsonb` made of values: `to_jsonb`, `json_build_object`, and what `json_agg` makes of the array of
//! its values. <https://www.postgresql.org/docs/16/functions-json.html>

use std::sync::Arc;

use bytes::BytesMut;
use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::datatypes::{DataType, Field};

use crate::base::datatype::BaseType;
use crate::base::text_style::{DateLayout, TextStyle};
use crate::base::value::{Json, JsonValue, write_json_string};
use crate::base::{Error, ErrorKind, Result};

use super::json::{is_of, strings};
use super::kernel::{Arguments, Body, Kernel, Kind, Overload, Returns, broken};
use super::text_output::Output;

const JSON: Returns = Returns::Type(BaseType::Json);
const JSONB: Returns = Returns::Type(BaseType::Jsonb);

pub const KERNELS: &[Kernel] = &[
    Kernel::stable("json_build_object", &[build(JSON, |a| build_object(a, false))]),
    Kernel::stable("jsonb_build_object", &[build(JSONB, |a| build_object(a, true))]),
    Kernel::stable("json_build_array", &[build(JSON, |a| build_array(a, false))]),
    Kernel::stable("jsonb_build_array", &[build(JSONB, |a| build_array(a, true))]),
    Kernel::stable("to_json", &[Overload::new(&[Kind::Any], JSON, |a| to_json(a, false))])
        .aliases(&["array_to_json", "row_to_json"]),
    Kernel::stable("to_jsonb", &[Overload::new(&[Kind::Any], JSONB, |a| to_json(a, true))]),
    // What `json_agg` makes of the array of its values.
    Kernel::stable("json_of_values", &[Overload::new(&[Kind::Array], JSON, json_of_values)]),
    Kernel::stable(
        "json_object_of",
        &[Overload::new(&[Kind::Array, Kind::Array], JSON, |a| object_of(a, false))],
    ),
    Kernel::stable(
        "jsonb_object_of",
        &[Overload::new(&[Kind::Array, Kind::Array], JSONB, |a| object_of(a, true))],
    ),
];

const fn build(returns: Returns, body: Body) -> Overload {
    Overload::new(&[], returns, body).variadic(Kind::Any).sees_null()
}

/// A value of any type as JSON, row by row.
struct JsonOutput<'a> {
    output: Output<'a>,
    form: OutputForm,
}

#[derive(Clone, Copy, PartialEq)]
enum OutputForm {
    /// The text is JSON: numbers, booleans, documents, structs.
    Plain,
    Bool,
    Quoted,
    /// Dates and times: as ISO 8601.
    Timestamp,
    Array,
}

impl<'a> JsonOutput<'a> {
    fn of(a: &'a Arguments<'_>, index: usize) -> Result<JsonOutput<'a>> {
        let data_type = a.raw(index)?.0.data_type().clone();
        let field = a.fields.get(index);
        let is_json = is_of(field, BaseType::Json) || is_of(field, BaseType::Jsonb);
        let form = match &data_type {
            DataType::Boolean => OutputForm::Bool,
            DataType::Timestamp(..) => OutputForm::Timestamp,
            DataType::List(_) | DataType::LargeList(_) => OutputForm::Array,
            DataType::Struct(_) | DataType::Map(..) => OutputForm::Plain,
            number if number.is_numeric() => OutputForm::Plain,
            _ if is_json => OutputForm::Plain,
            _ => OutputForm::Quoted,
        };
        let output = match &data_type {
            DataType::Struct(_) => Output::of_json(a, index)?,
            _ => Output::in_style(a, index, &iso(a.style()))?,
        };
        Ok(JsonOutput { output, form })
    }

    fn write(&self, row: usize, buffer: &mut BytesMut, out: &mut String) -> Result<()> {
        if self.output.is_null(row) {
            out.push_str("null");
            return Ok(());
        }
        let mut text = String::new();
        self.output.write(row, buffer, &mut text)?;
        match self.form {
            OutputForm::Plain if matches!(text.as_str(), "NaN" | "Infinity" | "-Infinity") => {
                write_json_string(&text, out);
            }
            OutputForm::Plain => out.push_str(&text),
            OutputForm::Bool => out.push_str(if text == "t" { "true" } else { "false" }),
            OutputForm::Quoted => write_json_string(&text, out),
            OutputForm::Timestamp => write_json_string(&iso_8601(&text), out),
            OutputForm::Array => out.push_str(&text),
        }
        Ok(())
    }
}

/// JSON has ISO dates, whatever the session's `DateStyle`.
fn iso(mut style: TextStyle) -> TextStyle {
    style.date_style.layout = DateLayout::Iso;
    style
}

/// `2024-01-01 10:00:00+02` as `2024-01-01T10:00:00+02:00`.
fn iso_8601(text: &str) -> String {
    let mut made = text.replacen(' ', "T", 1);
    let clock = made.find('T').unwrap_or(0);
    let offset = made.get(clock..).and_then(|clock| clock.rfind(['+', '-']));
    if let Some(offset) = offset
        && !made.get(clock + offset..).is_some_and(|offset| offset.contains(':'))
    {
        made.push_str(":00");
    }
    made
}

/// JSON of a list column, which `base::render` writes inside a struct.
fn list_as_json(a: &Arguments<'_>, index: usize) -> Result<Vec<Option<String>>> {
    use datafusion::arrow::array::StructArray;
    let (array, _) = a.raw(index)?;
    let element = match (array.data_type(), a.fields.get(index)) {
        // The array's field tells the type of its elements where they have none of their own.
        (DataType::List(element), Some(field)) if element.metadata().is_empty() => {
            Arc::new(element.as_ref().clone().with_metadata(field.metadata().clone()))
        }
        (DataType::List(element), _) => Arc::clone(element),
        _ => return Err(Error::internal("an array has another type")),
    };
    let array = datafusion::arrow::compute::cast(array, &DataType::List(Arc::clone(&element)))
        .map_err(broken)?;
    let member = Field::new("v", DataType::List(element), true);
    let wrapped = StructArray::from(vec![(Arc::new(member), Arc::clone(&array))]);
    let field = Field::new("", wrapped.data_type().clone(), true);
    let style = a.style();
    let writer = crate::base::render::ColumnWriter::new(
        &wrapped,
        &field,
        crate::base::render::Format::Text,
        &style,
    )?;
    let mut made = Vec::with_capacity(array.len());
    let mut buffer = BytesMut::new();
    for row in 0..array.len() {
        buffer.clear();
        writer.write(row, &mut buffer)?;
        let text = String::from_utf8_lossy(&buffer);
        // `{"v":[1,2]}`
        let inner = text.get(5..text.len().saturating_sub(1)).unwrap_or_default().to_owned();
        made.push((!array.is_null(row)).then_some(inner));
    }
    Ok(made)
}

/// Writes an argument as JSON, arrays too.
enum Member<'a> {
    Value(JsonOutput<'a>),
    List(Vec<Option<String>>, bool),
}

impl<'a> Member<'a> {
    fn of(a: &'a Arguments<'_>, index: usize) -> Result<Member<'a>> {
        let output = JsonOutput::of(a, index)?;
        if output.form == OutputForm::Array {
            return Ok(Member::List(list_as_json(a, index)?, a.raw(index)?.1));
        }
        Ok(Member::Value(output))
    }

    fn write(&self, row: usize, buffer: &mut BytesMut, out: &mut String) -> Result<()> {
        match self {
            Member::Value(output) => output.write(row, buffer, out),
            Member::List(rows, constant) => {
                let text = rows.get(if *constant { 0 } else { row }).cloned().flatten();
                out.push_str(text.as_deref().unwrap_or("null"));
                Ok(())
            }
        }
    }
}

fn members<'a>(a: &'a Arguments<'_>) -> Result<Vec<Member<'a>>> {
    (0..a.count()).map(|index| Member::of(a, index)).collect()
}

/// The text as it is for `json`, in its form for `jsonb`.
fn finished(text: &str, binary: bool, out: &mut String) -> Result<bool> {
    match binary {
        true => Json::parse(text)?.write_binary_form(out),
        false => out.push_str(text),
    }
    Ok(true)
}

/// What an object's member is named by. Errors: 22023 for what is no scalar.
fn key<'a>(a: &'a Arguments<'_>, index: usize) -> Result<Output<'a>> {
    let field = a.fields.get(index);
    let is_document = is_of(field, BaseType::Json) || is_of(field, BaseType::Jsonb);
    if is_document || a.raw(index)?.0.data_type().is_nested() {
        let message = "key value must be scalar, not array, composite, or json";
        return Err(Error::new(ErrorKind::InvalidParameterValue, message));
    }
    Output::of(a, index)
}

fn build_object(a: &Arguments<'_>, binary: bool) -> Result<ArrayRef> {
    let members = members(a)?;
    if !a.count().is_multiple_of(2) {
        let message = "argument list must have even number of elements";
        let hint = format!(
            "The arguments of {}() must consist of alternating keys and values.",
            if binary { "jsonb_build_object" } else { "json_build_object" }
        );
        return Err(Error::new(ErrorKind::InvalidParameterValue, message).with_hint(hint));
    }
    let keys = (0..a.count()).step_by(2).map(|index| key(a, index)).collect::<Result<Vec<_>>>()?;
    let mut buffer = BytesMut::new();
    a.make_texts(|row, out| {
        let mut text = String::from("{");
        for (index, key) in keys.iter().enumerate() {
            if key.is_null(row) {
                let message = "null value not allowed for object key";
                return Err(Error::new(ErrorKind::InvalidParameterValue, message));
            }
            if index > 0 {
                text.push_str(", ");
            }
            let mut name = String::new();
            key.write(row, &mut buffer, &mut name)?;
            write_json_string(&name, &mut text);
            text.push_str(" : ");
            if let Some(member) = members.get(index * 2 + 1) {
                member.write(row, &mut buffer, &mut text)?;
            }
        }
        text.push('}');
        finished(&text, binary, out)
    })
}

fn build_array(a: &Arguments<'_>, binary: bool) -> Result<ArrayRef> {
    let members = members(a)?;
    let mut buffer = BytesMut::new();
    a.make_texts(|row, out| {
        let mut text = String::from("[");
        for (index, member) in members.iter().enumerate() {
            if index > 0 {
                text.push_str(", ");
            }
            member.write(row, &mut buffer, &mut text)?;
        }
        text.push(']');
        finished(&text, binary, out)
    })
}

fn to_json(a: &Arguments<'_>, binary: bool) -> Result<ArrayRef> {
    let member = Member::of(a, 0)?;
    let mut buffer = BytesMut::new();
    a.make_texts(|row, out| {
        let mut text = String::new();
        member.write(row, &mut buffer, &mut text)?;
        finished(&text, binary, out)
    })
}

/// `json_agg` puts a blank behind each comma.
fn json_of_values(a: &Arguments<'_>) -> Result<ArrayRef> {
    let member = Member::of(a, 0)?;
    let is_nested = matches!(a.raw(0)?.0.data_type(), DataType::List(element)
        if matches!(element.data_type(), DataType::List(_) | DataType::Struct(_)));
    let mut buffer = BytesMut::new();
    a.make_texts(|row, out| {
        let mut text = String::new();
        member.write(row, &mut buffer, &mut text)?;
        let json = Json::parse(&text)?;
        let JsonValue::Array(elements) = &json.value else { return Ok(false) };
        out.push('[');
        for (index, element) in elements.iter().enumerate() {
            if index > 0 {
                out.push_str(", ");
            }
            // PostgreSQL begins a new line for arrays and rows.
            if index > 0 && is_nested && element.value != JsonValue::Null {
                out.push_str("\n ");
            }
            out.push_str(element.text);
        }
        out.push(']');
        Ok(true)
    })
}

fn object_of(a: &Arguments<'_>, binary: bool) -> Result<ArrayRef> {
    let (keys, constant) = a.raw(0)?;
    let keys =
        keys.as_list_opt::<i32>().ok_or_else(|| Error::internal("an array has another type"))?;
    let member = Member::of(a, 1)?;
    let mut buffer = BytesMut::new();
    a.make_texts(|row, out| {
        let Some(names) = strings(keys, if constant { 0 } else { row })? else {
            let message = "field name must not be null";
            return Err(Error::new(ErrorKind::InvalidParameterValue, message));
        };
        let mut values = String::new();
        member.write(row, &mut buffer, &mut values)?;
        let json = Json::parse(&values)?;
        let JsonValue::Array(values) = &json.value else { return Ok(false) };
        let mut text = String::from("{ ");
        for (index, (name, value)) in names.iter().zip(values).enumerate() {
            if index > 0 {
                text.push_str(", ");
            }
            write_json_string(name, &mut text);
            text.push_str(" : ");
            text.push_str(value.text);
        }
        text.push_str(" }");
        finished(&text, binary, out)
    })
}
