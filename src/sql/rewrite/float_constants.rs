//! `1e100::float8` becomes `'1e100'::float8`: the planner reads a constant with a point or an exponent as a
//! decimal, and the way from there to a float rounds twice.

use sqlparser::ast::{DataType, Expr, Value};

use crate::base::Result;

pub fn rewrite(expression: &mut Expr) -> Result<()> {
    let Expr::Cast { expr, data_type, .. } = expression else { return Ok(()) };
    let is_float = matches!(
        data_type,
        DataType::Float(_)
            | DataType::Float4
            | DataType::Float8
            | DataType::Real
            | DataType::Double(_)
            | DataType::DoublePrecision
    );
    if let Expr::Value(constant) = expr.as_mut()
        && let Value::Number(digits, _) = &mut constant.value
        && is_float
    {
        constant.value = Value::SingleQuotedString(std::mem::take(digits));
    }
    Ok(())
}
