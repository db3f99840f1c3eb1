//! `x::timestamp(p)`, `x::time(p)` and `x::interval(p)` become `datetime_rounded(x::timestamp, p)`: the planner
//! has no precision of these types.

use sqlparser::ast::{DataType, Expr, TypedString, Value};

use super::{call, take};
use crate::base::Result;

pub fn rewrite(expression: &mut Expr) -> Result<()> {
    let (Expr::Cast { data_type, .. } | Expr::TypedString(TypedString { data_type, .. })) =
        expression
    else {
        return Ok(());
    };
    let (DataType::Timestamp(precision, _)
    | DataType::Time(precision, _)
    | DataType::Interval { precision, .. }) = data_type
    else {
        return Ok(());
    };
    let Some(digits) = precision.take() else { return Ok(()) };
    let digits = Expr::value(Value::Number(digits.to_string(), false));
    *expression = call("datetime_rounded", vec![take(expression), digits]);
    Ok(())
}
