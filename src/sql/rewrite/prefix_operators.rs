//! `@ x`, `|/ x`, `||/ x` and `~ x` become `abs(x)`, `sqrt(x)`, `cbrt(x)` and `bitwise_not(x)`: the planner has no such operators.

use sqlparser::ast::{CastKind, DataType, Expr, UnaryOperator};

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
    let operand = take(expr);
    // PostgreSQL has the roots for `double precision` alone.
    let operand = match function {
        "sqrt" => Expr::Cast {
            kind: CastKind::DoubleColon,
            expr: Box::new(operand),
            data_type: DataType::DoublePrecision,
            array: false,
            format: None,
        },
        _ => operand,
    };
    *expression = call(function, vec![operand]);
    Ok(())
}
