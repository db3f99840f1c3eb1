//! `@ x`, `|/ x`, `||/ x` and `~ x` become `abs(x)`, `sqrt(x)`, `cbrt(x)` and `bitwise_not(x)`: the planner has no such operators.

use sqlparser::ast::{Expr, UnaryOperator};

use super::{call, take};
use crate::base::Result;

pub fn rewrite(expression: &mut Expr) -> Result<()> {
    let Expr::UnaryOp { op, expr } = expression else { return Ok(()) };
    let function = match op {
        UnaryOperator::PGAbs => "abs",
        UnaryOperator::PGSquareRoot => "sqrt",
        UnaryOperator::PGCubeRoot => "cbrt",
        UnaryOperator::BitwiseNot => "bitwise_not",
        _ => return Ok(()),
    };
    *expression = call(function, vec![take(expr)]);
    Ok(())
}
