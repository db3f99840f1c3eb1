//! `x LIKE p ESCAPE e` becomes `x LIKE like_escape(p, e)`, which is how PostgreSQL defines it, and
//! `x SIMILAR TO p` becomes `similar_to(x, p)`: the planner's has another meaning.

use sqlparser::ast::{Expr, UnaryOperator, ValueWithSpan};

use super::{call, take};
use crate::base::Result;

pub fn rewrite(expression: &mut Expr) -> Result<()> {
    match expression {
        Expr::Like { pattern, escape_char, .. } | Expr::ILike { pattern, escape_char, .. } => {
            if let Some(escape) = escape_char.take() {
                **pattern = call("like_escape", vec![take(pattern), constant(escape)]);
            }
        }
        Expr::SimilarTo { negated, expr, pattern, escape_char } => {
            let is_negated = *negated;
            let mut arguments = vec![take(expr), take(pattern)];
            arguments.extend(escape_char.take().map(constant));
            let similar = call("similar_to", arguments);
            *expression = match is_negated {
                true => Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(similar) },
                false => similar,
            };
        }
        _ => {}
    }
    Ok(())
}

fn constant(value: ValueWithSpan) -> Expr {
    Expr::Value(value)
}
