//! Changes inside of documents: `jsonb_set`, `jsonb_insert`, `#-`, and objects made of arrays of texts.
//! <https://www.postgresql.org/docs/16/functions-json.html>

use std::borrow::Cow;

use datafusion::arrow::array::{ArrayRef, AsArray, ListArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;

use crate::base::datatype::BaseType;
use crate::base::value::{Json, JsonValue, write_json_string};
use crate::base::{Error, ErrorKind, Result};

use super::json::strings;
use super::kernel::{Arguments, Kernel, Kind, Overload, Returns, broken};

use Kind::{Bool, Text};

const JSON: Returns = Returns::Type(BaseType::Json);
const JSONB: Returns = Returns::Type(BaseType::Jsonb);

pub const DELETE_PATH: &str = "jsonb_delete_path";
pub const DELETE_KEYS: &str = "jsonb_delete_keys";

pub const KERNELS: &[Kernel] = &[
    Kernel::immutable(
        "jsonb_set",
        &[Overload::new(&[Text, Kind::Array, Text, Bool], JSONB, |a| {
            change(a, |flag| if flag.unwrap_or(true) { Change::Set } else { Change::Replace })
        })
        .optional(1)],
    ),
    Kernel::immutable(
        "jsonb_insert",
        &[Overload::new(&[Text, Kind::Array, Text, Bool], JSONB, |a| {
            change(a, |flag| Change::Insert { after: flag.unwrap_or(false) })
        })
        .optional(1)],
    ),
    Kernel::immutable(DELETE_PATH, &[Overload::new(&[Text, Kind::Array], JSONB, delete_path)]),
    Kernel::immutable(DELETE_KEYS, &[Overload::new(&[Text, Kind::Array], JSONB, delete_keys)]),
    Kernel::immutable("json_strip_nulls", &[Overload::new(&[Text], JSON, strip_nulls)]),
    Kernel::immutable("json_object", &[of_one(|a| object(a, false)), of_two(|a| object(a, false))]),
    Kernel::immutable(
        "jsonb_object",
        &[
            Overload::new(&[Kind::Array], JSONB, |a| object(a, true)),
            Overload::new(&[Kind::Array, Kind::Array], JSONB, |a| object(a, true)),
        ],
    ),
];

const fn of_one(body: super::kernel::Body) -> Overload {
    Overload::new(&[Kind::Array], JSON, body)
}

const fn of_two(body: super::kernel::Body) -> Overload {
    Overload::new(&[Kind::Array, Kind::Array], JSON, body)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    /// Replaces what is there, or adds it.
    Set,
    Replace,
    Insert {
        after: bool,
    },
    Delete,
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidParameterValue, message)
}

/// The path's steps; an error for one that is NULL.
fn path_at(lists: &ListArray, row: usize) -> Result<Vec<String>> {
    strings(lists, row)?.ok_or_else(|| {
        let message = "path element at position 1 is null";
        Error::new(ErrorKind::NullValueNotAllowed, message)
    })
}

fn lists<'a>(a: &'a Arguments<'_>, index: usize) -> Result<(&'a ListArray, bool)> {
    let (array, constant) = a.raw(index)?;
    let lists =
        array.as_list_opt::<i32>().ok_or_else(|| Error::internal("an array has another type"))?;
    Ok((lists, constant))
}

fn change(a: &Arguments<'_>, change_of: fn(Option<bool>) -> Change) -> Result<ArrayRef> {
    let (documents, values) = (a.texts(0)?, a.texts(2)?);
    let (paths, constant) = lists(a, 1)?;
    let flags = if a.count() > 3 { Some(a.flags(3)?) } else { None };
    a.make_texts(|row, out| {
        let mut json = Json::parse(documents.at(row))?;
        let value = Json::parse(values.at(row))?;
        let path = path_at(paths, if constant { 0 } else { row })?;
        let change = change_of(flags.as_ref().map(|flags| flags.at(row)));
        if !is_container(&json) {
            return Err(invalid("cannot set path in scalar"));
        }
        at_path(&mut json, &path, 0, &value, change)?;
        json.write_binary_form(out);
        Ok(true)
    })
}

fn delete_path(a: &Arguments<'_>) -> Result<ArrayRef> {
    let documents = a.texts(0)?;
    let (paths, constant) = lists(a, 1)?;
    let nothing = Json { text: "null", value: JsonValue::Null };
    a.make_texts(|row, out| {
        let mut json = Json::parse(documents.at(row))?;
        if !is_container(&json) {
            return Err(invalid("cannot delete path in scalar"));
        }
        let path = path_at(paths, if constant { 0 } else { row })?;
        at_path(&mut json, &path, 0, &nothing, Change::Delete)?;
        json.write_binary_form(out);
        Ok(true)
    })
}

fn is_container(json: &Json<'_>) -> bool {
    matches!(json.value, JsonValue::Array(_) | JsonValue::Object(_))
}

/// Changes what the path from `level` on leads to.
fn at_path<'a>(
    json: &mut Json<'a>,
    path: &[String],
    level: usize,
    value: &Json<'a>,
    change: Change,
) -> Result<()> {
    let Some(step) = path.get(level) else { return Ok(()) };
    let is_last = level + 1 == path.len();
    match &mut json.value {
        JsonValue::Object(members) => {
            let found = members.iter_mut().rev().find(|(key, _)| key == step);
            match (found, is_last) {
                (Some((_, member)), false) => at_path(member, path, level + 1, value, change),
                (Some(_), true) if matches!(change, Change::Insert { .. }) => {
                    Err(invalid("cannot replace existing key")
                        .with_hint("Try using the function jsonb_set to replace key value."))
                }
                (Some(_), true) if change == Change::Delete => {
                    members.retain(|(key, _)| key != step);
                    Ok(())
                }
                (Some((_, member)), true) => {
                    *member = value.clone();
                    Ok(())
                }
                (None, true) if matches!(change, Change::Set | Change::Insert { .. }) => {
                    members.push((Cow::Owned(step.clone()), value.clone()));
                    Ok(())
                }
                (None, _) => Ok(()),
            }
        }
        JsonValue::Array(elements) => {
            let index: i64 = step.trim().parse::<i32>().map(i64::from).map_err(|_| {
                let message =
                    format!("path element at position {} is not an integer: \"{step}\"", level + 1);
                Error::new(ErrorKind::InvalidTextRepresentation, message)
            })?;
            let count = elements.len() as i64;
            let place = if index < 0 { index + count } else { index };
            let found = usize::try_from(place).ok().filter(|place| *place < elements.len());
            if !is_last {
                return match found.and_then(|place| elements.get_mut(place)) {
                    Some(element) => at_path(element, path, level + 1, value, change),
                    None => Ok(()),
                };
            }
            match (found, change) {
                (Some(place), Change::Delete) => {
                    elements.remove(place);
                }
                (Some(place), Change::Set | Change::Replace) => {
                    if let Some(element) = elements.get_mut(place) {
                        *element = value.clone();
                    }
                }
                (Some(place), Change::Insert { after }) => {
                    elements.insert(place + usize::from(after), value.clone());
                }
                (None, Change::Set | Change::Insert { .. }) => {
                    let place = if index < 0 { 0 } else { elements.len() };
                    elements.insert(place, value.clone());
                }
                (None, Change::Replace | Change::Delete) => {}
            }
            Ok(())
        }
        JsonValue::Null | JsonValue::Bool(_) | JsonValue::Number | JsonValue::String(_) => Ok(()),
    }
}

fn delete_keys(a: &Arguments<'_>) -> Result<ArrayRef> {
    let documents = a.texts(0)?;
    let (keys, constant) = lists(a, 1)?;
    a.make_texts(|row, out| {
        let mut json = Json::parse(documents.at(row))?;
        let keys = strings(keys, if constant { 0 } else { row })?.unwrap_or_default();
        match &mut json.value {
            JsonValue::Object(members) => {
                members.retain(|(key, _)| !keys.iter().any(|one| one == key));
            }
            JsonValue::Array(elements) => elements.retain(|element| {
                !matches!(&element.value, JsonValue::String(text) if keys.iter().any(|one| one == text))
            }),
            _ => return Err(invalid("cannot delete from scalar")),
        }
        json.write_binary_form(out);
        Ok(true)
    })
}

fn strip_nulls(a: &Arguments<'_>) -> Result<ArrayRef> {
    let documents = a.texts(0)?;
    a.make_texts(|row, out| {
        write_stripped(&Json::parse(documents.at(row))?, out);
        Ok(true)
    })
}

fn write_stripped(json: &Json<'_>, out: &mut String) {
    match &json.value {
        JsonValue::Object(members) => {
            out.push('{');
            let kept = members.iter().filter(|(_, value)| value.value != JsonValue::Null);
            for (index, (key, value)) in kept.enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                write_json_string(key, out);
                out.push(':');
                write_stripped(value, out);
            }
            out.push('}');
        }
        JsonValue::Array(elements) => {
            out.push('[');
            for (index, element) in elements.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                write_stripped(element, out);
            }
            out.push(']');
        }
        JsonValue::String(text) => write_json_string(text, out),
        JsonValue::Null | JsonValue::Bool(_) | JsonValue::Number => out.push_str(json.text),
    }
}

/// The elements of an array, a pair for each member in one with two dimensions.
fn texts_of(values: &ArrayRef) -> Result<Vec<Option<String>>> {
    if let Some(inner) = values.as_list_opt::<i32>() {
        let mut all = Vec::new();
        for pair in inner.iter().flatten() {
            let pair = texts_of(&pair)?;
            if pair.len() != 2 {
                let message = "array must have two columns";
                return Err(Error::new(ErrorKind::ArraySubscriptError, message));
            }
            all.extend(pair);
        }
        return Ok(all);
    }
    let values = cast(values, &DataType::Utf8).map_err(broken)?;
    Ok(values.as_string::<i32>().iter().map(|value| value.map(str::to_owned)).collect())
}

fn object(a: &Arguments<'_>, binary: bool) -> Result<ArrayRef> {
    let mut columns = Vec::with_capacity(2);
    for index in 0..a.count() {
        columns.push(lists(a, index)?);
    }
    a.make_texts(|row, out| {
        let mut parts = Vec::with_capacity(2);
        for (lists, constant) in &columns {
            parts.push(texts_of(&lists.value(if *constant { 0 } else { row }))?);
        }
        let uneven = |message: &str| Error::new(ErrorKind::ArraySubscriptError, message);
        let pairs: Vec<(Option<String>, Option<String>)> = match parts.as_slice() {
            [keys, values] if keys.len() != values.len() => {
                return Err(uneven("mismatched array dimensions"));
            }
            [keys, values] => keys.iter().cloned().zip(values.iter().cloned()).collect(),
            [all] if all.len() % 2 != 0 => {
                return Err(uneven("array must have even number of elements"));
            }
            [all] => all
                .chunks_exact(2)
                .filter_map(|pair| match pair {
                    [key, value] => Some((key.clone(), value.clone())),
                    _ => None,
                })
                .collect(),
            _ => return Err(Error::internal("json_object has other arguments")),
        };
        let text = object_text(pairs)?;
        match binary {
            true => Json::parse(&text)?.write_binary_form(out),
            false => out.push_str(&text),
        }
        Ok(true)
    })
}

fn object_text(pairs: Vec<(Option<String>, Option<String>)>) -> Result<String> {
    let mut text = String::from("{");
    for (index, (key, value)) in pairs.into_iter().enumerate() {
        let key = key.ok_or_else(|| {
            Error::new(ErrorKind::NullValueNotAllowed, "null value not allowed for object key")
        })?;
        text.push_str(if index > 0 { ", " } else { "" });
        write_json_string(&key, &mut text);
        text.push_str(" : ");
        match value {
            Some(value) => write_json_string(&value, &mut text),
            None => text.push_str("null"),
        }
    }
    text.push('}');
    Ok(text)
}
