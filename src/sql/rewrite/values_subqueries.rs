//! `x IN (VALUES (1), (2))` becomes `x IN (SELECT * FROM (VALUES (1), (2)) AS "values")`: the planner wants a SELECT, whose
//! first column it can name.

use sqlparser::ast::{Expr, Query, SetExpr};

use super::made_query;
use crate::base::Result;
use crate::sql::selects::selects;

pub fn rewrite(expression: &mut Expr) -> Result<()> {
    match expression {
        Expr::InSubquery { subquery, .. } => selected(subquery),
        Expr::AnyOp { right, .. } | Expr::AllOp { right, .. } => match right.as_mut() {
            Expr::Subquery(subquery) => selected(subquery),
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

fn selected(subquery: &mut Box<Query>) -> Result<()> {
    if !matches!(subquery.body.as_ref(), SetExpr::Values(_)) {
        return Ok(());
    }
    let mut query = made_query("SELECT * FROM (VALUES (0)) AS \"values\"")?;
    for select in selects(&mut query.body) {
        for from in &mut select.from {
            if let sqlparser::ast::TableFactor::Derived { subquery: values, .. } =
                &mut from.relation
            {
                std::mem::swap(values, subquery);
            }
        }
    }
    *subquery = query;
    Ok(())
}
