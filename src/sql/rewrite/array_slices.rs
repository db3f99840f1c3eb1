//! `a[2:]` and `a[:2]` become slices with both bounds, which the planner wants: a slice beyond the array ends with
//! it. Those of several dimensions become calls of `array_slices`. And `array_replace` replaces every element that is equal.

use sqlparser::ast::{AccessExpr, Expr, Ident, ObjectName, Subscript, Value};

use super::{call, take};
use crate::base::Result;

pub fn rewrite(expression: &mut Expr) -> Result<()> {
    match expression {
        Expr::CompoundFieldAccess { root, access_chain } => {
            if let Some(bounds) = in_dimensions(access_chain) {
                let mut arguments = vec![take(root)];
                arguments.extend(bounds);
                *expression = call("array_slices", arguments);
                return Ok(());
            }
            for access in access_chain {
                if let AccessExpr::Subscript(Subscript::Slice {
                    lower_bound, upper_bound, ..
                }) = access
                {
                    lower_bound.get_or_insert_with(|| number(FIRST));
                    upper_bound.get_or_insert_with(|| number(LAST));
                }
            }
        }
        Expr::Function(function)
            if function.name.to_string().eq_ignore_ascii_case("array_replace") =>
        {
            function.name = ObjectName::from(vec![Ident::new("array_replace_all")]);
        }
        _ => {}
    }
    Ok(())
}

/// The bounds of each dimension, where there are several and one is a slice: then all are, and `[n]` is `[1:n]`.
fn in_dimensions(accesses: &[AccessExpr]) -> Option<Vec<Expr>> {
    let subscripts = accesses.iter().map(|access| match access {
        AccessExpr::Subscript(subscript) => Some(subscript),
        AccessExpr::Dot(_) => None,
    });
    let subscripts = subscripts.collect::<Option<Vec<_>>>()?;
    let is_slice = |subscript: &&Subscript| matches!(subscript, Subscript::Slice { .. });
    if subscripts.len() < 2 || !subscripts.iter().any(is_slice) {
        return None;
    }
    let bounds = subscripts.into_iter().flat_map(|subscript| match subscript {
        Subscript::Index { index } => [number(FIRST), index.clone()],
        Subscript::Slice { lower_bound, upper_bound, .. } => [
            lower_bound.clone().unwrap_or_else(|| number(FIRST)),
            upper_bound.clone().unwrap_or_else(|| number(LAST)),
        ],
    });
    Some(bounds.collect())
}

const FIRST: &str = "1";
const LAST: &str = "2147483647";

fn number(digits: &str) -> Expr {
    Expr::value(Value::Number(digits.to_owned(), false))
}
