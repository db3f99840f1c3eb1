//! `array_upper(a, d)` becomes `nullif(array_length(a, d), 0)`: every array here begins at 1, and an empty
//! one has no bounds. `array_lower(a, d)` becomes that divided by itself: 1, or NULL where there is none.

use sqlparser::ast::{BinaryOperator, Expr, Ident, ObjectName, Value};

use super::{call, take};
use crate::base::Result;

pub fn rewrite(expression: &mut Expr) -> Result<()> {
    let Expr::Function(function) = expression else { return Ok(()) };
    let is = |name: &str| {
        function.name.0.len() == 1 && function.name.to_string().eq_ignore_ascii_case(name)
    };
    let (is_upper, is_lower) = (is("array_upper"), is("array_lower"));
    if !is_upper && !is_lower {
        return Ok(());
    }
    function.name = ObjectName::from(vec![Ident::new("array_length")]);
    let zero = Expr::value(Value::Number("0".to_owned(), false));
    let length = take(expression);
    let upper = call("nullif", vec![length, zero]);
    *expression = match is_upper {
        true => upper,
        false => {
            let upper = Box::new(upper);
            let (left, right) = (upper.clone(), upper);
            let quotient = Expr::BinaryOp { left, op: BinaryOperator::Divide, right };
            Expr::Nested(Box::new(quotient))
        }
    };
    Ok(())
}
