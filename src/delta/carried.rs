//! Values of PostgreSQL's types that Delta has not, and what columns of Delta carry them as: texts, and numbers. The
//! field's metadata [`DECLARED_TYPE`] names the type, so that other engines read what is there and lose nothing. It
//! reads no files.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, IntervalMonthDayNanoBuilder, StringBuilder,
};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{
    DataType, Field, FieldRef, IntervalMonthDayNanoType, IntervalUnit, TimeUnit,
};
use datafusion::arrow::error::ArrowError;

use crate::base::datatype::{BaseType, PgType, TYPE_METADATA, pg_type_of};
use crate::base::render::IntervalValue;
use crate::base::text_style::{IntervalStyle, TextStyle};
use crate::base::value::parse_interval;
use crate::base::{Error, ErrorKind, Result};

/// The metadata of a column, or of a field of a struct, that names the type of its values. That of an array is the type
/// of its elements.
pub const DECLARED_TYPE: &str = "lakegate.type";

const NANOS_PER_MICRO: i64 = 1_000;

/// A `time` is the microseconds since midnight, a `long`; so the log's bounds are those of the times.
const TIME: DataType = DataType::Time64(TimeUnit::Microsecond);

/// An `interval` is a text of ISO 8601, as in `P1Y2M-3DT4H5M6.7S`: months, days and microseconds apart.
const INTERVAL: DataType = DataType::Interval(IntervalUnit::MonthDayNano);

/// A type that columns are declared to carry, with its type modifier, by the name that [`DECLARED_TYPE`] has:
/// `inet`, `timestamp(3)`.
pub fn carried_type(name: &str) -> Option<(BaseType, Option<i32>)> {
    if let Some((name, digits)) = name.strip_suffix(')').and_then(|name| name.split_once('(')) {
        let base = BaseType::from_name(name).filter(|base| base.has_precision())?;
        return Some((base, Some(digits.parse().ok()?)));
    }
    BaseType::from_name(name).filter(|base| is_carried(*base)).map(|base| (base, None))
}

fn is_carried(base: BaseType) -> bool {
    base.is_canonical_text()
        || base.is_column_of_catalogs()
        || matches!(base, BaseType::Time | BaseType::Interval)
}

/// The name for [`DECLARED_TYPE`]; `None` for a type that Delta has.
fn declared_name(base: BaseType, typmod: i32) -> Option<String> {
    if base.has_precision() && typmod >= 0 {
        return Some(format!("{}({typmod})", base.name()));
    }
    is_carried(base).then(|| base.name().to_owned())
}

/// Whether the texts that carry a type are the values' own, which stay the same when they are read as texts.
pub fn is_own_text(name: &str) -> bool {
    let is_text = |base: BaseType| {
        base.is_canonical_text() || matches!(base, BaseType::Name | BaseType::Char)
    };
    BaseType::from_name(name).is_some_and(is_text)
}

/// Whether every value of a declared type is one of another as it is: of the same type with more digits. `None` is the
/// type that the column itself has.
pub fn keeps_values(old: Option<&str>, new: Option<&str>) -> bool {
    let digits =
        |name: &str| carried_type(name).map(|(base, digits)| (base, digits.unwrap_or(i32::MAX)));
    match (old, new) {
        (Some(old), Some(new)) => match (digits(old), digits(new)) {
            (Some((base, before)), Some((other, now))) => base == other && before <= now,
            _ => false,
        },
        (Some(old), None) => {
            matches!(carried_type(old), Some((BaseType::Timestamp | BaseType::Timestamptz, _)))
                || is_own_text(old)
        }
        (None, Some(_)) => false,
        (None, None) => true,
    }
}

/// What values of a type are that a column of Delta carries as `held`, or an array of that.
pub fn value_type(base: BaseType, held: &DataType) -> Option<DataType> {
    match (base, held) {
        (_, DataType::List(element)) => {
            let data_type = value_type(base, element.data_type())?;
            Some(DataType::List(with_type(element, data_type)))
        }
        (BaseType::Time, DataType::Int64) => Some(TIME),
        (BaseType::Interval, held) if held.is_string() => Some(INTERVAL),
        (BaseType::Time | BaseType::Interval, _) => None,
        (BaseType::Timestamp, DataType::Timestamp(_, None))
        | (BaseType::Timestamptz, DataType::Timestamp(_, Some(_))) => Some(held.clone()),
        (base, DataType::Int64) if base.is_column_of_catalogs() => Some(DataType::Int64),
        (_, held) => held.is_string().then(|| held.clone()),
    }
}

/// A field of Delta's, with the values that its metadata declares, all the way down.
pub fn value_field(field: &FieldRef) -> FieldRef {
    let data_type = match field.data_type() {
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(value_field).collect()),
        DataType::List(element) => DataType::List(value_field(element)),
        other => other.clone(),
    };
    let declared = field.metadata().get(DECLARED_TYPE).and_then(|name| carried_type(name));
    let values = declared.and_then(|(base, _)| value_type(base, &data_type));
    with_type(field, values.unwrap_or(data_type))
}

/// A field as Delta has it, with what its values are declared as. 0A000 where there is no place for that.
pub fn held_field(field: &Field) -> Result<Field> {
    let data_type = held_type(field.data_type(), field.name())?;
    let mut metadata = field.metadata().clone();
    metadata.remove(TYPE_METADATA);
    if let Ok((PgType::Scalar(base) | PgType::Array(base), typmod)) = pg_type_of(field)
        && let Some(name) = declared_name(base, typmod)
        && !innermost(field.data_type()).is_nested()
    {
        metadata.insert(DECLARED_TYPE.to_owned(), name);
    }
    let held = field.clone().with_data_type(data_type);
    Ok(held.with_metadata(metadata))
}

fn held_type(data_type: &DataType, column: &str) -> Result<DataType> {
    Ok(match data_type {
        DataType::Time64(_) => DataType::Int64,
        DataType::Interval(_) => DataType::Utf8,
        DataType::List(element) => {
            DataType::List(with_type(element, held_type(element.data_type(), column)?))
        }
        DataType::Struct(fields) => {
            let fields = fields.iter().map(|field| held_field(field).map(Arc::new));
            DataType::Struct(fields.collect::<Result<_>>()?)
        }
        DataType::Map(entries, _) if has_no_place(entries.data_type()) => {
            let what = format!("a map of times or intervals in column \"{column}\"");
            return Err(Error::unsupported(what).with_hint("Use a map of text or bigint."));
        }
        other => other.clone(),
    })
}

/// Whether the keys or values of a map would need to be declared, for which Delta has no place.
fn has_no_place(entries: &DataType) -> bool {
    let DataType::Struct(fields) = entries else { return false };
    let is_carried = |field: &FieldRef| {
        matches!(innermost(field.data_type()), DataType::Time64(_) | DataType::Interval(_))
    };
    fields.iter().any(is_carried)
}

fn innermost(data_type: &DataType) -> &DataType {
    match data_type {
        DataType::List(element) => innermost(element.data_type()),
        other => other,
    }
}

fn with_type(field: &FieldRef, data_type: DataType) -> FieldRef {
    Arc::new(field.as_ref().clone().with_data_type(data_type))
}

/// Intervals as the texts that carry them.
pub fn interval_texts(intervals: &dyn Array) -> Result<ArrayRef, ArrowError> {
    let Some(intervals) = intervals.as_primitive_opt::<IntervalMonthDayNanoType>() else {
        let what = format!("{} where intervals are written", intervals.data_type());
        return Err(ArrowError::CastError(what));
    };
    let mut texts = StringBuilder::with_capacity(intervals.len(), intervals.len() * 8);
    let mut text = bytes::BytesMut::new();
    for interval in intervals {
        let Some(interval) = interval else {
            texts.append_null();
            continue;
        };
        text.clear();
        let micros = interval.nanoseconds / NANOS_PER_MICRO;
        let value = IntervalValue { months: interval.months, days: interval.days, micros };
        value.write_text(IntervalStyle::Iso8601, &mut text);
        texts.append_value(String::from_utf8_lossy(&text));
    }
    Ok(Arc::new(texts.finish()))
}

/// Intervals from the texts that carry them, which other engines may have written.
pub fn intervals_of(texts: &ArrayRef) -> Result<ArrayRef> {
    let unreadable = |cause| {
        Error::new(ErrorKind::DataCorrupted, "a data file has no texts where it has intervals")
            .caused_by(cause)
    };
    let texts = cast(texts, &DataType::Utf8).map_err(unreadable)?;
    let style = TextStyle::default();
    let mut intervals = IntervalMonthDayNanoBuilder::with_capacity(texts.len());
    for text in texts.as_string::<i32>() {
        let Some(text) = text else {
            intervals.append_null();
            continue;
        };
        let value = parse_interval(text.as_bytes(), &style)?;
        intervals.append_value(value.month_day_nano()?);
    }
    Ok(Arc::new(intervals.finish()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::{IntervalMonthDayNanoArray, StringArray};
    use datafusion::arrow::datatypes::IntervalMonthDayNano;

    #[test]
    fn intervals_keep_months_days_and_microseconds_apart() {
        let values = [
            IntervalMonthDayNano::new(-14, 40, -14_706_700_000_000),
            IntervalMonthDayNano::new(0, 0, 0),
            IntervalMonthDayNano::new(1, -30, 90_000_000_001_000),
        ];
        let intervals: ArrayRef = Arc::new(IntervalMonthDayNanoArray::from_iter_values(values));
        let texts = interval_texts(&intervals).unwrap();
        let expected = ["P-1Y-2M40DT-4H-5M-6.7S", "PT0S", "P1M-30DT25H0.000001S"];
        assert_eq!(texts.as_string::<i32>(), &StringArray::from(expected.to_vec()));
        assert_eq!(&intervals_of(&texts).unwrap(), &intervals);
    }

    #[test]
    fn what_is_declared_reads_back() {
        let time = Arc::new(Field::new("item", TIME, true));
        let inside = Field::new("t", TIME, true);
        for data_type in
            [TIME, INTERVAL, DataType::List(time), DataType::Struct(vec![inside].into())]
        {
            let field = Field::new("a", data_type.clone(), true);
            let held = held_field(&field).unwrap();
            assert_ne!(*held.data_type(), data_type);
            let read = value_field(&Arc::new(held));
            assert!(read.data_type().equals_datatype(&data_type), "{read}");
        }
    }
}
