//! Parameters: nulls, wrong values and the Arrow types that values get. Right values are tested with the
//! encoders, against what PostgreSQL wrote.

use datafusion::arrow::datatypes::DataType;

use super::*;
use crate::base::datatype::BaseType;

fn text(base: BaseType, value: &str) -> Result<ScalarValue> {
    let style = TextStyle::default();
    decode_parameter(PgType::Scalar(base), Format::Text, Some(value.as_bytes()), &style)
}

fn binary(base: BaseType, value: &[u8]) -> Result<ScalarValue> {
    decode_parameter(PgType::Scalar(base), Format::Binary, Some(value), &TextStyle::default())
}

#[test]
fn every_type_has_a_null() {
    for &base in BaseType::ALL {
        for pg_type in [PgType::Scalar(base), PgType::Array(base)] {
            let null =
                decode_parameter(pg_type, Format::Text, None, &TextStyle::default()).unwrap();
            assert!(null.is_null(), "{pg_type:?}");
        }
    }
}

#[test]
fn decimals_keep_the_scale_they_have() {
    let value = text(BaseType::Numeric, "123.450").unwrap();
    assert_eq!(value, ScalarValue::Decimal128(Some(123_450), 6, 3));
    let wide = "1".repeat(40);
    let value = text(BaseType::Numeric, &wide).unwrap();
    assert!(matches!(value, ScalarValue::Decimal256(Some(_), 40, 0)));
    let too_wide = "1".repeat(77);
    assert_eq!(text(BaseType::Numeric, &too_wide).unwrap_err().sqlstate(), "22003");
    assert_eq!(text(BaseType::Numeric, "0").unwrap(), ScalarValue::Decimal128(Some(0), 1, 0));
    assert_eq!(text(BaseType::Numeric, "0.001").unwrap(), ScalarValue::Decimal128(Some(1), 3, 3));
}

#[test]
fn wrong_texts_have_the_sqlstates_of_postgresql() {
    for (base, value, sqlstate) in [
        (BaseType::Int4, "abc", "22P02"),
        (BaseType::Int4, "2147483648", "22003"),
        (BaseType::Int2, "40000", "22003"),
        (BaseType::Float8, "1e999", "22003"),
        (BaseType::Bool, "maybe", "22P02"),
        (BaseType::Uuid, "123", "22P02"),
        (BaseType::Json, "{", "22P02"),
        (BaseType::Date, "soon", "22007"),
        (BaseType::Timestamptz, "infinity", "22008"),
        (BaseType::Interval, "long", "22007"),
        (BaseType::Bytea, "\\xzz", "22023"),
        (BaseType::Record, "(1)", "0A000"),
    ] {
        assert_eq!(text(base, value).unwrap_err().sqlstate(), sqlstate, "{base:?} {value}");
    }
    let error = text(BaseType::Int4, "abc").unwrap_err();
    assert_eq!(error.message(), "invalid input syntax for type integer: \"abc\"");
}

#[test]
fn wrong_lengths_in_binary_are_refused() {
    for (base, value) in [
        (BaseType::Bool, &b""[..]),
        (BaseType::Int4, b"\0\0"),
        (BaseType::Float8, b"\0\0\0\0"),
        (BaseType::Numeric, b"\0\x01\0\0\0\0\0\0"),
        (BaseType::Interval, b"\0"),
        (BaseType::Uuid, b"\0\x01"),
        (BaseType::Jsonb, b"\x02{}"),
    ] {
        let error = binary(base, value).unwrap_err();
        assert_eq!(error.sqlstate(), "22P03", "{base:?}");
        assert_eq!(error.message(), "incorrect binary data format");
    }
    assert_eq!(binary(BaseType::Text, b"\xff").unwrap_err().sqlstate(), "22021");
    assert_eq!(binary(BaseType::Date, &[0x7f, 255, 255, 255]).unwrap_err().sqlstate(), "22008");
}

#[test]
fn names_instead_of_oids_stay_names() {
    let name = text(BaseType::Regclass, "pg_class").unwrap();
    assert_eq!(name, ScalarValue::Utf8(Some("pg_class".to_owned())));
    assert_eq!(text(BaseType::Regclass, "1259").unwrap(), ScalarValue::Int64(Some(1259)));
}

#[test]
fn arrays_get_as_many_levels_as_they_have_dimensions() {
    let style = TextStyle::default();
    let array = |base, value: &str| {
        decode_parameter(PgType::Array(base), Format::Text, Some(value.as_bytes()), &style)
    };
    let value = array(BaseType::Int4, "{{1,2},{3,4}}").unwrap();
    let DataType::List(inner) = value.data_type() else { panic!("{value}") };
    assert!(matches!(inner.data_type(), DataType::List(_)));
    let value = array(BaseType::Numeric, "{1.5,22.25}").unwrap();
    let DataType::List(element) = value.data_type() else { panic!("{value}") };
    assert_eq!(element.data_type(), &DataType::Decimal128(4, 2));
    assert_eq!(array(BaseType::Int4, "{1,x}").unwrap_err().sqlstate(), "22P02");
}
