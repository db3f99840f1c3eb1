//! `ARRAY(SELECT x …)` becomes `(SELECT coalesce(array_agg(x), ARRAY[]) …)`: DataFusion has no array
//! constructor over a query. The order of the query becomes the order of the aggregate. A query that is more
//! than one plain SELECT keeps its own level.

use sqlparser::ast::{
    Expr, FunctionArgumentClause, FunctionArguments, GroupByExpr, Ident, OrderByKind, Query,
    SelectItem, SetExpr,
};

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
    aggregate(&mut query)?;
    *expression = Expr::Subquery(query);
    Ok(())
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
