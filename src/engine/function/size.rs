//! Sizes of objects. What a table takes lies in object storage and is not counted here: its size is NULL,
//! unknown, never a made-up zero. <https://www.postgresql.org/docs/16/functions-admin.html>

use super::define::*;
use crate::base::{Error, ErrorKind};
use crate::engine::system::cell::Cell;

pub const FUNCTIONS: &[Function] = &[
    Function::null("pg_relation_size", &[AN_OID, A_TEXT], INT8).optional(1),
    Function::null("pg_table_size", &[AN_OID], INT8),
    Function::null("pg_total_relation_size", &[AN_OID], INT8),
    Function::null("pg_indexes_size", &[AN_OID], INT8),
    Function::null("pg_database_size", &[Parameter::NameOrOid], INT8),
    Function::null("pg_tablespace_size", &[Parameter::NameOrOid], INT8),
    Function::immutable("pg_size_pretty", &[AN_INT8], TEXT, |_, arguments| {
        Ok(pretty(number(arguments, 0)).into())
    }),
    Function::immutable("pg_size_bytes", &[A_TEXT], INT8, |_, arguments| {
        bytes_of(text(arguments, 0)).map(Cell::Int8)
    }),
];

/// PostgreSQL's rule: a unit is used up to 10240 of it, half units round away from zero.
fn pretty(bytes: i64) -> String {
    const LIMIT: u128 = 10 * 1024;
    let bytes = i128::from(bytes);
    if bytes.unsigned_abs() < LIMIT {
        return format!("{bytes} bytes");
    }
    // From kB on, sizes are kept doubled, so that the last bit says how to round.
    let mut halves = bytes / 512;
    let mut unit = "kB";
    for larger in ["MB", "GB", "TB", "PB"] {
        if halves.unsigned_abs() < 2 * LIMIT - 1 {
            break;
        }
        halves /= 1024;
        unit = larger;
    }
    format!("{} {unit}", (halves + halves.signum()) / 2)
}

/// Reads a size with its unit.
fn bytes_of(size: &str) -> Result<i64, Error> {
    let invalid =
        || Error::new(ErrorKind::InvalidParameterValue, format!("invalid size: \"{size}\""));
    let trimmed = size.trim();
    let end = trimmed.find(|c: char| c.is_ascii_alphabetic() && !matches!(c, 'e' | 'E'));
    let (number, unit) = trimmed.split_at(end.unwrap_or(trimmed.len()));
    let number: f64 = number.trim().parse().map_err(|_| invalid())?;
    const UNITS: [(&str, u32); 7] =
        [("bytes", 0), ("b", 0), ("kb", 1), ("mb", 2), ("gb", 3), ("tb", 4), ("pb", 5)];
    let power = match unit.to_lowercase().as_str() {
        "" => 0,
        unit => UNITS.iter().find(|(name, _)| *name == unit).map(|(_, power)| *power).ok_or_else(
            || {
                invalid().with_detail(format!("Invalid size unit: \"{unit}\".")).with_hint(
                    "Valid units are \"bytes\", \"B\", \"kB\", \"MB\", \"GB\", \"TB\", and \"PB\".",
                )
            },
        )?,
    };
    let bytes = (number * 1024_f64.powi(power as i32)).round();
    if bytes.abs() >= i64::MAX as f64 {
        return Err(Error::new(ErrorKind::NumericValueOutOfRange, "bigint out of range"));
    }
    Ok(bytes as i64)
}

#[cfg(test)]
mod tests {
    use super::pretty;

    #[test]
    fn sizes_read_as_postgresql_writes_them() {
        let cases = [
            (0, "0 bytes"),
            (10_239, "10239 bytes"),
            (10_240, "10 kB"),
            (10_752, "11 kB"),
            (1_048_576, "1024 kB"),
            (10_485_247, "10239 kB"),
            (10_485_248, "10 MB"),
            (-10_240, "-10 kB"),
            (i64::MAX, "8192 PB"),
        ];
        for (bytes, shown) in cases {
            assert_eq!(pretty(bytes), shown, "{bytes}");
        }
    }
}
