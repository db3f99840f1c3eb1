//! Columns of scalar types in binary: what PostgreSQL's send functions give. It knows no nested types.

use bytes::{BufMut, BytesMut};
use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::datatypes::*;

use super::column::{ValueWriter, mismatch};
use super::datetime::{binary_date, write_binary_timestamp};
use super::numeric::Digits;
use super::source::{Micros, intervals, with_binaries, with_integers, with_strings};
use super::text_column;
use crate::base::calendar::MICROS_PER_DAY;
use crate::base::datatype::BaseType;
use crate::base::text_style::TextStyle;
use crate::base::value::{Network, ZonedTime, parse_macaddr, parse_uuid};
use crate::base::{Error, ErrorKind, Result};

/// A writer for the binary form of a column that is sent as `base`.
pub fn writer<'a>(
    array: &'a dyn Array,
    base: BaseType,
    style: &TextStyle,
) -> Result<ValueWriter<'a>> {
    use BaseType::*;
    if array.data_type() == &DataType::Null {
        return Ok(Box::new(|_, _| Ok(())));
    }
    let write = match base {
        Bool => boolean(array),
        Int2 | Int4 | Int8 => integer(array, base),
        Oid | Xid | Regproc | Regclass | Regtype | Regnamespace | Regrole | Regprocedure
        | Regoper | Regoperator | Regcollation => identifier(array, base),
        Char => character(array),
        Float4 | Float8 => float(array, base),
        Numeric => numeric(array),
        Date => date(array),
        Time | Timestamp | Timestamptz => time(array, base),
        Interval => interval(array),
        Uuid => uuid(array),
        Inet => address(array, false),
        Cidr => address(array, true),
        Macaddr => hardware_address(array),
        Timetz => zoned_time(array),
        PgLsn => log_position(array),
        Bytea => bytes(array),
        Jsonb => return text_column::writer(array, base, style).map(jsonb),
        // The binary form of these is their text.
        Name | Text | Json | PgNodeTree | AnyArray | PgNdistinct | PgDependencies | PgMcvList
        | Unknown | AclItem | Bpchar | Varchar | Void => {
            return text_column::writer(array, base, style);
        }
        // Nested types have writers of their own.
        Int2Vector | OidVector | Record => None,
    };
    write.ok_or_else(|| mismatch(array, base))
}

/// Puts the version byte of `jsonb` before the text.
pub fn jsonb<'a>(write: ValueWriter<'a>) -> ValueWriter<'a> {
    Box::new(move |row, out| {
        out.put_u8(1);
        write(row, out)
    })
}

fn boolean<'a>(array: &'a dyn Array) -> Option<ValueWriter<'a>> {
    let values = array.as_boolean_opt()?;
    Some(Box::new(move |row, out| {
        out.put_u8(u8::from(values.value(row)));
        Ok(())
    }))
}

fn integer<'a>(array: &'a dyn Array, base: BaseType) -> Option<ValueWriter<'a>> {
    Some(with_integers!(array, values => match base {
        BaseType::Int2 => Box::new(move |row, out: &mut BytesMut| {
            out.put_i16(fit(values.value(row), base)?);
            Ok(())
        }),
        BaseType::Int4 => Box::new(move |row, out: &mut BytesMut| {
            out.put_i32(fit(values.value(row), base)?);
            Ok(())
        }),
        _ => Box::new(move |row, out: &mut BytesMut| {
            out.put_i64(fit(values.value(row), base)?);
            Ok(())
        }),
    }, else return None))
}

/// The number in the width of the type; the same width costs no check.
fn fit<T: TryFrom<U>, U>(value: U, base: BaseType) -> Result<T> {
    T::try_from(value).map_err(|_| {
        Error::new(ErrorKind::NumericValueOutOfRange, format!("{} out of range", base.sql_name()))
    })
}

/// OIDs and what is named after them: four unsigned bytes, from a number or its text.
fn identifier<'a>(array: &'a dyn Array, base: BaseType) -> Option<ValueWriter<'a>> {
    if let Some(values) = array.as_primitive_opt::<Int32Type>() {
        return Some(Box::new(move |row, out| {
            out.put_i32(values.value(row));
            Ok(())
        }));
    }
    Some(with_integers!(array, values => Box::new(move |row, out: &mut BytesMut| {
        out.put_u32(fit(values.value(row), base)?);
        Ok(())
    }), else with_strings!(array, values => Box::new(move |row, out: &mut BytesMut| {
        let text = values.value(row);
        let number: u32 = text.parse().map_err(|_| {
            Error::internal(format!("{} \"{text}\" has no binary form", base.name()))
        })?;
        out.put_u32(number);
        Ok(())
    }), else return None)))
}

fn character<'a>(array: &'a dyn Array) -> Option<ValueWriter<'a>> {
    if let Some(values) = array.as_primitive_opt::<Int8Type>() {
        return Some(Box::new(move |row, out| {
            out.put_i8(values.value(row));
            Ok(())
        }));
    }
    Some(with_strings!(array, values => Box::new(move |row, out: &mut BytesMut| {
        out.put_u8(values.value(row).bytes().next().unwrap_or(0));
        Ok(())
    }), else return None))
}

fn float<'a>(array: &'a dyn Array, base: BaseType) -> Option<ValueWriter<'a>> {
    fn of<'a>(
        base: BaseType,
        value: impl Fn(usize) -> f64 + Send + Sync + 'a,
    ) -> Option<ValueWriter<'a>> {
        Some(if base == BaseType::Float4 {
            Box::new(move |row, out| {
                out.put_f32(value(row) as f32);
                Ok(())
            })
        } else {
            Box::new(move |row, out| {
                out.put_f64(value(row));
                Ok(())
            })
        })
    }
    match array.data_type() {
        DataType::Float16 => {
            let values = array.as_primitive::<Float16Type>();
            of(base, move |row| values.value(row).to_f64())
        }
        DataType::Float32 => {
            let values = array.as_primitive::<Float32Type>();
            of(base, move |row| f64::from(values.value(row)))
        }
        DataType::Float64 => {
            let values = array.as_primitive::<Float64Type>();
            of(base, move |row| values.value(row))
        }
        _ => None,
    }
}

fn numeric<'a>(array: &'a dyn Array) -> Option<ValueWriter<'a>> {
    fn of<'a, T: ArrowPrimitiveType>(
        array: &'a dyn Array,
        scale: i8,
        digits: fn(T::Native) -> Digits,
    ) -> Option<ValueWriter<'a>> {
        let values = array.as_primitive::<T>();
        Some(Box::new(move |row, out| {
            digits(values.value(row)).write_binary(scale, out);
            Ok(())
        }))
    }
    match array.data_type() {
        DataType::Decimal32(_, scale) => {
            of::<Decimal32Type>(array, *scale, |value| Digits::of_i128(i128::from(value)))
        }
        DataType::Decimal64(_, scale) => {
            of::<Decimal64Type>(array, *scale, |value| Digits::of_i128(i128::from(value)))
        }
        DataType::Decimal128(_, scale) => of::<Decimal128Type>(array, *scale, Digits::of_i128),
        DataType::Decimal256(_, scale) => of::<Decimal256Type>(array, *scale, Digits::of_i256),
        _ => Some(with_integers!(array, values => Box::new(move |row, out: &mut BytesMut| {
            Digits::of_i128(i128::from(values.value(row))).write_binary(0, out);
            Ok(())
        }), else return None)),
    }
}

fn date<'a>(array: &'a dyn Array) -> Option<ValueWriter<'a>> {
    if let Some(values) = array.as_primitive_opt::<Date32Type>() {
        return Some(Box::new(move |row, out| {
            out.put_i32(binary_date(i64::from(values.value(row)))?);
            Ok(())
        }));
    }
    let micros = Micros::of(array).filter(|_| array.data_type() == &DataType::Date64)?;
    Some(Box::new(move |row, out| {
        out.put_i32(binary_date(micros.at(row)?.div_euclid(MICROS_PER_DAY))?);
        Ok(())
    }))
}

fn time<'a>(array: &'a dyn Array, base: BaseType) -> Option<ValueWriter<'a>> {
    let micros = Micros::of(array)?;
    let is_time = matches!(array.data_type(), DataType::Time32(_) | DataType::Time64(_));
    let is_timestamp = matches!(array.data_type(), DataType::Date64 | DataType::Timestamp(_, _));
    match base {
        BaseType::Time if is_time => Some(Box::new(move |row, out| {
            out.put_i64(micros.at(row)?);
            Ok(())
        })),
        BaseType::Timestamp | BaseType::Timestamptz if is_timestamp => {
            Some(Box::new(move |row, out| write_binary_timestamp(micros.at(row)?, out)))
        }
        _ => None,
    }
}

fn interval<'a>(array: &'a dyn Array) -> Option<ValueWriter<'a>> {
    let interval_of = intervals(array)?;
    Some(Box::new(move |row, out| {
        interval_of(row)?.write_binary(out);
        Ok(())
    }))
}

fn uuid<'a>(array: &'a dyn Array) -> Option<ValueWriter<'a>> {
    if let DataType::FixedSizeBinary(16) = array.data_type() {
        return bytes(array);
    }
    Some(with_strings!(array, values => Box::new(move |row, out: &mut BytesMut| {
        out.put_slice(&parse_uuid(values.value(row))?);
        Ok(())
    }), else return None))
}

/// `inet` and `cidr`: family, prefix length, whether it is a `cidr`, and the bytes of the address.
fn address<'a>(array: &'a dyn Array, is_cidr: bool) -> Option<ValueWriter<'a>> {
    Some(with_strings!(array, values => Box::new(move |row, out: &mut BytesMut| {
        out.put_slice(&Network::parse_inet(values.value(row))?.binary(is_cidr));
        Ok(())
    }), else return None))
}

fn hardware_address<'a>(array: &'a dyn Array) -> Option<ValueWriter<'a>> {
    Some(with_strings!(array, values => Box::new(move |row, out: &mut BytesMut| {
        out.put_slice(&parse_macaddr(values.value(row))?);
        Ok(())
    }), else return None))
}

fn zoned_time<'a>(array: &'a dyn Array) -> Option<ValueWriter<'a>> {
    let style = TextStyle::default();
    Some(with_strings!(array, values => Box::new(move |row, out: &mut BytesMut| {
        ZonedTime::parse(values.value(row).as_bytes(), &style)?.write_binary(out);
        Ok(())
    }), else return None))
}

/// `pg_lsn`: the two hexadecimal halves as one number.
fn log_position<'a>(array: &'a dyn Array) -> Option<ValueWriter<'a>> {
    Some(with_strings!(array, values => Box::new(move |row, out: &mut BytesMut| {
        let text = values.value(row);
        let halves = text.split_once('/').and_then(|(high, low)| {
            Some((u32::from_str_radix(high, 16).ok()?, u32::from_str_radix(low, 16).ok()?))
        });
        let unreadable = || Error::internal(format!("\"{text}\" is no log position"));
        let (high, low) = halves.ok_or_else(unreadable)?;
        out.put_u32(high);
        out.put_u32(low);
        Ok(())
    }), else return None))
}

fn bytes<'a>(array: &'a dyn Array) -> Option<ValueWriter<'a>> {
    Some(with_binaries!(array, values => Box::new(move |row, out: &mut BytesMut| {
        out.put_slice(values.value(row));
        Ok(())
    }), else with_strings!(array, values => Box::new(move |row, out: &mut BytesMut| {
        out.put_slice(values.value(row).as_bytes());
        Ok(())
    }), else return None)))
}
