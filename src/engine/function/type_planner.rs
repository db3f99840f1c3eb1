//! The types that SQL names, as Arrow fields: every spelling that PostgreSQL has for the types that Lakegate
//! has. It knows no values.
//!
//! Every field carries a name. DataFusion takes a nameless field without metadata for a change of the Arrow
//! type only and lets the old column's metadata stand: `relname::text` would go on to be a `name`.

use std::sync::Arc;

use datafusion::arrow::datatypes::FieldRef;
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::planner;
use sqlparser::ast::{
    ArrayElemTypeDef, CharacterLength, DataType as SqlType, ExactNumberInfo, ObjectName,
    TimezoneInfo,
};

use crate::base::datatype::{BaseType, NO_TYPMOD, PgType, character_typmod, numeric_typmod};
use crate::base::{Error, ErrorKind};
use crate::engine::system::field::field_of;
use crate::sql::datatype::is_type_elsewhere;

/// Plans PostgreSQL's type names.
#[derive(Debug)]
pub struct TypePlanner;

impl planner::TypePlanner for TypePlanner {
    fn plan_type_field(&self, sql_type: &SqlType) -> Result<Option<FieldRef>> {
        field_of_type(sql_type).map_err(|error| DataFusionError::External(Box::new(error)))
    }
}

/// The field of a type's name; `None` for a spelling that only DataFusion has.
fn field_of_type(sql_type: &SqlType) -> Result<Option<FieldRef>, Error> {
    let (pg_type, typmod) = match sql_type {
        SqlType::Array(
            ArrayElemTypeDef::SquareBracket(element, _) | ArrayElemTypeDef::AngleBracket(element),
        ) => match base_type(innermost(element))? {
            Some((base, typmod)) => (PgType::Array(base), typmod),
            None => return Ok(None),
        },
        other => match array_name(other) {
            Some(element) => (PgType::Array(element), NO_TYPMOD),
            None => match base_type(other)? {
                Some((base, typmod)) => (PgType::Scalar(base), typmod),
                None => return Ok(None),
            },
        },
    };
    let field = field_of(&pg_type.name(), pg_type, typmod);
    let missing = || Error::unsupported(format_args!("a value of type {sql_type}"));
    field.map(|field| Some(Arc::new(field))).ok_or_else(missing)
}

/// PostgreSQL's arrays have no fixed number of dimensions.
fn innermost(element: &SqlType) -> &SqlType {
    match element {
        SqlType::Array(
            ArrayElemTypeDef::SquareBracket(inner, _) | ArrayElemTypeDef::AngleBracket(inner),
        ) => innermost(inner),
        other => other,
    }
}

fn base_type(sql_type: &SqlType) -> Result<Option<(BaseType, i32)>, Error> {
    use SqlType as Sql;
    let plain = |base: BaseType| (base, NO_TYPMOD);
    Ok(Some(match sql_type {
        Sql::Bool | Sql::Boolean => plain(BaseType::Bool),
        Sql::SmallInt(_) | Sql::Int2(_) => plain(BaseType::Int2),
        Sql::Int(_) | Sql::Integer(_) | Sql::Int4(_) => plain(BaseType::Int4),
        Sql::BigInt(_) | Sql::Int8(_) => plain(BaseType::Int8),
        Sql::Real | Sql::Float4 => plain(BaseType::Float4),
        Sql::Float(ExactNumberInfo::Precision(1..=24)) => plain(BaseType::Float4),
        Sql::Float(_) | Sql::Float8 | Sql::Double(_) | Sql::DoublePrecision => {
            plain(BaseType::Float8)
        }
        Sql::Numeric(precision) | Sql::Decimal(precision) | Sql::Dec(precision) => {
            (BaseType::Numeric, numeric_modifier(*precision)?)
        }
        Sql::Text => plain(BaseType::Text),
        Sql::Varchar(length) | Sql::CharacterVarying(length) | Sql::CharVarying(length) => {
            (BaseType::Varchar, length_modifier(length.as_ref(), None))
        }
        Sql::Char(length) | Sql::Character(length) => {
            (BaseType::Bpchar, length_modifier(length.as_ref(), Some(1)))
        }
        Sql::Bytea => plain(BaseType::Bytea),
        Sql::Uuid => plain(BaseType::Uuid),
        Sql::JSON => plain(BaseType::Json),
        Sql::JSONB => plain(BaseType::Jsonb),
        Sql::Date => plain(BaseType::Date),
        Sql::Time(_, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => plain(BaseType::Time),
        Sql::Timestamp(_, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => {
            plain(BaseType::Timestamp)
        }
        Sql::Timestamp(_, TimezoneInfo::Tz | TimezoneInfo::WithTimeZone) => {
            plain(BaseType::Timestamptz)
        }
        Sql::Time(_, TimezoneInfo::Tz | TimezoneInfo::WithTimeZone) => plain(BaseType::Timetz),
        Sql::Bit(_) | Sql::BitVarying(_) | Sql::VarBit(_) => {
            return Err(Error::unsupported("a value of type bit"));
        }
        Sql::Interval { .. } => plain(BaseType::Interval),
        Sql::Regclass => plain(BaseType::Regclass),
        Sql::Custom(name, modifiers) => return custom(name, modifiers).map(Some),
        _ => return Ok(None),
    }))
}

/// A type that the parser has no word for: `oid`, `pg_catalog.regtype`, `"char"`.
fn custom(name: &ObjectName, modifiers: &[String]) -> Result<(BaseType, i32), Error> {
    let undefined =
        || Error::new(ErrorKind::UndefinedObject, format!("type \"{name}\" does not exist"));
    let name = system_name(name).ok_or_else(undefined)?;
    let base = BaseType::ALL.iter().copied().find(|base| base.name() == name);
    let lengths: Vec<u64> = modifiers.iter().filter_map(|modifier| modifier.parse().ok()).collect();
    let base = match base {
        None if is_type_elsewhere(&name) => {
            return Err(Error::unsupported(format_args!("a value of type {name}")));
        }
        base => base.ok_or_else(undefined)?,
    };
    let typmod = match (base, lengths.as_slice()) {
        (BaseType::Varchar | BaseType::Bpchar, [length]) => length_modifier(
            Some(&CharacterLength::IntegerLength { length: *length, unit: None }),
            None,
        ),
        (BaseType::Numeric, [precision]) => {
            numeric_modifier(ExactNumberInfo::Precision(*precision))?
        }
        _ => NO_TYPMOD,
    };
    Ok((base, typmod))
}

/// `_int4`, the other name of `integer[]`.
fn array_name(sql_type: &SqlType) -> Option<BaseType> {
    let SqlType::Custom(name, _) = sql_type else { return None };
    let name = system_name(name)?;
    let element = name.strip_prefix('_')?;
    BaseType::ALL.iter().copied().find(|base| base.name() == element)
}

/// The name, folded, of a type in `pg_catalog`.
fn system_name(name: &ObjectName) -> Option<String> {
    let parts: Option<Vec<String>> = name
        .0
        .iter()
        .map(|part| {
            let ident = part.as_ident()?;
            Some(match ident.quote_style {
                Some(_) => ident.value.clone(),
                None => ident.value.to_lowercase(),
            })
        })
        .collect();
    match parts?.as_slice() {
        [name] => Some(name.clone()),
        [schema, name] if schema == "pg_catalog" => Some(name.clone()),
        _ => None,
    }
}

fn length_modifier(length: Option<&CharacterLength>, default: Option<u32>) -> i32 {
    let length = match length {
        Some(CharacterLength::IntegerLength { length, .. }) => u32::try_from(*length).ok(),
        Some(CharacterLength::Max) => None,
        None => default,
    };
    length.map_or(NO_TYPMOD, character_typmod)
}

fn numeric_modifier(info: ExactNumberInfo) -> Result<i32, Error> {
    let (precision, scale) = match info {
        ExactNumberInfo::None => return Ok(NO_TYPMOD),
        ExactNumberInfo::Precision(precision) => (precision, 0),
        ExactNumberInfo::PrecisionAndScale(precision, scale) => (precision, scale),
    };
    match (u8::try_from(precision), i8::try_from(scale)) {
        (Ok(precision @ 1..=38), Ok(scale)) => Ok(numeric_typmod(precision, scale)),
        _ => {
            let message = format!("numeric precision {precision} must be between 1 and 38");
            Err(Error::new(ErrorKind::InvalidParameterValue, message))
        }
    }
}
