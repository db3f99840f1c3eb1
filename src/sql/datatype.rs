//! SQL's type names as Arrow fields: PostgreSQL's and Databricks' names, for columns of tables and for casts.
//! Field metadata keeps what Arrow cannot say. It never converts a value.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Fields, IntervalUnit, TimeUnit};
use sqlparser::ast::{
    ArrayElemTypeDef, CharacterLength, DataType as SqlType, ExactNumberInfo, Ident, ObjectNamePart,
    StructField, TimezoneInfo,
};

use super::cursor::fold;
use crate::base::datatype::{
    BaseType, TYPE_METADATA, TYPMOD_METADATA, character_typmod, numeric_typmod,
};
use crate::base::{Error, ErrorKind, Result};

/// The widest decimal that Delta and Arrow's 128 bits hold.
const PRECISION_MAX: u64 = 38;
/// What `numeric` alone is: 20 digits before the point are enough for any bigint.
const SCALE_OF_BARE_NUMERIC: i8 = 18;
/// Digits of a second that a timestamp has: microseconds.
const SECOND_DIGITS: i32 = 6;
/// PostgreSQL's longest `varchar(n)`.
const CHARACTERS_MAX: u64 = 10_485_760;
/// The zone of `timestamptz` in Arrow.
const UTC: &str = "UTC";

/// What a type is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    /// A column of a Delta table, which has fewer types.
    Column,
    Cast,
}

/// A column of a table. `timestamp` has no zone, as in PostgreSQL; text is `Utf8`.
pub fn column_field(name: &str, sql_type: &SqlType, nullable: bool) -> Result<Field> {
    let field = field_of(sql_type, Use::Column)?;
    Ok(field.with_name(name).with_nullable(nullable))
}

/// The type of `CAST(x AS type)`, as a nullable field without a name.
pub fn cast_type(sql_type: &SqlType) -> Result<Field> {
    field_of(sql_type, Use::Cast)
}

fn plain(data_type: DataType) -> Field {
    Field::new("", data_type, true)
}

/// A field whose PostgreSQL type is not the natural one of its Arrow type.
fn declared(data_type: DataType, base: BaseType, typmod: Option<i32>) -> Field {
    let mut metadata = HashMap::from([(TYPE_METADATA.to_owned(), base.name().to_owned())]);
    if let Some(typmod) = typmod {
        metadata.insert(TYPMOD_METADATA.to_owned(), typmod.to_string());
    }
    plain(data_type).with_metadata(metadata)
}

fn field_of(sql_type: &SqlType, usage: Use) -> Result<Field> {
    match sql_type {
        SqlType::Bool | SqlType::Boolean => Ok(plain(DataType::Boolean)),
        SqlType::TinyInt(_) => Ok(plain(DataType::Int8)),
        SqlType::SmallInt(_) | SqlType::Int2(_) => Ok(plain(DataType::Int16)),
        SqlType::Int(_) | SqlType::Integer(_) | SqlType::Int4(_) => Ok(plain(DataType::Int32)),
        SqlType::BigInt(_) | SqlType::Int8(_) => Ok(plain(DataType::Int64)),
        SqlType::Real | SqlType::Float4 => Ok(plain(DataType::Float32)),
        SqlType::Double(ExactNumberInfo::None) | SqlType::DoublePrecision | SqlType::Float8 => {
            Ok(plain(DataType::Float64))
        }
        SqlType::Float(bits) => float(bits),
        SqlType::Numeric(digits) | SqlType::Decimal(digits) | SqlType::Dec(digits) => {
            numeric(digits)
        }
        SqlType::Text | SqlType::String(None) => Ok(plain(DataType::Utf8)),
        SqlType::Varchar(length)
        | SqlType::CharacterVarying(length)
        | SqlType::CharVarying(length) => characters(BaseType::Varchar, length.as_ref(), None),
        // `char` alone has one character.
        SqlType::Char(length) | SqlType::Character(length) => {
            characters(BaseType::Bpchar, length.as_ref(), Some(1))
        }
        SqlType::Bytea | SqlType::Binary(None) | SqlType::Varbinary(None) => {
            Ok(plain(DataType::Binary))
        }
        SqlType::Date => Ok(plain(DataType::Date32)),
        SqlType::Timestamp(precision, zone) => {
            let zoned = matches!(zone, TimezoneInfo::WithTimeZone | TimezoneInfo::Tz);
            timestamp(*precision, zoned, usage)
        }
        SqlType::TimestampNtz(precision) => timestamp(*precision, false, usage),
        SqlType::JSON => Ok(declared(DataType::Utf8, BaseType::Json, None)),
        SqlType::JSONB => Ok(declared(DataType::Utf8, BaseType::Jsonb, None)),
        SqlType::Uuid => Ok(declared(DataType::Utf8, BaseType::Uuid, None)),
        SqlType::Time(None | Some(6), TimezoneInfo::Tz | TimezoneInfo::WithTimeZone) => {
            Ok(declared(DataType::Utf8, BaseType::Timetz, None))
        }
        SqlType::Time(precision, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => {
            let time = DataType::Time64(TimeUnit::Microsecond);
            Ok(moment(time, BaseType::Time, *precision))
        }
        SqlType::Interval { fields: None, precision: None } => {
            Ok(plain(DataType::Interval(IntervalUnit::MonthDayNano)))
        }
        SqlType::Regclass => system_type(BaseType::Regclass, usage),
        SqlType::Array(element) => array(element, usage),
        SqlType::Map(key, value) => map(key, value, usage),
        SqlType::Struct(fields, _) => structure(fields, usage),
        SqlType::Custom(name, modifiers) => custom(&name.0, modifiers, usage),
        other => Err(Error::unsupported(format!("type {}", other.to_string().to_lowercase()))),
    }
}

/// Types that Delta has no place for.
fn cast_only(usage: Use, field: Field, name: &str, instead: &str) -> Result<Field> {
    match usage {
        Use::Cast => Ok(field),
        Use::Column => Err(Error::unsupported(format!("a column of type {name}"))
            .with_hint(format!("Delta tables have no such type; use {instead}."))),
    }
}

/// Types of the system catalogs. Columns have names, characters and numbers of objects; a Delta table holds texts and
/// numbers for them.
fn system_type(base: BaseType, usage: Use) -> Result<Field> {
    let data_type = match base {
        BaseType::Name
        | BaseType::Char
        | BaseType::AclItem
        | BaseType::PgNodeTree
        | BaseType::PgLsn
        | BaseType::AnyArray
        | BaseType::PgNdistinct
        | BaseType::PgDependencies
        | BaseType::PgMcvList
        | BaseType::Unknown => DataType::Utf8,
        _ => DataType::Int64,
    };
    let instead = if data_type == DataType::Utf8 { "text" } else { "bigint" };
    let field = declared(data_type, base, None);
    if base.is_column_of_catalogs() {
        return Ok(field);
    }
    cast_only(usage, field, base.name(), instead)
}

/// `float(n)` counts binary digits, as in PostgreSQL, where `float` alone is double precision.
fn float(bits: &ExactNumberInfo) -> Result<Field> {
    match bits {
        ExactNumberInfo::None | ExactNumberInfo::Precision(25..=53) => Ok(plain(DataType::Float64)),
        ExactNumberInfo::Precision(1..=24) => Ok(plain(DataType::Float32)),
        ExactNumberInfo::Precision(0) => {
            Err(invalid("precision for type float must be at least 1 bit"))
        }
        ExactNumberInfo::Precision(_) | ExactNumberInfo::PrecisionAndScale(..) => {
            Err(invalid("precision for type float must be less than 54 bits"))
        }
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidParameterValue, message)
}

fn numeric(digits: &ExactNumberInfo) -> Result<Field> {
    let (precision, scale) = match *digits {
        ExactNumberInfo::None => {
            let bare = DataType::Decimal128(38, SCALE_OF_BARE_NUMERIC);
            return Ok(declared(bare, BaseType::Numeric, Some(crate::base::datatype::NO_TYPMOD)));
        }
        ExactNumberInfo::Precision(precision) => (precision, 0),
        ExactNumberInfo::PrecisionAndScale(precision, scale) => (precision, scale),
    };
    if !(1..=PRECISION_MAX).contains(&precision) {
        let message =
            format!("NUMERIC precision {precision} must be between 1 and {PRECISION_MAX}");
        return Err(invalid(message));
    }
    let scale_fits = u64::try_from(scale).is_ok_and(|scale| scale <= precision);
    if !scale_fits {
        let message = format!("NUMERIC scale {scale} must be between 0 and precision {precision}");
        return Err(invalid(message));
    }
    let precision = u8::try_from(precision).map_err(|_| invalid("NUMERIC precision too large"))?;
    let scale = i8::try_from(scale).map_err(|_| invalid("NUMERIC scale too large"))?;
    let typmod = numeric_typmod(precision, scale);
    Ok(declared(DataType::Decimal128(precision, scale), BaseType::Numeric, Some(typmod)))
}

fn characters(
    base: BaseType,
    length: Option<&CharacterLength>,
    default: Option<u64>,
) -> Result<Field> {
    let length = match length {
        Some(CharacterLength::IntegerLength { length, .. }) => Some(*length),
        Some(CharacterLength::Max) => return Err(Error::unsupported("varchar(max)")),
        None => default,
    };
    let Some(length) = length else { return Ok(declared(DataType::Utf8, base, None)) };
    let name = if base == BaseType::Varchar { "varchar" } else { "char" };
    if length == 0 {
        return Err(invalid(format!("length for type {name} must be at least 1")));
    }
    if length > CHARACTERS_MAX {
        return Err(invalid(format!("length for type {name} cannot exceed {CHARACTERS_MAX}")));
    }
    let typmod = u32::try_from(length).ok().map(character_typmod);
    Ok(declared(DataType::Utf8, base, typmod))
}

/// Columns hold microseconds, as Delta does; a cast to fewer digits gives the unit of those.
fn timestamp(precision: Option<u64>, zoned: bool, usage: Use) -> Result<Field> {
    let zone = zoned.then(|| Arc::from(UTC));
    let base = if zoned { BaseType::Timestamptz } else { BaseType::Timestamp };
    Ok(match (precision, usage) {
        (Some(0), Use::Cast) => plain(DataType::Timestamp(TimeUnit::Second, zone)),
        (Some(3), Use::Cast) => plain(DataType::Timestamp(TimeUnit::Millisecond, zone)),
        (precision, _) => moment(DataType::Timestamp(TimeUnit::Microsecond, zone), base, precision),
    })
}

/// A time or timestamp with so many digits of a second; more than there are count as all.
fn moment(data_type: DataType, base: BaseType, precision: Option<u64>) -> Field {
    match precision {
        None => plain(data_type),
        Some(digits) => {
            let digits = i32::try_from(digits).unwrap_or(SECOND_DIGITS).min(SECOND_DIGITS);
            declared(data_type, base, Some(digits))
        }
    }
}

fn array(element: &ArrayElemTypeDef, usage: Use) -> Result<Field> {
    let element = match element {
        ArrayElemTypeDef::None => return Err(Error::unsupported("an array without element type")),
        // PostgreSQL ignores the size.
        ArrayElemTypeDef::AngleBracket(element)
        | ArrayElemTypeDef::SquareBracket(element, _)
        | ArrayElemTypeDef::Parenthesis(element) => element,
    };
    // Delta's name for the element, and Arrow's.
    let name = if usage == Use::Column { "element" } else { Field::LIST_FIELD_DEFAULT_NAME };
    let element = field_of(element, usage)?.with_name(name);
    if usage == Use::Column && element.data_type().is_temporal() && !element.metadata().is_empty() {
        let what = "an array column whose elements have a precision";
        return Err(Error::unsupported(what).with_hint("Leave the precision out."));
    }
    Ok(plain(DataType::List(Arc::new(element))))
}

fn map(key: &SqlType, value: &SqlType, usage: Use) -> Result<Field> {
    let key = field_of(key, usage)?.with_name("key").with_nullable(false);
    let value = field_of(value, usage)?.with_name("value");
    let entries = DataType::Struct(Fields::from(vec![key, value]));
    let entries = Field::new("key_value", entries, false);
    Ok(plain(DataType::Map(Arc::new(entries), false)))
}

fn structure(fields: &[StructField], usage: Use) -> Result<Field> {
    if fields.is_empty() {
        return Err(Error::unsupported("a struct without fields"));
    }
    let fields = fields.iter().map(|field| {
        let Some(Ident { value, quote_style, .. }) = &field.field_name else {
            return Err(Error::unsupported("a struct field without a name"));
        };
        let name = fold(value, *quote_style);
        Ok(field_of(&field.field_type, usage)?.with_name(name))
    });
    let fields = fields.collect::<Result<Vec<Field>>>()?;
    Ok(plain(DataType::Struct(Fields::from(fields))))
}

/// Types that the grammar has no word for.
fn custom(parts: &[ObjectNamePart], modifiers: &[String], usage: Use) -> Result<Field> {
    let names: Vec<&Ident> = parts.iter().filter_map(ObjectNamePart::as_ident).collect();
    let last = match names.as_slice() {
        [last] => last,
        [schema, last] if schema.value.eq_ignore_ascii_case("pg_catalog") => last,
        _ => return Err(undefined_type(&names)),
    };
    let name = fold(&last.value, last.quote_style);
    let length = modifiers.first().and_then(|text| text.trim().parse::<u64>().ok());
    let bounded = length.map(|length| CharacterLength::IntegerLength { length, unit: None });
    match (name.as_str(), modifiers.len()) {
        ("string", 0) => Ok(plain(DataType::Utf8)),
        ("byte", 0) => Ok(plain(DataType::Int8)),
        ("short", 0) => Ok(plain(DataType::Int16)),
        ("long", 0) => Ok(plain(DataType::Int64)),
        ("binary", 0) => Ok(plain(DataType::Binary)),
        ("timestamp_ltz", 0) => timestamp(None, true, usage),
        ("timestamp_ntz", 0) => timestamp(None, false, usage),
        ("varchar", 0 | 1) => characters(BaseType::Varchar, bounded.as_ref(), None),
        ("bpchar", 0 | 1) => characters(BaseType::Bpchar, bounded.as_ref(), None),
        ("variant", 0) => {
            Err(Error::unsupported("type variant").with_hint("Use string and JSON functions."))
        }
        (_, 0) => match BaseType::ALL.iter().copied().find(|base| base.name() == name) {
            Some(base) => base_type(base, usage),
            None => Err(unknown_type(&name, &names)),
        },
        _ => Err(unknown_type(&name, &names)),
    }
}

/// A type by its name in `pg_type`, as in `pg_catalog.int4` and `"char"`.
fn base_type(base: BaseType, usage: Use) -> Result<Field> {
    match base {
        BaseType::Bool => Ok(plain(DataType::Boolean)),
        BaseType::Bytea => Ok(plain(DataType::Binary)),
        BaseType::Int2 => Ok(plain(DataType::Int16)),
        BaseType::Int4 => Ok(plain(DataType::Int32)),
        BaseType::Int8 => Ok(plain(DataType::Int64)),
        BaseType::Float4 => Ok(plain(DataType::Float32)),
        BaseType::Float8 => Ok(plain(DataType::Float64)),
        BaseType::Numeric => numeric(&ExactNumberInfo::None),
        BaseType::Text => Ok(plain(DataType::Utf8)),
        BaseType::Varchar | BaseType::Bpchar => characters(base, None, None),
        BaseType::Json
        | BaseType::Jsonb
        | BaseType::Inet
        | BaseType::Cidr
        | BaseType::Macaddr
        | BaseType::Timetz => Ok(declared(DataType::Utf8, base, None)),
        BaseType::Date => Ok(plain(DataType::Date32)),
        BaseType::Timestamp => timestamp(None, false, usage),
        BaseType::Timestamptz => timestamp(None, true, usage),
        BaseType::Time => field_of(&SqlType::Time(None, TimezoneInfo::None), usage),
        BaseType::Interval => field_of(&SqlType::Interval { fields: None, precision: None }, usage),
        BaseType::Uuid => field_of(&SqlType::Uuid, usage),
        BaseType::Char
        | BaseType::Name
        | BaseType::Regproc
        | BaseType::Oid
        | BaseType::Xid
        | BaseType::PgNodeTree
        | BaseType::Unknown
        | BaseType::AclItem
        | BaseType::Regclass
        | BaseType::Regtype
        | BaseType::Regnamespace
        | BaseType::Regprocedure
        | BaseType::Regoper
        | BaseType::Regoperator
        | BaseType::Regcollation
        | BaseType::PgLsn
        | BaseType::AnyArray
        | BaseType::PgNdistinct
        | BaseType::PgDependencies
        | BaseType::PgMcvList
        | BaseType::Regrole => system_type(base, usage),
        BaseType::Int2Vector | BaseType::OidVector => {
            let element = Field::new(Field::LIST_FIELD_DEFAULT_NAME, DataType::Int64, true);
            let vector = declared(DataType::List(Arc::new(element)), base, None);
            cast_only(usage, vector, base.name(), "an array")
        }
        BaseType::Record | BaseType::Void => {
            Err(Error::unsupported(format!("a value of type {}", base.name())))
        }
    }
}

/// Whether PostgreSQL has a type of this name that we do not have.
pub fn is_type_elsewhere(name: &str) -> bool {
    const KNOWN: &[&str] = &[
        "varbit",
        "macaddr8",
        "int4multirange",
        "int8multirange",
        "nummultirange",
        "tsmultirange",
        "tstzmultirange",
        "datemultirange",
        "regprocedure",
        "regoperator",
        "regdictionary",
        "txid_snapshot",
        "pg_snapshot",
        "xid8",
        "refcursor",
        "bit",
        "box",
        "circle",
        "hstore",
        "line",
        "lseg",
        "money",
        "path",
        "pg_lsn",
        "point",
        "polygon",
        "text",
        "tsquery",
        "tsvector",
        "xml",
        "void",
        "geometry",
        "geography",
        "int4range",
        "int8range",
        "numrange",
        "tsrange",
        "tstzrange",
        "daterange",
        "jsonpath",
        "cstring",
        "regoper",
        "regconfig",
        "regcollation",
        "tid",
        "cid",
    ];
    KNOWN.contains(&name)
}

/// PostgreSQL's types that we do not have, told apart from misspelled ones.
fn unknown_type(name: &str, names: &[&Ident]) -> Error {
    if is_type_elsewhere(name) {
        Error::unsupported(format!("type {name}"))
    } else {
        undefined_type(names)
    }
}

fn undefined_type(names: &[&Ident]) -> Error {
    let name: Vec<String> =
        names.iter().map(|ident| fold(&ident.value, ident.quote_style)).collect();
    let message = format!("type \"{}\" does not exist", name.join("."));
    Error::new(ErrorKind::UndefinedObject, message)
}
