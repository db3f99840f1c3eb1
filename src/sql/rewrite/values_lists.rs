//! In a column of VALUES where one row tells a type, `DATE '2024-02-29'` or `'1'::bigint`, the strings of the
//! other rows are read as that type, as PostgreSQL reads them: the planner takes them for text.

use sqlparser::ast::{
    CastKind, DataType, ExactNumberInfo, Expr, Query, SetExpr, TypedString, UnaryOperator, Value,
};

use super::take;
use crate::base::Result;

pub fn rewrite(query: &mut Query) -> Result<()> {
    let SetExpr::Values(values) = query.body.as_mut() else { return Ok(()) };
    let columns = values.rows.first().map_or(0, |row| row.content.len());
    for column in 0..columns {
        let told = values.rows.iter().find_map(|row| row.content.get(column).and_then(type_of));
        let Some(told) = told.cloned() else { continue };
        for value in values.rows.iter_mut().filter_map(|row| row.content.get_mut(column)) {
            if is_string(value) || takes_numbers(&told) && is_number(value) {
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

fn type_of(value: &Expr) -> Option<&DataType> {
    match value {
        Expr::TypedString(TypedString { data_type, .. }) | Expr::Cast { data_type, .. } => {
            Some(data_type)
        }
        _ => None,
    }
}

/// Beside a floating point number a constant is one, too; the planner would make both decimals. And it wants one
/// kind of `numeric` in a column.
fn takes_numbers(told: &DataType) -> bool {
    matches!(
        told,
        DataType::Float8
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

fn is_string(value: &Expr) -> bool {
    matches!(value, Expr::Value(value) if matches!(value.value, Value::SingleQuotedString(_)))
}
