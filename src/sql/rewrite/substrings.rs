//! `SUBSTRING(x FROM a FOR b)` becomes `substr(x, a, b)`: the planner's function takes texts only.

use sqlparser::ast::{Expr, Value};

use super::{call, take};
use crate::base::Result;

pub fn rewrite(expression: &mut Expr) -> Result<()> {
    let Expr::Substring { expr, substring_from, substring_for, .. } = expression else {
        return Ok(());
    };
    let value = take(expr);
    let one = || Expr::value(Value::Number("1".to_owned(), false));
    let mut arguments = vec![value];
    match (substring_from, substring_for) {
        (None, None) => return Ok(()),
        (Some(from), None) => arguments.push(take(from)),
        (from, Some(length)) => {
            arguments.push(from.as_mut().map_or_else(one, |from| take(from)));
            arguments.push(take(length));
        }
    }
    *expression = call("substr", arguments);
    Ok(())
}
