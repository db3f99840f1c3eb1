//! `x LIKE ANY (ARRAY['a%', 'b%'])` becomes `x LIKE 'a%' OR x LIKE 'b%'`, and with ALL it becomes `x LIKE 'a%' AND
//! x LIKE 'b%'`: the planner has neither. An array that is not written out stays, and the planner refuses it.

use sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments,
};

use super::take;
use crate::base::Result;
use crate::sql::dialect::joined;

pub fn rewrite(expression: &mut Expr) -> Result<()> {
    let (Expr::Like { any, pattern, .. } | Expr::ILike { any, pattern, .. }) = expression else {
        return Ok(());
    };
    let (patterns, between) = match pattern.as_mut() {
        _ if *any => (written_out(pattern), BinaryOperator::Or),
        Expr::Function(function) => (all_of(function), BinaryOperator::And),
        _ => return Ok(()),
    };
    let Some(patterns) = patterns else { return Ok(()) };
    let alternatives = patterns.into_iter().map(|one| {
        let mut like = expression.clone();
        if let Expr::Like { any, pattern, .. } | Expr::ILike { any, pattern, .. } = &mut like {
            *any = false;
            **pattern = one;
        }
        like
    });
    if let Some(together) = joined(alternatives.collect(), &between) {
        *expression = Expr::Nested(Box::new(together));
    }
    Ok(())
}

/// The patterns of `ALL (…)`, which is parsed as a call.
fn all_of(function: &mut Function) -> Option<Vec<Expr>> {
    let FunctionArguments::List(list) = &mut function.args else { return None };
    let is_all = function.name.to_string().eq_ignore_ascii_case("all");
    match list.args.as_mut_slice() {
        [FunctionArg::Unnamed(FunctionArgExpr::Expr(array @ Expr::Array(_)))] if is_all => {
            written_out(array)
        }
        _ => None,
    }
}

fn written_out(pattern: &mut Expr) -> Option<Vec<Expr>> {
    match pattern {
        Expr::Nested(inner) => match &mut **inner {
            Expr::Array(array) => Some(std::mem::take(&mut array.elem)),
            one => Some(vec![take(one)]),
        },
        Expr::Array(array) => Some(std::mem::take(&mut array.elem)),
        Expr::Tuple(patterns) => Some(std::mem::take(patterns)),
        row => super::row_values::fields(row),
    }
}
