//! Columns of scalar types as text: what PostgreSQL's output functions give. It knows no nested types.

use bytes::{BufMut, BytesMut};
use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::datatypes::*;

use super::bytes::{write_bytea, write_char, write_uuid};
use super::column::{ValueWriter, mismatch};
use super::datetime::{write_date, write_time, write_timestamp, write_timestamptz};
use super::float::{write_f32, write_f64};
use super::numeric::Digits;
use super::source::{Micros, intervals, with_binaries, with_integers, with_strings};
use crate::base::Result;
use crate::base::datatype::BaseType;
use crate::base::text_style::TextStyle;
use crate::base::time_zone::OffsetCache;

/// A writer for the text of a column that is sent as `base`.
pub fn writer<'a>(
    array: &'a dyn Array,
    base: BaseType,
    style: &TextStyle,
) -> Result<ValueWriter<'a>> {
    let style = *style;
    let write: ValueWriter<'a> = match array.data_type() {
        // Every value is null and none is written.
        DataType::Null => Box::new(|_, _| Ok(())),
        DataType::Boolean => boolean(array, base),
        DataType::Int8 if base == BaseType::Char => {
            let values = array.as_primitive::<Int8Type>();
            Box::new(move |row, out| {
                write_char(values.value(row) as u8, out);
                Ok(())
            })
        }
        DataType::Int32 if is_unsigned(base) => {
            let values = array.as_primitive::<Int32Type>();
            Box::new(move |row, out| {
                out.put_slice(itoa::Buffer::new().format(values.value(row) as u32).as_bytes());
                Ok(())
            })
        }
        DataType::Float16 => {
            let values = array.as_primitive::<Float16Type>();
            Box::new(move |row, out| {
                write_f32(values.value(row).to_f32(), style.extra_float_digits, out);
                Ok(())
            })
        }
        DataType::Float32 => {
            let values = array.as_primitive::<Float32Type>();
            Box::new(move |row, out| {
                write_f32(values.value(row), style.extra_float_digits, out);
                Ok(())
            })
        }
        DataType::Float64 => {
            let values = array.as_primitive::<Float64Type>();
            Box::new(move |row, out| {
                write_f64(values.value(row), style.extra_float_digits, out);
                Ok(())
            })
        }
        DataType::Decimal32(_, _)
        | DataType::Decimal64(_, _)
        | DataType::Decimal128(_, _)
        | DataType::Decimal256(_, _) => decimal(array),
        _ => return other(array, base, style),
    };
    Ok(write)
}

/// The types that several Arrow types share.
fn other<'a>(array: &'a dyn Array, base: BaseType, style: TextStyle) -> Result<ValueWriter<'a>> {
    if let Some(write) = temporal(array, base, style) {
        return Ok(write);
    }
    let write: ValueWriter<'a> = with_integers!(array, values => Box::new(move |row, out| {
        out.put_slice(itoa::Buffer::new().format(values.value(row)).as_bytes());
        Ok(())
    }), else with_strings!(array, values => Box::new(move |row, out| {
        out.put_slice(values.value(row).as_bytes());
        Ok(())
    }), else with_binaries!(array, values => if base == BaseType::Uuid {
        Box::new(move |row, out| {
            write_uuid(values.value(row), out);
            Ok(())
        })
    } else {
        Box::new(move |row, out| {
            write_bytea(values.value(row), style.bytea_output, out);
            Ok(())
        })
    }, else return Err(mismatch(array, base)))));
    Ok(write)
}

fn boolean<'a>(array: &'a dyn Array, base: BaseType) -> ValueWriter<'a> {
    let values = array.as_boolean();
    // A boolean turned into text is spelled out, as by a cast.
    let (yes, no): (&[u8], &[u8]) =
        if base == BaseType::Bool { (b"t", b"f") } else { (b"true", b"false") };
    Box::new(move |row, out| {
        out.put_slice(if values.value(row) { yes } else { no });
        Ok(())
    })
}

fn decimal<'a>(array: &'a dyn Array) -> ValueWriter<'a> {
    fn of<'a, T: DecimalType>(
        array: &'a dyn Array,
        scale: i8,
        digits: fn(T::Native) -> Digits,
    ) -> ValueWriter<'a> {
        let values = array.as_primitive::<T>();
        Box::new(move |row, out| {
            digits(values.value(row)).write_text(scale, out);
            Ok(())
        })
    }
    match array.data_type() {
        DataType::Decimal32(_, scale) => {
            of::<Decimal32Type>(array, *scale, |value| Digits::of_i128(i128::from(value)))
        }
        DataType::Decimal64(_, scale) => {
            of::<Decimal64Type>(array, *scale, |value| Digits::of_i128(i128::from(value)))
        }
        DataType::Decimal256(_, scale) => of::<Decimal256Type>(array, *scale, Digits::of_i256),
        other => {
            let scale = if let DataType::Decimal128(_, scale) = other { *scale } else { 0 };
            of::<Decimal128Type>(array, scale, Digits::of_i128)
        }
    }
}

fn temporal<'a>(array: &'a dyn Array, base: BaseType, style: TextStyle) -> Option<ValueWriter<'a>> {
    if let Some(interval_of) = intervals(array) {
        return Some(Box::new(move |row, out: &mut BytesMut| {
            interval_of(row)?.write_text(style.interval_style, out);
            Ok(())
        }));
    }
    if array.data_type() == &DataType::Date32 {
        let values = array.as_primitive::<Date32Type>();
        return Some(Box::new(move |row, out| {
            write_date(i64::from(values.value(row)), style.date_style, out);
            Ok(())
        }));
    }
    let micros = Micros::of(array)?;
    let has_zone = matches!(array.data_type(), DataType::Timestamp(_, Some(_)));
    Some(match (array.data_type(), base) {
        (DataType::Time32(_) | DataType::Time64(_), _) => Box::new(move |row, out| {
            write_time(micros.at(row)?, out);
            Ok(())
        }),
        (DataType::Date64, BaseType::Date) => Box::new(move |row, out| {
            let days = micros.at(row)?.div_euclid(crate::base::calendar::MICROS_PER_DAY);
            write_date(days, style.date_style, out);
            Ok(())
        }),
        (_, base) if base == BaseType::Timestamptz || (has_zone && base != BaseType::Timestamp) => {
            let zone = OffsetCache::new(style.time_zone);
            Box::new(move |row, out| {
                write_timestamptz(micros.at(row)?, style.date_style, &zone, out);
                Ok(())
            })
        }
        _ => Box::new(move |row, out| {
            write_timestamp(micros.at(row)?, style.date_style, out);
            Ok(())
        }),
    })
}

/// Types whose four bytes are unsigned.
pub fn is_unsigned(base: BaseType) -> bool {
    matches!(
        base,
        BaseType::Oid
            | BaseType::Xid
            | BaseType::Regproc
            | BaseType::Regclass
            | BaseType::Regtype
            | BaseType::Regnamespace
            | BaseType::Regprocedure
            | BaseType::Regoper
            | BaseType::Regoperator
            | BaseType::Regcollation
            | BaseType::Regrole
    )
}
