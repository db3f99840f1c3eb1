//! `SELECT setval(…)`, which changes a table and so is a statement of its own. It knows no sequence.

use sqlparser::ast::{
    DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, SelectItem,
    SetExpr, Value,
};

use crate::base::Result;
use crate::sql::folded;
use crate::sql::rewrite::{call, cast};
use crate::sql::statement::{Query, Statement};

/// The query as a `setval`, if that is all that it selects: then it gives the sequence's name as it is written, the
/// sequence's OID, the number and whether the number counts as given, all that NULL may be.
pub fn setval(query: Query) -> Result<Statement> {
    let mut query = query;
    let SetExpr::Select(select) = &mut *query.ast.body else { return Ok(Statement::Query(query)) };
    let [item] = select.projection.as_slice() else { return Ok(Statement::Query(query)) };
    let arguments = match item {
        SelectItem::UnnamedExpr(Expr::Function(function))
        | SelectItem::ExprWithAlias { expr: Expr::Function(function), .. } => arguments(function),
        _ => None,
    };
    let Some(arguments) = arguments else { return Ok(Statement::Query(query)) };
    let mut arguments = arguments.into_iter();
    let (Some(sequence), Some(number)) = (arguments.next(), arguments.next()) else {
        return Ok(Statement::Query(query));
    };
    let is_given = arguments.next().unwrap_or_else(|| Expr::value(Value::Boolean(true)));
    let name = cast(sequence, DataType::Text);
    let oid = cast(call("to_regclass", vec![name.clone()]), DataType::Custom(oid_type(), vec![]));
    let outputs = [
        name,
        cast(oid, DataType::BigInt(None)),
        cast(number, DataType::BigInt(None)),
        cast(is_given, DataType::Boolean),
    ];
    let named = outputs.into_iter().enumerate().map(|(index, expr)| SelectItem::ExprWithAlias {
        expr,
        alias: Ident::with_quote('"', format!("argument {index}")),
    });
    select.projection = named.collect();
    Ok(Statement::SetValue(query))
}

fn arguments(function: &Function) -> Option<Vec<Expr>> {
    let name = function.name.0.last()?.as_ident()?;
    let is_alone = function.over.is_none() && function.filter.is_none();
    if folded(name) != "setval" || !is_alone {
        return None;
    }
    let FunctionArguments::List(list) = &function.args else { return None };
    let arguments = list.args.iter().map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) => Some(value.clone()),
        _ => None,
    });
    arguments.collect::<Option<Vec<_>>>().filter(|found| (2..=3).contains(&found.len()))
}

fn oid_type() -> sqlparser::ast::ObjectName {
    vec![Ident::new("oid")].into()
}
