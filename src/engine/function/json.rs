//! `json` and `jsonb`: operators and functions that look into documents or make them. Both are texts; a `jsonb`
//! is one in PostgreSQL's form. <https://www.postgresql.org/docs/16/functions-json.html>

use datafusion::arrow::array::{Array, ArrayRef, AsArray, ListArray, StringBuilder};
use datafusion::arrow::datatypes::{DataType, Field, Int32Type, Int64Type};

use crate::base::datatype::{BaseType, NO_TYPMOD, PgType, pg_type_of};
use crate::base::value::{Json, JsonValue, sorted_members, write_json_string};
use crate::base::{Error, ErrorKind, Result};
use crate::engine::system::field::field_of;

use super::kernel::{Arguments, Kernel, Kind, Overload, Returns, Shape, Texts};

use Kind::{Int8, Text};

const TEXT: Returns = Returns::Type(BaseType::Text);
const BOOL: Returns = Returns::Type(BaseType::Bool);
const INTEGER: Returns = Returns::Type(BaseType::Int4);
const TEXTS: Returns = Returns::ArrayOf(BaseType::Text);
const JSONB: Returns = Returns::Type(BaseType::Jsonb);
/// `json` or `jsonb`, as the first argument is.
const SAME: Returns = Returns::Computed(same_json);

pub const GET: &str = "json_get";
pub const GET_TEXT: &str = "json_get_text";
pub const GET_PATH: &str = "json_get_path";
pub const GET_PATH_TEXT: &str = "json_get_path_text";
pub const CONTAINS: &str = "jsonb_contains";
pub const CONTAINED: &str = "jsonb_contained";
pub const EXISTS: &str = "jsonb_exists";
pub const EXISTS_ANY: &str = "jsonb_exists_any";
pub const EXISTS_ALL: &str = "jsonb_exists_all";
pub const CONCAT: &str = "jsonb_concat";
pub const DELETE: &str = "jsonb_delete";

pub const KERNELS: &[Kernel] = &[
    Kernel::immutable(
        GET,
        &[Overload::new(&[Text, Int8], SAME, get), Overload::new(&[Text, Text], SAME, get)],
    ),
    Kernel::immutable(
        GET_TEXT,
        &[
            Overload::new(&[Text, Int8], TEXT, get_text),
            Overload::new(&[Text, Text], TEXT, get_text),
        ],
    ),
    Kernel::immutable(GET_PATH, &[Overload::new(&[Text, Kind::Array], SAME, get_path)]),
    Kernel::immutable(GET_PATH_TEXT, &[Overload::new(&[Text, Kind::Array], TEXT, get_path_text)]),
    Kernel::immutable(
        "json_extract_path",
        &[Overload::new(&[Text], Returns::Type(BaseType::Json), get_path).variadic(Text)],
    ),
    Kernel::immutable(
        "jsonb_extract_path",
        &[Overload::new(&[Text], JSONB, get_path).variadic(Text)],
    ),
    Kernel::immutable(
        "json_extract_path_text",
        &[Overload::new(&[Text], TEXT, get_path_text).variadic(Text)],
    )
    .aliases(&["jsonb_extract_path_text"]),
    Kernel::immutable(CONTAINS, &[Overload::new(&[Text, Text], BOOL, |a| contains(a, 0, 1))]),
    Kernel::immutable(CONTAINED, &[Overload::new(&[Text, Text], BOOL, |a| contains(a, 1, 0))]),
    Kernel::immutable(EXISTS, &[Overload::new(&[Text, Text], BOOL, exists)]),
    Kernel::immutable(
        EXISTS_ANY,
        &[Overload::new(&[Text, Kind::Array], BOOL, |a| exists_of(a, false))],
    ),
    Kernel::immutable(
        EXISTS_ALL,
        &[Overload::new(&[Text, Kind::Array], BOOL, |a| exists_of(a, true))],
    ),
    Kernel::immutable(CONCAT, &[Overload::new(&[Text, Text], JSONB, concat)]),
    Kernel::immutable(
        DELETE,
        &[Overload::new(&[Text, Int8], JSONB, delete), Overload::new(&[Text, Text], JSONB, delete)],
    ),
    Kernel::immutable("json_array_length", &[Overload::new(&[Text], INTEGER, array_length)])
        .aliases(&["jsonb_array_length"]),
    Kernel::immutable("json_typeof", &[Overload::new(&[Text], TEXT, type_of)])
        .aliases(&["jsonb_typeof"]),
    Kernel::immutable("json_keys", &[Overload::new(&[Text], TEXTS, |a| keys(a, false))]),
    Kernel::immutable("jsonb_keys", &[Overload::new(&[Text], TEXTS, |a| keys(a, true))]),
    Kernel::immutable("json_elements", &[Overload::new(&[Text], JSONS, |a| elements(a, raw))]),
    Kernel::immutable("jsonb_elements", &[Overload::new(&[Text], JSONBS, |a| elements(a, binary))]),
    Kernel::immutable(
        "json_element_texts",
        &[Overload::new(&[Text], TEXTS, |a| elements(a, text_of))],
    ),
    Kernel::immutable(
        "jsonb_element_texts",
        &[Overload::new(&[Text], TEXTS, |a| elements(a, binary_text))],
    ),
    Kernel::immutable("json_values", &[Overload::new(&[Text], JSONS, |a| values(a, raw))]),
    Kernel::immutable(
        "jsonb_values",
        &[Overload::new(&[Text], JSONBS, |a| sorted_values(a, binary))],
    ),
    Kernel::immutable("json_value_texts", &[Overload::new(&[Text], TEXTS, |a| values(a, text_of))]),
    Kernel::immutable(
        "jsonb_value_texts",
        &[Overload::new(&[Text], TEXTS, |a| sorted_values(a, binary_text))],
    ),
    Kernel::immutable("jsonb_strip_nulls", &[Overload::new(&[Text], JSONB, strip_nulls)]),
    Kernel::immutable("jsonb_pretty", &[Overload::new(&[Text], TEXT, pretty)]),
];

const JSONS: Returns = Returns::Computed(|_| list_field(BaseType::Json));
pub const JSONBS: Returns = Returns::Computed(|_| list_field(BaseType::Jsonb));

pub fn is_of(field: Option<&datafusion::arrow::datatypes::FieldRef>, base: BaseType) -> bool {
    field.is_some_and(|field| {
        pg_type_of(field).is_ok_and(|(pg_type, _)| pg_type == PgType::Scalar(base))
    })
}

fn same_json(shape: &Shape<'_>) -> Result<Field> {
    let is_json = is_of(shape.fields.first(), BaseType::Json);
    let base = if is_json { BaseType::Json } else { BaseType::Jsonb };
    scalar_field(base)
}

fn scalar_field(base: BaseType) -> Result<Field> {
    field_of("json", PgType::Scalar(base), NO_TYPMOD)
        .ok_or_else(|| Error::internal("json has no field"))
}

/// A list whose elements are documents by their own field, which is what `unnest` gives.
fn list_field(base: BaseType) -> Result<Field> {
    let element = scalar_field(base)?.with_name(Field::LIST_FIELD_DEFAULT_NAME);
    Ok(Field::new("json", DataType::List(element.into()), true))
}

/// A step into a document.
enum Step<'a> {
    Key(&'a str),
    Index(i64),
}

fn stepped<'j, 'a>(json: &'j Json<'a>, step: &Step<'_>) -> Option<&'j Json<'a>> {
    match step {
        Step::Key(key) => json.member(key),
        Step::Index(index) => json.element(*index),
    }
}

/// A value as `->>` gives it: the string without its quotes; nothing for null.
fn text_of(json: &Json<'_>, out: &mut String) -> bool {
    match &json.value {
        JsonValue::Null => return false,
        JsonValue::String(text) => out.push_str(text),
        _ => out.push_str(json.text),
    }
    true
}

fn step_into(a: &Arguments<'_>, write: fn(&Json<'_>, &mut String) -> bool) -> Result<ArrayRef> {
    let documents = a.texts(0)?;
    if a.raw(1)?.0.data_type() == &DataType::Int64 {
        let places = a.values::<Int64Type>(1)?;
        return a.make_texts(|row, out| {
            let json = Json::parse(documents.at(row))?;
            Ok(stepped(&json, &Step::Index(places.at(row))).is_some_and(|json| write(json, out)))
        });
    }
    let keys = a.texts(1)?;
    a.make_texts(|row, out| {
        let json = Json::parse(documents.at(row))?;
        Ok(stepped(&json, &Step::Key(keys.at(row))).is_some_and(|json| write(json, out)))
    })
}

fn raw(json: &Json<'_>, out: &mut String) -> bool {
    out.push_str(json.text);
    true
}

fn get(a: &Arguments<'_>) -> Result<ArrayRef> {
    step_into(a, raw)
}

fn get_text(a: &Arguments<'_>) -> Result<ArrayRef> {
    step_into(a, text_of)
}

/// The steps of a path: one array of texts, or texts one by one.
enum Paths<'a> {
    Array { lists: &'a ListArray, constant: bool },
    Texts(Vec<Texts<'a>>),
}

impl<'a> Paths<'a> {
    fn new(a: &'a Arguments<'_>) -> Result<Paths<'a>> {
        if a.count() == 2
            && let (array, constant) = a.raw(1)?
            && let Some(lists) = array.as_list_opt::<i32>()
        {
            return Ok(Paths::Array { lists, constant });
        }
        let texts = (1..a.count()).map(|index| a.texts(index)).collect::<Result<_>>()?;
        Ok(Paths::Texts(texts))
    }

    /// `None` when a step is NULL.
    fn at(&self, row: usize) -> Result<Option<Vec<String>>> {
        match self {
            Paths::Array { lists, constant } => strings(lists, if *constant { 0 } else { row }),
            Paths::Texts(texts) => {
                Ok(texts.iter().map(|text| text.get(row).map(str::to_owned)).collect())
            }
        }
    }
}

/// The texts of an array; `None` when one of them is NULL.
pub fn strings(lists: &ListArray, row: usize) -> Result<Option<Vec<String>>> {
    let values = datafusion::arrow::compute::cast(&lists.value(row), &DataType::Utf8)
        .map_err(super::kernel::broken)?;
    let values = values.as_string::<i32>();
    Ok(values.iter().map(|value| value.map(str::to_owned)).collect())
}

fn walk(a: &Arguments<'_>, write: fn(&Json<'_>, &mut String) -> bool) -> Result<ArrayRef> {
    let documents = a.texts(0)?;
    let paths = Paths::new(a)?;
    a.make_texts(|row, out| {
        let json = Json::parse(documents.at(row))?;
        let Some(path) = paths.at(row)? else { return Ok(false) };
        let found = path.iter().try_fold(&json, |json, step| match &json.value {
            JsonValue::Array(_) => json.element(step.trim().parse().ok()?),
            _ => json.member(step),
        });
        Ok(found.is_some_and(|json| write(json, out)))
    })
}

fn get_path(a: &Arguments<'_>) -> Result<ArrayRef> {
    walk(a, raw)
}

fn get_path_text(a: &Arguments<'_>) -> Result<ArrayRef> {
    walk(a, text_of)
}

fn contains(a: &Arguments<'_>, outer: usize, inner: usize) -> Result<ArrayRef> {
    let (outer, inner) = (a.texts(outer)?, a.texts(inner)?);
    a.make_flags(|row| {
        let (outer, inner) = (Json::parse(outer.at(row))?, Json::parse(inner.at(row))?);
        // An array contains a bare value that is one of its elements.
        let is_scalar = !matches!(inner.value, JsonValue::Array(_) | JsonValue::Object(_));
        Ok(Some(match &outer.value {
            JsonValue::Array(elements) if is_scalar => {
                elements.iter().any(|element| is_contained(&inner, element))
            }
            _ => is_contained(&inner, &outer),
        }))
    })
}

fn is_contained(inner: &Json<'_>, outer: &Json<'_>) -> bool {
    match (&inner.value, &outer.value) {
        (JsonValue::Object(inner), JsonValue::Object(_)) => sorted_members(inner)
            .iter()
            .all(|(key, value)| outer.member(key).is_some_and(|found| is_contained(value, found))),
        (JsonValue::Array(inner), JsonValue::Array(outer)) => inner
            .iter()
            .all(|element| outer.iter().any(|candidate| is_contained(element, candidate))),
        (JsonValue::Number, JsonValue::Number) => {
            same_number(&inner.binary_form(), &outer.binary_form())
        }
        (inner, outer) => inner == outer,
    }
}

/// `1.0` and `1.00` are one number.
fn same_number(one: &str, other: &str) -> bool {
    let trimmed = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    trimmed(one) == trimmed(other)
}

fn has_key(json: &Json<'_>, key: &str) -> bool {
    match &json.value {
        JsonValue::Object(_) => json.member(key).is_some(),
        JsonValue::Array(elements) => elements
            .iter()
            .any(|element| matches!(&element.value, JsonValue::String(text) if text == key)),
        JsonValue::String(text) => text == key,
        JsonValue::Null | JsonValue::Bool(_) | JsonValue::Number => false,
    }
}

fn exists(a: &Arguments<'_>) -> Result<ArrayRef> {
    let (documents, keys) = (a.texts(0)?, a.texts(1)?);
    a.make_flags(|row| Ok(Some(has_key(&Json::parse(documents.at(row))?, keys.at(row)))))
}

fn exists_of(a: &Arguments<'_>, all: bool) -> Result<ArrayRef> {
    let documents = a.texts(0)?;
    let paths = Paths::new(a)?;
    a.make_flags(|row| {
        let json = Json::parse(documents.at(row))?;
        let keys = paths.at(row)?.unwrap_or_default();
        Ok(Some(match all {
            true => keys.iter().all(|key| has_key(&json, key)),
            false => keys.iter().any(|key| has_key(&json, key)),
        }))
    })
}

fn concat(a: &Arguments<'_>) -> Result<ArrayRef> {
    let (left, right) = (a.texts(0)?, a.texts(1)?);
    a.make_texts(|row, out| {
        let (left, right) = (Json::parse(left.at(row))?, Json::parse(right.at(row))?);
        let value = match (left.value.clone(), right.value.clone()) {
            (JsonValue::Object(mut members), JsonValue::Object(more)) => {
                members.extend(more);
                JsonValue::Object(members)
            }
            (JsonValue::Array(mut elements), JsonValue::Array(more)) => {
                elements.extend(more);
                JsonValue::Array(elements)
            }
            (JsonValue::Array(mut elements), _) => {
                elements.push(right.clone());
                JsonValue::Array(elements)
            }
            (_, JsonValue::Array(more)) => {
                let mut elements = vec![left.clone()];
                elements.extend(more);
                JsonValue::Array(elements)
            }
            _ => JsonValue::Array(vec![left.clone(), right.clone()]),
        };
        Json { text: "", value }.write_binary_form(out);
        Ok(true)
    })
}

fn delete(a: &Arguments<'_>) -> Result<ArrayRef> {
    let documents = a.texts(0)?;
    let by_place = a.raw(1)?.0.data_type() == &DataType::Int64;
    let places = if by_place { Some(a.values::<Int64Type>(1)?) } else { None };
    let keys = if by_place { None } else { Some(a.texts(1)?) };
    a.make_texts(|row, out| {
        let mut json = Json::parse(documents.at(row))?;
        let refused = |what: &str| {
            Err(Error::new(ErrorKind::InvalidParameterValue, format!("cannot delete from {what}")))
        };
        match (&mut json.value, &places, &keys) {
            (JsonValue::Object(members), None, Some(keys)) => {
                members.retain(|(key, _)| key != keys.at(row));
            }
            (JsonValue::Array(elements), None, Some(keys)) => elements.retain(|element| {
                !matches!(&element.value, JsonValue::String(text) if text == keys.at(row))
            }),
            (JsonValue::Array(elements), Some(places), _) => {
                let place = places.at(row);
                let index = if place < 0 { place + elements.len() as i64 } else { place };
                if let Some(index) = usize::try_from(index).ok().filter(|at| *at < elements.len()) {
                    elements.remove(index);
                }
            }
            (JsonValue::Object(_), Some(_), _) => return refused("object using integer index"),
            _ => return refused("scalar"),
        }
        json.write_binary_form(out);
        Ok(true)
    })
}

fn no_array() -> Error {
    let message = "cannot get array length of a non-array";
    Error::new(ErrorKind::InvalidParameterValue, message)
}

fn array_length(a: &Arguments<'_>) -> Result<ArrayRef> {
    let documents = a.texts(0)?;
    a.make::<Int32Type>(|row| match Json::parse(documents.at(row))?.value {
        JsonValue::Array(elements) => Ok(i32::try_from(elements.len()).ok()),
        _ => Err(no_array()),
    })
}

fn type_of(a: &Arguments<'_>) -> Result<ArrayRef> {
    let documents = a.texts(0)?;
    a.make_texts(|row, out| {
        out.push_str(Json::parse(documents.at(row))?.type_name());
        Ok(true)
    })
}

fn object_members<T>(
    json: &Json<'_>,
    function: &str,
    take: impl FnOnce(&[(std::borrow::Cow<'_, str>, Json<'_>)]) -> T,
) -> Result<T> {
    match &json.value {
        JsonValue::Object(members) => Ok(take(members)),
        _ => {
            let kind =
                if matches!(json.value, JsonValue::Array(_)) { "an array" } else { "a scalar" };
            let message = format!("cannot call {function} on {kind}");
            Err(Error::new(ErrorKind::InvalidParameterValue, message))
        }
    }
}

fn keys(a: &Arguments<'_>, binary: bool) -> Result<ArrayRef> {
    let documents = a.texts(0)?;
    a.make_text_arrays(|row, keys: &mut StringBuilder| {
        let json = Json::parse(documents.at(row))?;
        object_members(&json, "json_object_keys", |members| match binary {
            true => sorted_members(members).iter().for_each(|(key, _)| keys.append_value(key)),
            false => members.iter().for_each(|(key, _)| keys.append_value(key)),
        })?;
        Ok(true)
    })
}

/// How a value inside of a document is given; `false` for NULL.
type Form = fn(&Json<'_>, &mut String) -> bool;

fn binary(json: &Json<'_>, out: &mut String) -> bool {
    json.write_binary_form(out);
    true
}

fn binary_text(json: &Json<'_>, out: &mut String) -> bool {
    match &json.value {
        JsonValue::Null | JsonValue::String(_) => text_of(json, out),
        _ => binary(json, out),
    }
}

fn append(json: &Json<'_>, form: Form, out: &mut StringBuilder) {
    let mut text = String::new();
    let is_value = form(json, &mut text);
    out.append_option(is_value.then_some(text));
}

fn elements(a: &Arguments<'_>, form: Form) -> Result<ArrayRef> {
    let documents = a.texts(0)?;
    a.make_text_arrays(|row, out| match &Json::parse(documents.at(row))?.value {
        JsonValue::Array(elements) => {
            elements.iter().for_each(|element| append(element, form, out));
            Ok(true)
        }
        JsonValue::Object(_) => Err(no_elements("an object")),
        _ => Err(no_elements("a scalar")),
    })
}

fn no_elements(of: &str) -> Error {
    let message = format!("cannot extract elements from {of}");
    Error::new(ErrorKind::InvalidParameterValue, message)
}

fn values(a: &Arguments<'_>, form: Form) -> Result<ArrayRef> {
    let documents = a.texts(0)?;
    a.make_text_arrays(|row, out| {
        let json = Json::parse(documents.at(row))?;
        object_members(&json, "json_each", |members| {
            members.iter().for_each(|(_, value)| append(value, form, out));
        })?;
        Ok(true)
    })
}

fn sorted_values(a: &Arguments<'_>, form: Form) -> Result<ArrayRef> {
    let documents = a.texts(0)?;
    a.make_text_arrays(|row, out| {
        let json = Json::parse(documents.at(row))?;
        object_members(&json, "jsonb_each", |members| {
            sorted_members(members).iter().for_each(|(_, value)| append(value, form, out));
        })?;
        Ok(true)
    })
}

fn strip_nulls(a: &Arguments<'_>) -> Result<ArrayRef> {
    let documents = a.texts(0)?;
    a.make_texts(|row, out| {
        let mut json = Json::parse(documents.at(row))?;
        stripped(&mut json);
        json.write_binary_form(out);
        Ok(true)
    })
}

fn stripped(json: &mut Json<'_>) {
    match &mut json.value {
        JsonValue::Object(members) => {
            members.retain(|(_, value)| value.value != JsonValue::Null);
            members.iter_mut().for_each(|(_, value)| stripped(value));
        }
        JsonValue::Array(elements) => elements.iter_mut().for_each(stripped),
        JsonValue::Null | JsonValue::Bool(_) | JsonValue::Number | JsonValue::String(_) => {}
    }
}

fn pretty(a: &Arguments<'_>) -> Result<ArrayRef> {
    let documents = a.texts(0)?;
    a.make_texts(|row, out| {
        write_pretty(&Json::parse(documents.at(row))?, 0, out);
        Ok(true)
    })
}

fn write_pretty(json: &Json<'_>, depth: usize, out: &mut String) {
    let line = |depth: usize, out: &mut String| {
        out.push('\n');
        out.push_str(&" ".repeat(depth * 4));
    };
    match &json.value {
        JsonValue::Array(elements) => {
            out.push('[');
            for (index, element) in elements.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                line(depth + 1, out);
                write_pretty(element, depth + 1, out);
            }
            line(depth, out);
            out.push(']');
        }
        JsonValue::Object(members) => {
            out.push('{');
            for (index, (key, value)) in sorted_members(members).into_iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                line(depth + 1, out);
                write_json_string(key, out);
                out.push_str(": ");
                write_pretty(value, depth + 1, out);
            }
            line(depth, out);
            out.push('}');
        }
        _ => json.write_binary_form(out),
    }
}
