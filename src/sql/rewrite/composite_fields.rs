//! `(row).field` becomes `get_field(row, 'field')`: the planner has field access by subscript only.

use sqlparser::ast::{AccessExpr, Expr, Value};

use super::{call, take};
use crate::base::Result;

pub fn rewrite(expression: &mut Expr) -> Result<()> {
    let Expr::CompoundFieldAccess { root, access_chain } = expression else { return Ok(()) };
    let is_field = |access: &AccessExpr| matches!(access, AccessExpr::Dot(Expr::Identifier(_)));
    if !access_chain.iter().all(is_field) {
        return Ok(());
    }
    let mut value = take(root);
    for access in std::mem::take(access_chain) {
        if let AccessExpr::Dot(Expr::Identifier(field)) = access {
            let name = match field.quote_style {
                Some(_) => field.value,
                None => field.value.to_lowercase(),
            };
            value = call("get_field", vec![value, Expr::value(Value::SingleQuotedString(name))]);
        }
    }
    *expression = value;
    Ok(())
}
