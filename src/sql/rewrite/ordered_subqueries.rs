//! A subquery of FROM or WITH that is sorted gives its rows in that order, as in PostgreSQL: the planner would drop the
//! ORDER BY, except where it decides which rows there are. `OFFSET 0` says that it does.

use sqlparser::ast::{Expr, LimitClause, Offset, OffsetRows, Query, TableFactor, Value};

use crate::base::Result;

pub fn in_relation(factor: &mut TableFactor) -> Result<()> {
    if let TableFactor::Derived { lateral: false, subquery, .. } = factor {
        keep_order(subquery);
    }
    Ok(())
}

pub fn in_query(query: &mut Query) -> Result<()> {
    if let Some(with) = query.with.as_mut().filter(|with| !with.recursive) {
        with.cte_tables.iter_mut().for_each(|item| keep_order(&mut item.query));
    }
    Ok(())
}

fn keep_order(query: &mut Query) {
    if query.order_by.is_none() || query.fetch.is_some() {
        return;
    }
    let zero =
        Offset { value: Expr::value(Value::Number("0".to_owned(), false)), rows: OffsetRows::None };
    query.limit_clause.get_or_insert(LimitClause::LimitOffset {
        limit: None,
        offset: Some(zero),
        limit_by: Vec::new(),
    });
}
