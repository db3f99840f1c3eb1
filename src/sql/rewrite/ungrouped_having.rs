//! `SELECT 1 FROM t HAVING 1 < 2` has one group, of all rows: HAVING groups without GROUP BY and without an aggregate.
//! The planner sees a group where an aggregate stands, so that the condition becomes `(1 < 2) AND count(*) >= 0`.

use sqlparser::ast::{BinaryOperator, Expr, GroupByExpr, Query, Value};

use super::{call, take};
use crate::base::Result;
use crate::sql::selects::selects;

pub fn rewrite(query: &mut Query) -> Result<()> {
    for select in selects(&mut query.body) {
        let is_grouped = match &select.group_by {
            GroupByExpr::Expressions(keys, modifiers) => !keys.is_empty() || !modifiers.is_empty(),
            GroupByExpr::All(_) => true,
        };
        if let Some(having) = select.having.as_mut().filter(|_| !is_grouped) {
            let rows = call("count", vec![number("1")]);
            let condition = Expr::Nested(Box::new(take(having)));
            *having =
                both(condition, BinaryOperator::And, both(rows, BinaryOperator::GtEq, number("0")));
        }
    }
    Ok(())
}

fn number(digits: &str) -> Expr {
    Expr::value(Value::Number(digits.to_owned(), false))
}

fn both(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) }
}
