//! `x = ANY (array)` becomes a call of a function named after operator and quantifier: the planner's own
//! takes NULLs among the elements for no elements. Matching operators become a test of every element,
//! `any_true(array_transform(array, e -> x ~ e))`.

use sqlparser::ast::{BinaryOperator, Expr, Ident};

use super::set_functions::lambda;
use super::{call, take};
use crate::base::Result;

/// The functions that stand for one comparison with the elements of an array. No user can name them.
#[derive(Debug)]
pub struct Names {
    pub any: &'static str,
    pub all: &'static str,
}

/// `=`, `<>`, `<`, `<=`, `>`, `>=`.
pub const QUANTIFIED: [Names; 6] = [
    Names { any: "= any", all: "= all" },
    Names { any: "<> any", all: "<> all" },
    Names { any: "< any", all: "< all" },
    Names { any: "<= any", all: "<= all" },
    Names { any: "> any", all: "> all" },
    Names { any: ">= any", all: ">= all" },
];

const ELEMENT: &str = "__element";

pub fn rewrite(expression: &mut Expr) -> Result<()> {
    let (left, operator, right, is_all) = match expression {
        Expr::AnyOp { left, compare_op, right, .. } => (left, compare_op, right, false),
        Expr::AllOp { left, compare_op, right } => (left, compare_op, right, true),
        _ => return Ok(()),
    };
    if is_query(right) || matches!(left.as_ref(), Expr::Tuple(_)) {
        return Ok(());
    }
    if let Some(index) = comparison(operator)
        && let Some(names) = QUANTIFIED.get(index)
    {
        let name = if is_all { names.all } else { names.any };
        *expression = call(name, vec![take(left), take(right)]);
        return Ok(());
    }
    if is_match(operator) {
        let element = Ident::new(ELEMENT);
        let matches = Expr::BinaryOp {
            left: Box::new(Expr::Nested(Box::new(take(left)))),
            op: operator.clone(),
            right: Box::new(Expr::Identifier(element.clone())),
        };
        let truths = call("array_transform", vec![take(right), lambda(element, matches)]);
        *expression = call(if is_all { "all_true" } else { "any_true" }, vec![truths]);
    }
    Ok(())
}

fn is_query(expression: &Expr) -> bool {
    match expression {
        Expr::Subquery(_) => true,
        Expr::Nested(inner) => is_query(inner),
        _ => false,
    }
}

fn comparison(operator: &BinaryOperator) -> Option<usize> {
    match operator {
        BinaryOperator::Eq => Some(0),
        BinaryOperator::NotEq => Some(1),
        BinaryOperator::Lt => Some(2),
        BinaryOperator::LtEq => Some(3),
        BinaryOperator::Gt => Some(4),
        BinaryOperator::GtEq => Some(5),
        _ => None,
    }
}

fn is_match(operator: &BinaryOperator) -> bool {
    use BinaryOperator::*;
    matches!(
        operator,
        PGRegexMatch
            | PGRegexIMatch
            | PGRegexNotMatch
            | PGRegexNotIMatch
            | PGLikeMatch
            | PGILikeMatch
            | PGNotLikeMatch
            | PGNotILikeMatch
            | PGStartsWith
    )
}
