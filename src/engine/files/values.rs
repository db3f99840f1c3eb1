//! Texts of foreign files as values of columns. What is no value of a column's type is NULL, and the caller
//! sees that it is.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, StringArray, TimestampMicrosecondArray,
    new_null_array,
};
use datafusion::arrow::compute::{CastOptions, cast_with_options, concat};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Schema, TimeUnit};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::json::ReaderBuilder;

use super::options::TextOptions;
use super::pattern::TimePattern;
use crate::base::{Error, Result};
use crate::engine::error::from_datafusion;

/// Makes values of texts.
#[derive(Debug, Clone)]
pub struct TextReader {
    options: TextOptions,
    /// The zone of timestamps that name none.
    zone: Arc<str>,
}

const SAFE: CastOptions<'static> = CastOptions {
    safe: true,
    format_options: datafusion::arrow::util::display::FormatOptions::new(),
};

impl TextReader {
    pub fn new(options: TextOptions, session_zone: &str) -> Self {
        let zone = options.time_zone.as_deref().unwrap_or(session_zone).into();
        TextReader { options, zone }
    }

    /// The texts as a column.
    pub fn column(&self, texts: &StringArray, field: &FieldRef) -> Result<ArrayRef> {
        let data_type = field.data_type();
        match data_type {
            DataType::Utf8 => Ok(Arc::new(texts.clone())),
            DataType::Boolean => Ok(Arc::new(texts.iter().map(boolean).collect::<BooleanArray>())),
            DataType::Date32 => match &self.options.date {
                Some(pattern) => {
                    let days = texts.iter().map(|text| pattern.date(text?.trim()));
                    Ok(Arc::new(days.collect::<Date32Array>()))
                }
                None => cast(texts, data_type),
            },
            DataType::Timestamp(TimeUnit::Microsecond, zone) => {
                let pattern = match zone {
                    Some(_) => self.options.timestamp.as_ref(),
                    None => self.options.timestamp_without_zone.as_ref(),
                };
                // The one pattern that is given is for both.
                match pattern.or(self.options.timestamp.as_ref()) {
                    Some(pattern) => self.timestamps(texts, pattern, zone.clone()),
                    None => self.iso_timestamps(texts, zone.clone()),
                }
            }
            DataType::List(_) | DataType::Struct(_) | DataType::Map(..) => nested(texts, field),
            _ => cast(texts, data_type),
        }
    }

    fn iso_timestamps(&self, texts: &StringArray, zone: Option<Arc<str>>) -> Result<ArrayRef> {
        let read_in = zone.as_ref().map(|_| Arc::clone(&self.zone));
        let moments = cast(texts, &DataType::Timestamp(TimeUnit::Microsecond, read_in))?;
        let moments =
            moments.as_primitive::<datafusion::arrow::datatypes::TimestampMicrosecondType>();
        Ok(Arc::new(moments.clone().with_timezone_opt(zone)))
    }

    fn timestamps(
        &self,
        texts: &StringArray,
        pattern: &TimePattern,
        zone: Option<Arc<str>>,
    ) -> Result<ArrayRef> {
        let clocks: Vec<_> = texts.iter().map(|text| pattern.timestamp(text?.trim())).collect();
        if zone.is_none() {
            let clocks =
                clocks.iter().map(|read| read.map(|(clock, _)| clock.and_utc().timestamp_micros()));
            return Ok(Arc::new(clocks.collect::<TimestampMicrosecondArray>()));
        }
        // Arrow knows the zone's rules; texts with an offset of their own need none.
        let plain = clocks.iter().map(|read| {
            read.map(|(clock, moment)| match moment {
                Some(moment) => moment.to_rfc3339(),
                None => clock.format("%Y-%m-%dT%H:%M:%S%.6f").to_string(),
            })
        });
        self.iso_timestamps(&plain.collect::<StringArray>(), zone)
    }
}

fn boolean(text: Option<&str>) -> Option<bool> {
    let text = text?.trim();
    match () {
        () if text.eq_ignore_ascii_case("true") => Some(true),
        () if text.eq_ignore_ascii_case("false") => Some(false),
        () => None,
    }
}

fn cast(texts: &StringArray, data_type: &DataType) -> Result<ArrayRef> {
    cast_with_options(texts, data_type, &SAFE).map_err(of_arrow)
}

/// JSON texts as lists, structs and maps: all at once, or one by one when one of them does not fit.
fn nested(texts: &StringArray, field: &FieldRef) -> Result<ArrayRef> {
    if let Ok(column) = nested_rows(texts, field) {
        return Ok(column);
    }
    let rows = (0..texts.len()).map(|row| {
        nested_rows(&texts.slice(row, 1), field)
            .unwrap_or_else(|_| new_null_array(field.data_type(), 1))
    });
    let rows: Vec<ArrayRef> = rows.collect();
    let rows: Vec<&dyn Array> = rows.iter().map(|row| row.as_ref()).collect();
    concat(&rows).map_err(of_arrow)
}

fn nested_rows(texts: &StringArray, field: &FieldRef) -> std::result::Result<ArrayRef, ArrowError> {
    let value = Arc::new(Field::clone(field).with_name("v").with_nullable(true));
    let schema = Arc::new(Schema::new(vec![value]));
    let rows = texts.len().max(1);
    let mut decoder = ReaderBuilder::new(schema).with_batch_size(rows).build_decoder()?;
    let mut document = String::new();
    for text in texts {
        document.clear();
        document.push_str("{\"v\":");
        document.push_str(text.filter(|text| !text.is_empty()).unwrap_or("null"));
        document.push_str("}\n");
        if decoder.decode(document.as_bytes())? != document.len() {
            return Err(ArrowError::JsonError("a value ends early".to_owned()));
        }
    }
    let read = decoder.flush()?.filter(|batch| batch.num_rows() == texts.len());
    match read.as_ref().and_then(|batch| batch.columns().first()) {
        Some(column) => Ok(Arc::clone(column)),
        None if texts.is_empty() => Ok(new_null_array(field.data_type(), 0)),
        None => Err(ArrowError::JsonError("rows are missing".to_owned())),
    }
}

/// The values of a column in the type that it is declared with; `None` where no value of the one is one of
/// the other.
pub fn converted(values: &ArrayRef, target: &DataType) -> Result<Option<ArrayRef>> {
    if values.data_type() == target {
        return Ok(Some(Arc::clone(values)));
    }
    match is_same_kind(values.data_type(), target) {
        true => cast_with_options(values, target, &SAFE).map(Some).map_err(of_arrow),
        false => Ok(None),
    }
}

fn is_same_kind(source: &DataType, target: &DataType) -> bool {
    use DataType::*;
    match (source, target) {
        (Dictionary(_, values), target) => is_same_kind(values, target),
        (Null, _) => true,
        (Timestamp(..) | Date32 | Date64, Timestamp(..)) | (Date32 | Date64, Date32) => true,
        (Binary | LargeBinary | BinaryView | FixedSizeBinary(_), Binary) => true,
        (source, Utf8) => source.is_string(),
        (source, target) if target.is_integer() => source.is_integer(),
        (source, target) if target.is_floating() => source.is_integer() || source.is_floating(),
        (source, target) if target.is_decimal() => source.is_integer() || source.is_decimal(),
        (List(a) | LargeList(a) | FixedSizeList(a, _) | ListView(a), List(b)) => {
            is_same_kind(a.data_type(), b.data_type())
        }
        (Struct(_), Struct(_)) | (Map(..), Map(..)) => true,
        (source, target) => source == target,
    }
}

pub fn of_arrow(error: ArrowError) -> Error {
    from_datafusion(error.into())
}
