//! `ARRAY(SELECT x …)` becomes `(SELECT coalesce(array_agg(x), ARRAY[]) …)`: DataFusion has no array
//! constructor over a query. The order of the query becomes the order of the aggregate. Over the elements of
//! an array, `ARRAY(SELECT f(x) FROM unnest(a) AS t(x))`, it becomes `array_transform(a, x -> f(x))`, which
//! needs no query.

use sqlparser::ast::{
    Expr, FunctionArgumentClause, FunctionArguments, GroupByExpr, Ident, OrderByKind, Query,
    SelectItem, SetExpr, TableFactor,
};

use super::set_functions::lambda;
use super::{call, take};
use crate::base::{Error, ErrorKind, Result};

pub fn rewrite(expression: &mut Expr) -> Result<()> {
    let Expr::Function(function) = expression else { return Ok(()) };
    let is_array =
        function.name.0.len() == 1 && function.name.to_string().eq_ignore_ascii_case("array");
    if !is_array || !matches!(function.args, FunctionArguments::Subquery(_)) {
        return Ok(());
    }
    let arguments = std::mem::replace(&mut function.args, FunctionArguments::None);
    let FunctionArguments::Subquery(mut query) = arguments else { return Ok(()) };
    *expression = match over_elements(&mut query) {
        Some(array) => array,
        None => {
            aggregate(&mut query)?;
            Expr::Subquery(query)
        }
    };
    Ok(())
}

/// The array that a query makes of each element of another; `None` when it does more.
fn over_elements(query: &mut Query) -> Option<Expr> {
    let plain = query.with.is_none()
        && query.order_by.is_none()
        && query.limit_clause.is_none()
        && query.fetch.is_none();
    let SetExpr::Select(select) = query.body.as_mut() else { return None };
    let ungrouped = matches!(&select.group_by, GroupByExpr::Expressions(by, _) if by.is_empty());
    if !plain || !ungrouped || select.selection.is_some() || select.having.is_some() {
        return None;
    }
    if select.distinct.is_some() {
        return None;
    }
    let ([from], [item]) = (select.from.as_mut_slice(), select.projection.as_mut_slice()) else {
        return None;
    };
    let TableFactor::UNNEST { array_exprs, alias: Some(alias), with_ordinality: false, .. } =
        &mut from.relation
    else {
        return None;
    };
    let (true, [array], [column]) =
        (from.joins.is_empty(), array_exprs.as_mut_slice(), alias.columns.as_slice())
    else {
        return None;
    };
    let (SelectItem::UnnamedExpr(value) | SelectItem::ExprWithAlias { expr: value, .. }) = item
    else {
        return None;
    };
    if !is_of_one_row(value) {
        return None;
    }
    let (array, value) = (take(array), take(value));
    let made = match &value {
        Expr::Identifier(name) if *name == column.name => array,
        _ => call("array_transform", vec![array, lambda(column.name.clone(), value)]),
    };
    Some(call("coalesce", vec![made, call("make_array", Vec::new())]))
}

/// Whether an expression is made of names, constants and operators only: no aggregate, no query.
fn is_of_one_row(expression: &Expr) -> bool {
    match expression {
        Expr::Identifier(_) | Expr::Value(_) => true,
        Expr::BinaryOp { left, right, .. } => is_of_one_row(left) && is_of_one_row(right),
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => is_of_one_row(inner),
        _ => false,
    }
}

fn aggregate(query: &mut Query) -> Result<()> {
    let more_than_a_select = query.limit_clause.is_some() || query.fetch.is_some();
    let order = match query.order_by.take().map(|order| order.kind) {
        Some(OrderByKind::Expressions(order)) => order,
        Some(OrderByKind::All(_)) | None => Vec::new(),
    };
    let SetExpr::Select(select) = query.body.as_mut() else { return Err(unsupported()) };
    let grouped = !matches!(&select.group_by, GroupByExpr::Expressions(by, _) if by.is_empty());
    if more_than_a_select || grouped || select.distinct.is_some() || select.having.is_some() {
        return Err(unsupported());
    }
    let [SelectItem::UnnamedExpr(value) | SelectItem::ExprWithAlias { expr: value, .. }] =
        select.projection.as_mut_slice()
    else {
        return Err(Error::new(ErrorKind::SyntaxError, "subquery must return only one column"));
    };
    let mut aggregated = call("array_agg", vec![take(value)]);
    if let Expr::Function(function) = &mut aggregated
        && let FunctionArguments::List(list) = &mut function.args
        && !order.is_empty()
    {
        list.clauses.push(FunctionArgumentClause::OrderBy(order));
    }
    let nothing = call("make_array", Vec::new());
    let value = call("coalesce", vec![aggregated, nothing]);
    select.projection =
        vec![SelectItem::ExprWithAlias { expr: value, alias: Ident::with_quote('"', "array") }];
    Ok(())
}

fn unsupported() -> Error {
    Error::unsupported("ARRAY over a query with DISTINCT, GROUP BY, LIMIT or a set operation")
        .with_hint("Use array_agg over a subquery in FROM.")
}
