//! Sizes of objects. What a table takes lies in object storage and is not counted here: its size is NULL,
//! unknown, never a made-up zero. <https://www.postgresql.org/docs/16/functions-admin.html>

use super::define::*;

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
