//! `ARRAY(SELECT x …)` becomes `(SELECT coalesce(array_agg(x), ARRAY[]) …)`: DataFusion has no array
//! constructor over a query. The order of the query becomes the order of the aggregate. A query whose rows are not those
//! of its FROM is put there: `(SELECT coalesce(array_agg(x), ARRAY[]) FROM (SELECT DISTINCT x …))`. Over the elements of
//! an array, `ARRAY(SELECT f(x) FROM unnest(a) AS t(x))`, it becomes `array_transform(a, x -> f(x))`, which
//! needs no query.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, FunctionArgumentClause, FunctionArguments, GroupByExpr, Ident, OrderByKind, Query,
    SelectItem, SetExpr, TableFactor, visit_expressions,
};

use super::set_functions::lambda;
use super::{call, made_query, take};
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
    if !has_rows_of_from(query) {
        *query = query_of_derived(query)?;
    }
    let order = match query.order_by.take().map(|order| order.kind) {
        Some(OrderByKind::Expressions(order)) => order,
        Some(OrderByKind::All(_)) | None => Vec::new(),
    };
    let SetExpr::Select(select) = query.body.as_mut() else {
        return Err(Error::internal("a query that gives rows of FROM is no SELECT"));
    };
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

/// Whether the query gives a row for each row of its FROM.
fn has_rows_of_from(query: &Query) -> bool {
    let SetExpr::Select(select) = query.body.as_ref() else { return false };
    let grouped = !matches!(&select.group_by, GroupByExpr::Expressions(by, _) if by.is_empty());
    let counted = query.limit_clause.is_some() || query.fetch.is_some();
    let returns_sets = select.projection.iter().any(|item| match item {
        SelectItem::UnnamedExpr(value) | SelectItem::ExprWithAlias { expr: value, .. } => {
            has_set(value)
        }
        _ => false,
    });
    let is_less = grouped || counted || select.distinct.is_some() || select.having.is_some();
    !is_less && !returns_sets
}

/// Whether a function that returns a set is called: they are calls of `unnest` by now.
fn has_set(value: &Expr) -> bool {
    let found = visit_expressions(value, |inner| match inner {
        Expr::Function(function) if function.name.to_string() == "unnest" => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    found.is_break()
}

/// The rows of a query as those of a FROM.
fn query_of_derived(query: &mut Query) -> Result<Query> {
    let source = "SELECT \"array\" FROM (SELECT 1) AS \"array\" (\"array\")";
    let mut made = made_query(source)?;
    let SetExpr::Select(select) = made.body.as_mut() else {
        return Err(Error::internal("a made query is no SELECT"));
    };
    let Some(TableFactor::Derived { subquery, .. }) =
        select.from.first_mut().map(|from| &mut from.relation)
    else {
        return Err(Error::internal("a made query has no subquery"));
    };
    std::mem::swap(subquery.as_mut(), query);
    Ok(*made)
}
