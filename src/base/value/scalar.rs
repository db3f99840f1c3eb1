//! One value from its text or binary form, as parameters arrive. Values get the Arrow type that fits their
//! PostgreSQL type best; decimals get the scale they were written with.

use std::sync::Arc;

use datafusion::arrow::datatypes::{
    DECIMAL128_MAX_PRECISION, DataType, Field, IntervalUnit, TimeUnit,
};
use datafusion::common::ScalarValue;

use super::array::{ArrayValue, parse_array_binary, parse_array_text};
use super::column::ColumnBuilder;
use super::number::parse_oid;
use super::numeric::{Decimal128Bound, Number, PRECISION_MAX, decimal_256, too_many_digits};
use super::syntax::utf8;
use crate::base::datatype::{BaseType, PgType, told_type};
use crate::base::render::Format;
use crate::base::text_style::TextStyle;
use crate::base::{Error, Result};

/// The value of a parameter, with its type.
#[derive(Debug, Clone)]
pub struct Parameter {
    pub value: ScalarValue,
    pub pg_type: PgType,
}

impl Parameter {
    /// A field of the value's type, which says what Arrow cannot.
    pub fn field(&self) -> Field {
        Field::new("", self.value.data_type(), true).with_metadata(told_type(self.pg_type))
    }
}

/// Reads the text form of a value.
pub fn parse_text(pg_type: PgType, text: &str, style: &TextStyle) -> Result<ScalarValue> {
    parse(pg_type, Format::Text, text.as_bytes(), style)
}

/// Reads the binary form of a value.
pub fn parse_binary(pg_type: PgType, bytes: &[u8], style: &TextStyle) -> Result<ScalarValue> {
    parse(pg_type, Format::Binary, bytes, style)
}

fn parse(pg_type: PgType, format: Format, bytes: &[u8], style: &TextStyle) -> Result<ScalarValue> {
    let base = match pg_type {
        PgType::Array(base) => return array(base, format, bytes, style),
        PgType::Scalar(BaseType::Int2Vector) if format == Format::Binary => {
            return array(BaseType::Int2, format, bytes, style);
        }
        PgType::Scalar(BaseType::OidVector) if format == Format::Binary => {
            return array(BaseType::Oid, format, bytes, style);
        }
        PgType::Scalar(base) => base,
    };
    match base {
        BaseType::Int2Vector => array(BaseType::Int2, format, &braced(bytes), style),
        BaseType::OidVector => array(BaseType::Oid, format, &braced(bytes), style),
        BaseType::Numeric => {
            let number = parse_number(bytes, format)?;
            decimal(&number, number.scale(), number.precision(number.scale()))
        }
        // A name instead of a number is looked up by whoever knows the catalog.
        BaseType::Regproc
        | BaseType::Regclass
        | BaseType::Regtype
        | BaseType::Regnamespace
        | BaseType::Regprocedure
        | BaseType::Regoper
        | BaseType::Regoperator
        | BaseType::Regcollation
        | BaseType::Regrole
            if format == Format::Text && parse_oid(bytes, base.name()).is_err() =>
        {
            Ok(ScalarValue::Utf8(Some(utf8(bytes)?.to_owned())))
        }
        BaseType::Record
        | BaseType::Void
        | BaseType::PgNodeTree
        | BaseType::PgLsn
        | BaseType::AnyArray
        | BaseType::PgNdistinct
        | BaseType::PgDependencies
        | BaseType::PgMcvList
        | BaseType::AclItem => {
            Err(Error::unsupported(format!("a parameter of type {}", base.sql_name())))
        }
        _ => {
            let data_type = arrow_type_of(pg_type);
            let mut builder = ColumnBuilder::of_type(pg_type, &data_type, style)?;
            builder.append(Some(bytes), format)?;
            scalar_of(&mut builder)
        }
    }
}

/// The Arrow type of a PostgreSQL type's values; arrays have one dimension, decimals 38 digits.
pub fn arrow_type_of(pg_type: PgType) -> DataType {
    use BaseType::*;
    let base = match pg_type {
        PgType::Array(base) => {
            let element = arrow_type_of(PgType::Scalar(base));
            return DataType::List(Arc::new(Field::new_list_field(element, true)));
        }
        PgType::Scalar(base) => base,
    };
    match base {
        Bool => DataType::Boolean,
        Bytea => DataType::Binary,
        Int2 => DataType::Int16,
        Int4 => DataType::Int32,
        Int8 | Oid | Xid | Regproc | Regclass | Regtype | Regnamespace | Regrole | Regprocedure
        | Regoper | Regoperator | Regcollation => DataType::Int64,
        Float4 => DataType::Float32,
        Float8 => DataType::Float64,
        Numeric => DataType::Decimal128(DECIMAL128_MAX_PRECISION, 10),
        Date => DataType::Date32,
        Time => DataType::Time64(TimeUnit::Microsecond),
        Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
        Timestamptz => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        Interval => DataType::Interval(IntervalUnit::MonthDayNano),
        Int2Vector => arrow_type_of(PgType::Array(Int2)),
        OidVector => arrow_type_of(PgType::Array(Oid)),
        Char | Name | Text | Json | Jsonb | PgNodeTree | Inet | Cidr | Macaddr | Timetz | PgLsn
        | AnyArray | PgNdistinct | PgDependencies | PgMcvList | Unknown | AclItem | Bpchar
        | Varchar | Uuid | Record | Void => DataType::Utf8,
    }
}

/// `1 2 3` with the braces and commas of an array.
fn braced(text: &[u8]) -> Vec<u8> {
    let words: Vec<&[u8]> =
        text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).collect();
    [b"{".as_slice(), &words.join(&b','), b"}"].concat()
}

fn array(base: BaseType, format: Format, bytes: &[u8], style: &TextStyle) -> Result<ScalarValue> {
    let array = match format {
        Format::Text => parse_array_text(bytes)?,
        Format::Binary => parse_array_binary(bytes, base.oid().0)?,
    };
    let element = match base {
        BaseType::Numeric => common_decimal(&array, format)?,
        _ => arrow_type_of(PgType::Scalar(base)),
    };
    let mut data_type = element;
    for _ in 0..array.dimensions.len().max(1) {
        data_type = DataType::List(Arc::new(Field::new_list_field(data_type, true)));
    }
    let mut builder = ColumnBuilder::of_type(PgType::Array(base), &data_type, style)?;
    builder.append(Some(bytes), format)?;
    scalar_of(&mut builder)
}

/// The decimal type that holds every element: one array has one scale.
fn common_decimal(array: &ArrayValue<'_>, format: Format) -> Result<DataType> {
    let numbers = array
        .elements
        .iter()
        .flatten()
        .map(|element| parse_number(element, format))
        .collect::<Result<Vec<_>>>()?;
    let scale = numbers.iter().map(Number::scale).max().unwrap_or(0);
    let precision = numbers.iter().map(|number| number.precision(scale)).max().unwrap_or(1);
    decimal_type(scale, precision)
}

fn parse_number(bytes: &[u8], format: Format) -> Result<Number> {
    match format {
        Format::Text => Number::parse(bytes),
        Format::Binary => Number::parse_binary(bytes),
    }
}

fn decimal_type(scale: i32, precision: usize) -> Result<DataType> {
    let fits = precision <= PRECISION_MAX;
    let (Ok(scale), Ok(precision), true) = (i8::try_from(scale), u8::try_from(precision), fits)
    else {
        return Err(too_many_digits());
    };
    Ok(if precision <= DECIMAL128_MAX_PRECISION {
        DataType::Decimal128(precision, scale)
    } else {
        DataType::Decimal256(precision, scale)
    })
}

fn decimal(number: &Number, scale: i32, precision: usize) -> Result<ScalarValue> {
    Ok(match decimal_type(scale, precision)? {
        DataType::Decimal256(precision, scale) => {
            let value = decimal_256(number, precision, scale)?;
            ScalarValue::Decimal256(Some(value), precision, scale)
        }
        DataType::Decimal128(precision, scale) => {
            let value = Decimal128Bound::new(precision, scale).fit(number)?;
            ScalarValue::Decimal128(Some(value), precision, scale)
        }
        other => return Err(Error::internal(format!("{other} is no decimal"))),
    })
}

fn scalar_of(builder: &mut ColumnBuilder) -> Result<ScalarValue> {
    let column = builder.finish()?;
    ScalarValue::try_from_array(&column, 0)
        .map_err(|error| Error::internal("a parameter has no scalar value").caused_by(error))
}
