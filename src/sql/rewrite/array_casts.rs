//! `ARRAY[a, b]::t[]` becomes `ARRAY[a::t, b::t]::t[]`, as PostgreSQL reads it: a string among the elements is read as a
//! value of `t`. The planner would make an array of texts and cast that.

use sqlparser::ast::{ArrayElemTypeDef, CastKind, DataType, Expr};

use super::{cast, take};
use crate::base::Result;

pub fn rewrite(expression: &mut Expr) -> Result<()> {
    if let Expr::Cast { kind: CastKind::Cast | CastKind::DoubleColon, expr, data_type, .. } =
        expression
        && let Some(element) = innermost(data_type)
    {
        cast_elements(expr, element);
    }
    Ok(())
}

/// The type of the elements of an array type, which has any number of dimensions.
fn innermost(data_type: &DataType) -> Option<&DataType> {
    match data_type {
        DataType::Array(
            ArrayElemTypeDef::SquareBracket(element, _)
            | ArrayElemTypeDef::AngleBracket(element)
            | ArrayElemTypeDef::Parenthesis(element),
        ) => Some(innermost(element).unwrap_or(element)),
        _ => None,
    }
}

fn cast_elements(expression: &mut Expr, element: &DataType) {
    match expression {
        Expr::Nested(inner) => cast_elements(inner, element),
        Expr::Array(array) => {
            for value in &mut array.elem {
                match value {
                    Expr::Array(_) => cast_elements(value, element),
                    _ => *value = cast(Expr::Nested(Box::new(take(value))), element.clone()),
                }
            }
        }
        _ => {}
    }
}
