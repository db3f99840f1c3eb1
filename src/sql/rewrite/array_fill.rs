//! `array_fill(x, ARRAY[2, 3])` becomes `array_repeat(array_repeat(x, 3), 2)`: the planner must know how many
//! dimensions there are.

use sqlparser::ast::{Expr, FunctionArg, FunctionArgExpr, FunctionArguments};

use super::{call, take};
use crate::base::{Error, Result};

pub fn rewrite(expression: &mut Expr) -> Result<()> {
    let Expr::Function(function) = expression else { return Ok(()) };
    if !function.name.to_string().eq_ignore_ascii_case("array_fill") {
        return Ok(());
    }
    let FunctionArguments::List(list) = &mut function.args else { return Ok(()) };
    let (value, lengths) = match list.args.as_mut_slice() {
        [
            FunctionArg::Unnamed(FunctionArgExpr::Expr(value)),
            FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Array(lengths))),
        ] => (take(value), std::mem::take(&mut lengths.elem)),
        [_, _] => {
            return Err(Error::unsupported("array_fill with lengths that are not written out")
                .with_hint("Write the lengths as ARRAY[…]."));
        }
        [_, _, _] => return Err(Error::unsupported("array_fill with lower bounds")),
        _ => return Ok(()),
    };
    let filled = lengths
        .into_iter()
        .rev()
        .fold(value, |inner, length| call("array_repeat", vec![inner, length]));
    *expression = filled;
    Ok(())
}
