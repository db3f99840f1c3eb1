//! `FETCH FIRST n ROWS ONLY` becomes `LIMIT n`: the planner refuses FETCH. `WITH TIES` becomes
//! `QUALIFY rank() OVER (ORDER BY …) <= n`, which keeps the rows that are level with the last one. PERCENT is refused.

use sqlparser::ast::{
    BinaryOperator, Expr, LimitClause, OrderByExpr, OrderByKind, Query, Select, SelectItem,
    SetExpr, Value, WindowSpec, WindowType,
};

use super::call;
use crate::base::{Error, ErrorKind, Result};

pub fn rewrite(query: &mut Query) -> Result<()> {
    let Some(fetch) = query.fetch.take() else { return Ok(()) };
    if fetch.percent {
        return Err(Error::unsupported("FETCH FIRST with PERCENT"));
    }
    let one = || Expr::value(Value::Number("1".to_owned(), false));
    let count = fetch.quantity.unwrap_or_else(one);
    if fetch.with_ties {
        return with_ties(query, count);
    }
    match &mut query.limit_clause {
        None => {
            query.limit_clause = Some(LimitClause::LimitOffset {
                limit: Some(count),
                offset: None,
                limit_by: Vec::new(),
            });
            Ok(())
        }
        Some(LimitClause::LimitOffset { limit: limit @ None, .. }) => {
            *limit = Some(count);
            Ok(())
        }
        Some(_) => Err(Error::new(ErrorKind::SyntaxError, "multiple LIMIT clauses not allowed")),
    }
}

fn with_ties(query: &mut Query, count: Expr) -> Result<()> {
    let Some(OrderByKind::Expressions(order)) = query.order_by.as_ref().map(|order| &order.kind)
    else {
        let message = "WITH TIES cannot be specified without ORDER BY clause";
        return Err(Error::new(ErrorKind::SyntaxError, message));
    };
    let offset = match query.limit_clause.take() {
        None => None,
        Some(LimitClause::LimitOffset { limit: None, offset, .. }) => {
            offset.map(|offset| offset.value)
        }
        Some(_) => {
            return Err(Error::new(ErrorKind::SyntaxError, "multiple LIMIT clauses not allowed"));
        }
    };
    let SetExpr::Select(select) = query.body.as_mut() else { return Err(unsupported()) };
    if select.distinct.is_some() || select.qualify.is_some() {
        return Err(unsupported());
    }
    let keys = order.iter().map(|key| key_over(select, key)).collect::<Result<Vec<_>>>()?;
    let (mut last, mut skipped) = (count, None);
    if let Some(offset) = offset {
        last = binary(
            Expr::Nested(Box::new(last)),
            BinaryOperator::Plus,
            Expr::Nested(Box::new(offset.clone())),
        );
        let number = numbered("row_number", keys.clone());
        skipped = Some(binary(number, BinaryOperator::Gt, Expr::Nested(Box::new(offset))));
    }
    let within = binary(numbered("rank", keys), BinaryOperator::LtEq, Expr::Nested(Box::new(last)));
    select.qualify = Some(match skipped {
        Some(skipped) => binary(skipped, BinaryOperator::And, within),
        None => within,
    });
    Ok(())
}

/// A key of the order as an expression of what the query reads: an output by number or name is what it stands for.
fn key_over(select: &Select, key: &OrderByExpr) -> Result<OrderByExpr> {
    let stands_for = |item: &SelectItem| match item {
        SelectItem::UnnamedExpr(value) | SelectItem::ExprWithAlias { expr: value, .. } => {
            Some(value.clone())
        }
        _ => None,
    };
    let expr = match &key.expr {
        Expr::Value(value) => {
            let Value::Number(digits, _) = &value.value else { return Err(unsupported()) };
            let index = digits.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
            let has_wildcard = select.projection.iter().any(|item| stands_for(item).is_none());
            let item =
                index.filter(|_| !has_wildcard).and_then(|index| select.projection.get(index));
            item.and_then(stands_for).ok_or_else(unsupported)?
        }
        Expr::Identifier(name) => {
            let mut named = select.projection.iter().filter_map(|item| match item {
                SelectItem::ExprWithAlias { expr, alias } if alias == name => Some(expr.clone()),
                _ => None,
            });
            named.next().unwrap_or_else(|| key.expr.clone())
        }
        other => other.clone(),
    };
    Ok(OrderByExpr { expr, ..key.clone() })
}

fn numbered(function: &str, order_by: Vec<OrderByExpr>) -> Expr {
    let mut number = call(function, Vec::new());
    if let Expr::Function(function) = &mut number {
        let window_name = None;
        let window =
            WindowSpec { window_name, partition_by: Vec::new(), order_by, window_frame: None };
        function.over = Some(WindowType::WindowSpec(window));
    }
    number
}

fn binary(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) }
}

fn unsupported() -> Error {
    Error::unsupported(
        "FETCH FIRST … WITH TIES over DISTINCT, a set operation or the number of a column of *",
    )
    .with_hint("Put the query into FROM, and name the columns of the order.")
}
