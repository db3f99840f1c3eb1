//! Bytes and bits of a `bytea`, counted from 0; the bits of a byte from the least one.
//! <https://www.postgresql.org/docs/16/functions-binarystring.html>

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::{Int32Type, Int64Type};

use crate::base::datatype::BaseType;
use crate::base::{Error, ErrorKind, Result};

use super::kernel::{Arguments, Kernel, Kind, Overload, Returns};

use Kind::{Bytea, Int4, Int8};

const BYTES: Returns = Returns::Type(BaseType::Bytea);
const INTEGER: Returns = Returns::Type(BaseType::Int4);
const BIGINT: Returns = Returns::Type(BaseType::Int8);

const BITS_PER_BYTE: usize = 8;

pub const KERNELS: &[Kernel] = &[
    Kernel::immutable("get_byte", &[Overload::new(&[Bytea, Int4], INTEGER, get_byte)]),
    Kernel::immutable("set_byte", &[Overload::new(&[Bytea, Int4, Int4], BYTES, set_byte)]),
    Kernel::immutable("get_bit", &[Overload::new(&[Bytea, Int8], INTEGER, get_bit)]),
    Kernel::immutable("set_bit", &[Overload::new(&[Bytea, Int8, Int4], BYTES, set_bit)]),
    Kernel::immutable("bit_count", &[Overload::new(&[Bytea], BIGINT, bit_count)]),
];

/// The place of a byte or bit among so many. Errors: 2202E.
fn place_among(place: i64, count: usize) -> Result<usize> {
    let found = usize::try_from(place).ok().filter(|place| *place < count);
    found.ok_or_else(|| {
        let last = i64::try_from(count).unwrap_or(i64::MAX) - 1;
        let message = format!("index {place} out of valid range, 0..{last}");
        Error::new(ErrorKind::ArraySubscriptError, message)
    })
}

/// The byte of a bit and its mask.
fn bit_at(place: i64, value: &[u8]) -> Result<(usize, u8)> {
    let place = place_among(place, value.len() * BITS_PER_BYTE)?;
    Ok((place / BITS_PER_BYTE, 1 << (place % BITS_PER_BYTE)))
}

/// The value with a byte changed.
fn changed(value: &[u8], at: usize, change: impl Fn(u8) -> u8) -> Vec<u8> {
    let mut changed = value.to_vec();
    if let Some(byte) = changed.get_mut(at) {
        *byte = change(*byte);
    }
    changed
}

fn get_byte(a: &Arguments<'_>) -> Result<ArrayRef> {
    let (values, places) = (a.bytes(0)?, a.values::<Int32Type>(1)?);
    a.make::<Int32Type>(|row| {
        let value = values.at(row);
        let place = place_among(i64::from(places.at(row)), value.len())?;
        Ok(value.get(place).map(|byte| i32::from(*byte)))
    })
}

fn set_byte(a: &Arguments<'_>) -> Result<ArrayRef> {
    let (values, places) = (a.bytes(0)?, a.values::<Int32Type>(1)?);
    let bytes = a.values::<Int32Type>(2)?;
    a.make_bytes(|row| {
        let (value, [byte, ..]) = (values.at(row), bytes.at(row).to_le_bytes());
        let place = place_among(i64::from(places.at(row)), value.len())?;
        Ok(Some(changed(value, place, |_| byte)))
    })
}

fn get_bit(a: &Arguments<'_>) -> Result<ArrayRef> {
    let (values, places) = (a.bytes(0)?, a.values::<Int64Type>(1)?);
    a.make::<Int32Type>(|row| {
        let value = values.at(row);
        let (at, mask) = bit_at(places.at(row), value)?;
        Ok(value.get(at).map(|byte| i32::from(byte & mask != 0)))
    })
}

fn set_bit(a: &Arguments<'_>) -> Result<ArrayRef> {
    let (values, places) = (a.bytes(0)?, a.values::<Int64Type>(1)?);
    let bits = a.values::<Int32Type>(2)?;
    a.make_bytes(|row| {
        let value = values.at(row);
        let (at, mask) = bit_at(places.at(row), value)?;
        match bits.at(row) {
            0 => Ok(Some(changed(value, at, |byte| byte & !mask))),
            1 => Ok(Some(changed(value, at, |byte| byte | mask))),
            _ => Err(Error::new(ErrorKind::InvalidParameterValue, "new bit must be 0 or 1")),
        }
    })
}

fn bit_count(a: &Arguments<'_>) -> Result<ArrayRef> {
    let values = a.bytes(0)?;
    a.make::<Int64Type>(|row| {
        Ok(Some(values.at(row).iter().map(|byte| i64::from(byte.count_ones())).sum()))
    })
}
