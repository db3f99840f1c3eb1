//! `array_upper(a, d)` becomes `array_length(a, d)`: every array here begins at 1. And `array_lower(a, d)`
//! becomes `array_length(a, d) / array_length(a, d)`, which is 1, or NULL where there is no such dimension.

use sqlparser::ast::{BinaryOperator, Expr, Ident, ObjectName};

use super::take;
use crate::base::Result;

pub fn rewrite(expression: &mut Expr) -> Result<()> {
    let Expr::Function(function) = expression else { return Ok(()) };
    let is = |name: &str| {
        function.name.0.len() == 1 && function.name.to_string().eq_ignore_ascii_case(name)
    };
    let (is_upper, is_lower) = (is("array_upper"), is("array_lower"));
    if is_upper || is_lower {
        function.name = ObjectName::from(vec![Ident::new("array_length")]);
    }
    if is_lower {
        let length = Box::new(take(expression));
        let quotient =
            Expr::BinaryOp { left: length.clone(), op: BinaryOperator::Divide, right: length };
        *expression = Expr::Nested(Box::new(quotient));
    }
    Ok(())
}
