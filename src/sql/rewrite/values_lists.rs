//! In a column of VALUES where one row tells a type, `DATE '2024-02-29'` or `'1'::bigint`, the strings of the
//! other rows are read as that type, as PostgreSQL reads them: the planner takes them for text. Of several types of
//! numbers the widest is that of the column.

use sqlparser::ast::{
    CastKind, DataType, ExactNumberInfo, Expr, Query, SelectItem, SetExpr, TypedString,
    UnaryOperator, Value,
};

use super::{numeric_constants, take};
use crate::base::{Error, ErrorKind, Result};

pub fn rewrite(query: &mut Query) -> Result<()> {
    let SetExpr::Values(values) = query.body.as_mut() else { return Ok(()) };
    let columns = values.rows.first().map_or(0, |row| row.content.len());
    for column in 0..columns {
        let all = || values.rows.iter().filter_map(|row| row.content.get(column));
        let told = all().filter_map(type_of);
        // The first of the widest.
        let widest = told.reduce(|one, other| if rank(other) > rank(one) { other } else { one });
        let is_mixed = widest.is_some_and(|widest| {
            all().filter_map(type_of).any(|told| rank(told).is_some() && rank(told) < rank(widest))
        });
        let among_numbers = || match (all().any(is_string), all().any(is_decimal)) {
            (true, true) => Some(NUMERIC),
            (true, false) => all().any(is_integer).then_some(INTEGER),
            (false, _) => None,
        };
        // Constants have the digits that they are written with.
        let by_constants = widest.is_none();
        let Some(told) = widest.cloned().or_else(among_numbers) else { continue };
        for value in values.rows.iter_mut().filter_map(|row| row.content.get_mut(column)) {
            let is_narrower = is_mixed && type_of(value).is_some_and(|own| rank(own) < rank(&told));
            let is_told_number = takes_numbers(&told) && is_number(value) && !by_constants
                || told == INTEGER && is_integer(value);
            if told == NUMERIC && by_constants {
                if let Some(text) = text_of(value) {
                    *value = numeric_constants::decimal(text).ok_or_else(|| no_decimal(text))?;
                }
                continue;
            }
            if is_string(value) || is_null(value) || is_narrower || is_told_number {
                *value = Expr::Cast {
                    kind: CastKind::DoubleColon,
                    expr: Box::new(take(value)),
                    data_type: told.clone(),
                    array: false,
                    format: None,
                };
            }
        }
    }
    Ok(())
}

/// A text that no decimal has.
fn no_decimal(text: &str) -> Error {
    match text.trim().trim_start_matches(['+', '-']).to_ascii_lowercase().as_str() {
        "nan" | "inf" | "infinity" => {
            Error::unsupported(format_args!("the numeric value \"{text}\""))
                .with_hint("Use double precision for values that are not numbers.")
        }
        _ => {
            let message = format!("invalid input syntax for type numeric: \"{text}\"");
            Error::new(ErrorKind::InvalidTextRepresentation, message)
        }
    }
}

const INTEGER: DataType = DataType::Integer(None);
const NUMERIC: DataType = DataType::Numeric(ExactNumberInfo::None);

/// How wide a type of numbers is: a narrower one becomes a wider one beside it.
fn rank(data_type: &DataType) -> Option<u8> {
    Some(match data_type {
        DataType::SmallInt(_) | DataType::Int2(_) => 0,
        DataType::Int(_) | DataType::Integer(_) | DataType::Int4(_) => 1,
        DataType::BigInt(_) | DataType::Int8(_) => 2,
        DataType::Numeric(_) | DataType::Decimal(_) | DataType::Dec(_) => 3,
        DataType::Real | DataType::Float4 => 4,
        DataType::DoublePrecision | DataType::Double(_) | DataType::Float8 => 5,
        _ => return None,
    })
}

fn type_of(value: &Expr) -> Option<&DataType> {
    match value {
        Expr::TypedString(TypedString { data_type, .. }) | Expr::Cast { data_type, .. } => {
            Some(data_type)
        }
        Expr::Nested(inner) => type_of(inner),
        // Of a subquery that selects such a value.
        Expr::Subquery(query) => match query.body.as_ref() {
            SetExpr::Select(select) => match select.projection.as_slice() {
                [
                    SelectItem::UnnamedExpr(value) | SelectItem::ExprWithAlias { expr: value, .. },
                ] => type_of(value),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

/// Beside a floating point number a constant is one, too; the planner would make both decimals. And it wants one
/// kind of `numeric` in a column.
fn takes_numbers(told: &DataType) -> bool {
    matches!(
        told,
        DataType::Real
            | DataType::Float4
            | DataType::Float8
            | DataType::DoublePrecision
            | DataType::Double(_)
            | DataType::Float(_)
            | DataType::Numeric(ExactNumberInfo::None)
            | DataType::Decimal(ExactNumberInfo::None)
    )
}

fn is_number(value: &Expr) -> bool {
    match value {
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => is_number(expr),
        Expr::Value(value) => matches!(value.value, Value::Number(_, _)),
        _ => false,
    }
}

/// Whether a constant fits 32 bits.
fn is_integer(value: &Expr) -> bool {
    match value {
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => is_integer(expr),
        Expr::Value(value) => {
            matches!(&value.value, Value::Number(digits, _) if digits.parse::<i32>().is_ok())
        }
        _ => false,
    }
}

/// Whether a constant has a point.
fn is_decimal(value: &Expr) -> bool {
    match value {
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => is_decimal(expr),
        Expr::Value(value) => {
            matches!(&value.value, Value::Number(digits, _) if digits.contains('.'))
        }
        _ => false,
    }
}

fn text_of(value: &Expr) -> Option<&str> {
    match value {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

fn is_null(value: &Expr) -> bool {
    matches!(value, Expr::Value(value) if matches!(value.value, Value::Null))
}

fn is_string(value: &Expr) -> bool {
    matches!(value, Expr::Value(value) if matches!(value.value, Value::SingleQuotedString(_)))
}
