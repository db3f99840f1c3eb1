//! `LATERAL (SELECT a.id)` gives a column named `id`: the planner would name it after the reference.

use sqlparser::ast::{Expr, SelectItem, SetExpr, TableFactor};

use crate::base::Result;

pub fn rewrite(factor: &mut TableFactor) -> Result<()> {
    if let TableFactor::Derived { lateral: true, subquery, .. } = factor {
        name_columns(&mut subquery.body);
    }
    Ok(())
}

fn name_columns(body: &mut SetExpr) {
    match body {
        SetExpr::Select(select) => select.projection.iter_mut().for_each(|item| {
            let SelectItem::UnnamedExpr(expr) = item else { return };
            let alias = match &expr {
                Expr::Identifier(name) => Some(name.clone()),
                Expr::CompoundIdentifier(names) => names.last().cloned(),
                _ => None,
            };
            if let Some(alias) = alias {
                *item = SelectItem::ExprWithAlias { expr: super::take(expr), alias };
            }
        }),
        // The first query of a set operation names its columns.
        SetExpr::SetOperation { left, .. } => name_columns(left),
        SetExpr::Query(query) => name_columns(&mut query.body),
        SetExpr::Values(_)
        | SetExpr::Insert(_)
        | SetExpr::Update(_)
        | SetExpr::Delete(_)
        | SetExpr::Merge(_)
        | SetExpr::Table(_) => {}
    }
}
