//! Partition values from the text that the log keeps them in (Delta protocol, "Partition Value
//! Serialization"). It never looks at the names of folders.

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use datafusion::arrow::compute::kernels::cast_utils::parse_decimal;
use datafusion::arrow::datatypes::{DataType, Decimal128Type, Field, TimeUnit};
use datafusion::common::ScalarValue;

use crate::base::{Error, ErrorKind, Result};

/// The value of a partition column; no text and empty text are NULL.
pub fn parse_partition_value(text: Option<&str>, field: &Field) -> Result<ScalarValue> {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return ScalarValue::try_new_null(field.data_type())
            .map_err(|cause| corrupted("", field).caused_by(cause));
    };
    match parse(text, field.data_type()) {
        Some(value) => Ok(value),
        None => Err(corrupted(text, field)),
    }
}

fn parse(text: &str, data_type: &DataType) -> Option<ScalarValue> {
    Some(match data_type {
        DataType::Utf8View => ScalarValue::Utf8View(Some(text.to_owned())),
        DataType::BinaryView => ScalarValue::BinaryView(Some(text.as_bytes().to_vec())),
        DataType::Boolean => ScalarValue::Boolean(Some(text.to_ascii_lowercase().parse().ok()?)),
        DataType::Int8 => ScalarValue::Int8(Some(text.parse().ok()?)),
        DataType::Int16 => ScalarValue::Int16(Some(text.parse().ok()?)),
        DataType::Int32 => ScalarValue::Int32(Some(text.parse().ok()?)),
        DataType::Int64 => ScalarValue::Int64(Some(text.parse().ok()?)),
        DataType::Float32 => ScalarValue::Float32(Some(text.parse().ok()?)),
        DataType::Float64 => ScalarValue::Float64(Some(text.parse().ok()?)),
        DataType::Decimal128(precision, scale) => {
            let value = parse_decimal::<Decimal128Type>(text, *precision, *scale).ok()?;
            ScalarValue::Decimal128(Some(value), *precision, *scale)
        }
        DataType::Date32 => {
            let days = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
            let days = days.signed_duration_since(NaiveDate::default()).num_days();
            ScalarValue::Date32(Some(i32::try_from(days).ok()?))
        }
        // Of a column that carries times, the numbers.
        DataType::Time64(TimeUnit::Microsecond) => {
            ScalarValue::Time64Microsecond(Some(text.parse().ok()?))
        }
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            ScalarValue::TimestampMicrosecond(Some(microseconds(text)?), zone.clone())
        }
        _ => return None,
    })
}

/// Microseconds since the epoch of `2021-01-01 00:00:00[.ffffff]` or an ISO 8601 time with a zone.
/// A time without one is UTC.
fn microseconds(text: &str) -> Option<i64> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.timestamp_micros());
    }
    let formats = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"];
    let time = formats.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    let midnight = || {
        NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().and_then(|date| date.and_hms_opt(0, 0, 0))
    };
    Some(time.or_else(midnight)?.and_utc().timestamp_micros())
}

fn corrupted(text: &str, field: &Field) -> Error {
    Error::new(
        ErrorKind::DataCorrupted,
        format!("\"{text}\" is no value of partition column \"{}\"", field.name()),
    )
    .with_detail(format!("The column is of type {}.", field.data_type()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str, data_type: DataType) -> Option<ScalarValue> {
        parse_partition_value(Some(text), &Field::new("p", data_type, true)).ok()
    }

    #[test]
    fn values_are_what_the_protocol_says() {
        let utc = || DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let timestamp =
            |micros| Some(ScalarValue::TimestampMicrosecond(Some(micros), Some("UTC".into())));
        assert_eq!(value("1970-01-01 00:00:01", utc()), timestamp(1_000_000));
        assert_eq!(value("1970-01-01 00:00:01.000002", utc()), timestamp(1_000_002));
        assert_eq!(value("1970-01-01T00:00:01.5Z", utc()), timestamp(1_500_000));
        assert_eq!(value("1970-01-01T01:00:00+01:00", utc()), timestamp(0));
        assert_eq!(value("1969-12-31", DataType::Date32), Some(ScalarValue::Date32(Some(-1))));
        let decimal = value("-1.50", DataType::Decimal128(5, 2));
        assert_eq!(decimal, Some(ScalarValue::Decimal128(Some(-150), 5, 2)));
        assert_eq!(value("", DataType::Utf8View), Some(ScalarValue::Utf8View(None)));
        assert_eq!(value("", DataType::Int32), Some(ScalarValue::Int32(None)));
        assert_eq!(value("one", DataType::Int32), None);
        assert_eq!(value("300", DataType::Int8), None);
        let time = value("1000001", DataType::Time64(TimeUnit::Microsecond));
        assert_eq!(time, Some(ScalarValue::Time64Microsecond(Some(1_000_001))));
    }
}
