//! `x IN (VALUES (1), (2))` becomes `x IN (SELECT * FROM (VALUES (1), (2)) AS "values")`: the planner wants a SELECT, whose
//! first column it can name.

use sqlparser::ast::{Expr, Query, SetExpr};

use super::made_query_over;
use crate::base::Result;

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

fn selected(subquery: &mut Query) -> Result<()> {
    if matches!(subquery.body.as_ref(), SetExpr::Values(_)) {
        let text = "SELECT * FROM (SELECT 1) AS \"values\"";
        *subquery = *made_query_over(text, subquery.clone())?;
    }
    Ok(())
}
