//! `x LIKE ANY (ARRAY['a%', 'b%'])` becomes `x LIKE 'a%' OR x LIKE 'b%'`: the planner has no LIKE ANY. An array
//! that is not written out stays, and the planner refuses it.

use sqlparser::ast::{BinaryOperator, Expr};

use super::take;
use crate::base::Result;
use crate::sql::dialect::joined;

pub fn rewrite(expression: &mut Expr) -> Result<()> {
    let (Expr::Like { any, pattern, .. } | Expr::ILike { any, pattern, .. }) = expression else {
        return Ok(());
    };
    if !*any {
        return Ok(());
    }
    let Some(patterns) = written_out(pattern) else { return Ok(()) };
    let alternatives = patterns.into_iter().map(|one| {
        let mut like = expression.clone();
        if let Expr::Like { any, pattern, .. } | Expr::ILike { any, pattern, .. } = &mut like {
            *any = false;
            **pattern = one;
        }
        like
    });
    let either = joined(alternatives.collect(), &BinaryOperator::Or);
    if let Some(either) = either {
        *expression = Expr::Nested(Box::new(either));
    }
    Ok(())
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
