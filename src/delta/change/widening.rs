//! Which types a column may get in the place of the one that it has, without its files being written again
//! (Delta protocol, "Type Widening"). It changes no schema.

use deltalake::kernel::{ColumnMetadataKey, MetadataValue};
use deltalake::kernel::{DataType, PrimitiveType, StructField};
use serde_json::{Value, json};

use crate::base::{Error, ErrorKind, Result};

/// The property that allows it.
pub const ENABLE_TYPE_WIDENING: &str = "delta.enableTypeWidening";

/// Digits before the point that hold every value of an integer type.
const INTEGER_DIGITS: u8 = 10;
const LONG_DIGITS: u8 = 20;

/// The field with a wider type, and the change noted where readers look for it.
pub fn widened(field: &StructField, to: &DataType) -> Result<StructField> {
    let (DataType::Primitive(old), DataType::Primitive(new)) = (&field.data_type, to) else {
        return Err(refused(field, to));
    };
    if !is_wider(old, new) {
        return Err(refused(field, to));
    }
    let key = ColumnMetadataKey::TypeChanges.as_ref();
    let mut changes = match field.metadata.get(key) {
        Some(MetadataValue::Other(Value::Array(changes))) => changes.clone(),
        _ => Vec::new(),
    };
    changes.push(json!({ "fromType": field.data_type.to_string(), "toType": to.to_string() }));
    let mut field = field.clone();
    field.metadata.insert(key.to_owned(), MetadataValue::Other(Value::Array(changes)));
    field.data_type = to.clone();
    Ok(field)
}

fn refused(field: &StructField, to: &DataType) -> Error {
    let (name, from) = (&field.name, &field.data_type);
    Error::new(
        ErrorKind::FeatureNotSupported,
        format!("changing the type of column \"{name}\" from {from} to {to} is not supported"),
    )
    .with_detail("A column's type can only become one that holds every value of the old one.")
    .with_hint("Add a column of the new type, UPDATE it from the old one, and drop that.")
}

fn is_wider(old: &PrimitiveType, new: &PrimitiveType) -> bool {
    use PrimitiveType::*;
    match (old, new) {
        (Byte, Short | Integer | Long | Double)
        | (Short, Integer | Long | Double)
        | (Integer, Long | Double)
        | (Float, Double)
        | (Date, TimestampNtz) => true,
        // The protocol asks for as many digits for the shorter ones.
        (Byte | Short | Integer, Decimal(to)) => {
            whole_digits(to.precision(), to.scale()) >= Some(INTEGER_DIGITS)
        }
        (Long, Decimal(to)) => whole_digits(to.precision(), to.scale()) >= Some(LONG_DIGITS),
        (Decimal(from), Decimal(to)) => {
            to.scale() >= from.scale()
                && whole_digits(to.precision(), to.scale())
                    >= whole_digits(from.precision(), from.scale())
        }
        _ => false,
    }
}

fn whole_digits(precision: u8, scale: u8) -> Option<u8> {
    precision.checked_sub(scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_types_that_hold_every_value_are_wider() {
        let decimal = |precision, scale| DataType::decimal(precision, scale).unwrap();
        let field = |data_type| StructField::new("c", data_type, true);
        let allowed = [
            (DataType::BYTE, DataType::SHORT),
            (DataType::INTEGER, DataType::LONG),
            (DataType::INTEGER, DataType::DOUBLE),
            (DataType::INTEGER, decimal(10, 0)),
            (DataType::LONG, decimal(22, 2)),
            (DataType::FLOAT, DataType::DOUBLE),
            (DataType::DATE, DataType::TIMESTAMP_NTZ),
            (decimal(5, 2), decimal(8, 4)),
        ];
        for (from, to) in allowed {
            let field = widened(&field(from.clone()), &to).unwrap();
            assert_eq!(field.data_type, to, "{from}");
            let changes = field.metadata.get("delta.typeChanges").unwrap().to_string();
            assert!(changes.contains(&format!("\"fromType\":\"{from}\"")), "{changes}");
        }
        let refused = [
            (DataType::LONG, DataType::INTEGER),
            (DataType::LONG, DataType::DOUBLE),
            (DataType::LONG, decimal(19, 0)),
            (DataType::INTEGER, DataType::STRING),
            (DataType::DATE, DataType::TIMESTAMP),
            (decimal(5, 2), decimal(5, 3)),
            (decimal(5, 2), decimal(7, 1)),
        ];
        for (from, to) in refused {
            assert_eq!(widened(&field(from), &to).unwrap_err().sqlstate(), "0A000", "{to}");
        }
    }
}
