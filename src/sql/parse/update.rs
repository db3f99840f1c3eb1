//! UPDATE and DELETE, and the assignments that MERGE shares with them.

use std::ops::ControlFlow;

use sqlparser::ast::{Expr, Query as SubqueryTree, SelectItem, SetExpr, Visit, Visitor};
use sqlparser::tokenizer::Token;

use super::merge;
use crate::base::name::ObjectName;
use crate::base::{Error, ErrorKind, Result};
use crate::sql::cursor::Cursor;
use crate::sql::rewrite::made_query_over;
use crate::sql::statement::{
    Assignment, ColumnName, Delete, Expression, JoinedChange, MergeAction, Query, Statement, Update,
};

pub fn update(c: &mut Cursor<'_>) -> Result<Statement> {
    c.expect("update")?;
    let (table, alias) = target(c, &["set"])?;
    c.expect("set")?;
    let assignments = assignments(c, &table, alias.as_deref())?;
    if c.take("from") {
        let action = MergeAction::Update(assignments);
        return merge::joined(c, (table, alias), action, JoinedChange::Update);
    }
    let predicate = predicate(c)?;
    let returning = returning(c, &table, alias.as_deref())?;
    Ok(Statement::Update(Update { table, alias, assignments, predicate, returning }))
}

pub fn delete(c: &mut Cursor<'_>) -> Result<Statement> {
    c.expect_all(&["delete", "from"])?;
    let (table, alias) = target(c, &["using", "where", "returning"])?;
    if c.take("using") {
        return merge::joined(c, (table, alias), MergeAction::Delete, JoinedChange::Delete);
    }
    let predicate = predicate(c)?;
    let returning = returning(c, &table, alias.as_deref())?;
    Ok(Statement::Delete(Delete { table, alias, predicate, returning }))
}

/// `RETURNING * | expression [[AS] name], …`, where it stands next.
pub fn returning(
    c: &mut Cursor<'_>,
    table: &ObjectName,
    alias: Option<&str>,
) -> Result<Option<Query>> {
    if !c.take("returning") {
        return Ok(None);
    }
    if c.is("with") && *c.peek_nth(1) == Token::LParen {
        return Err(c.unsupported("RETURNING WITH"));
    }
    c.returned(alias.unwrap_or(&table.object)).map(Some)
}

/// `[ONLY] table [*] [[AS] alias]`, the alias being none of the words that may follow.
pub fn target(c: &mut Cursor<'_>, follows: &[&str]) -> Result<(ObjectName, Option<String>)> {
    // No table inherits from another.
    c.take("only");
    let table = c.object_name()?;
    c.take_token(&Token::Mul);
    let alias = if c.take("as") || matches!(c.peek(), Token::Word(_)) && !c.is_any(follows) {
        Some(c.identifier()?)
    } else {
        None
    };
    Ok((table, alias))
}

fn predicate(c: &mut Cursor<'_>) -> Result<Option<Expression>> {
    if !c.take("where") {
        return Ok(None);
    }
    if c.is("current") && c.is_nth(1, "of") {
        return Err(c.unsupported("WHERE CURRENT OF"));
    }
    c.expression().map(Some)
}

/// `column = value, …` over the columns of `table`.
pub fn assignments(
    c: &mut Cursor<'_>,
    table: &ObjectName,
    alias: Option<&str>,
) -> Result<Vec<Assignment>> {
    let target = alias.unwrap_or(&table.object);
    let assigned = c.list(|c| {
        if *c.peek() == Token::LParen {
            return assigned_row(c, target);
        }
        let column = assigned_column(c, target)?;
        c.expect_token(&Token::Eq)?;
        Ok(vec![Assignment { column, value: value(c)? }])
    })?;
    Ok(assigned.into_iter().flatten().collect())
}

/// `(column, …) = [ROW] (value, …)` and `(column, …) = (SELECT …)`: each column has the value at its place.
fn assigned_row(c: &mut Cursor<'_>, target: &str) -> Result<Vec<Assignment>> {
    let columns = c.parenthesized(|c| c.list(|c| assigned_column(c, target)))?;
    c.expect_token(&Token::Eq)?;
    let position = c.position();
    let is_row = c.take("row");
    if *c.peek() != Token::LParen {
        return Err(no_row(c.position()));
    }
    if ["select", "with", "values"].iter().any(|word| c.is_nth(1, word)) {
        let values = subquery_columns(c, columns.len())?.ok_or_else(|| no_row(position))?;
        return paired(columns, values.into_iter().map(Some).collect(), position);
    }
    let values = c.parenthesized(|c| c.list(value))?;
    // What follows makes the row a part of an expression.
    let ends = c.at_end()
        || matches!(c.peek(), Token::Comma | Token::RParen | Token::SemiColon)
        || c.is_any(&["from", "where", "returning", "when"]);
    if !ends || values.len() == 1 && !is_row {
        return Err(no_row(position));
    }
    paired(columns, values, position)
}

/// A subquery in parentheses as so many that give one column each, in their order.
fn subquery_columns(c: &mut Cursor<'_>, columns: usize) -> Result<Option<Vec<Expression>>> {
    let Expr::Subquery(query) = c.written_expression()? else { return Ok(None) };
    let given = match query.body.as_ref() {
        SetExpr::Select(select) if select.projection.iter().all(is_value) => {
            select.projection.len()
        }
        _ => columns,
    };
    let one = |place: usize| {
        let query = match column_alone(&query, place) {
            Some(query) => query,
            None => column_of(&query, given, place)?,
        };
        c.prepared_expression(Expr::Subquery(query))
    };
    (0..given).map(one).collect::<Result<_>>().map(Some)
}

fn is_value(item: &SelectItem) -> bool {
    matches!(item, SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. })
}

/// The query with one of its columns, where the others do not say which rows there are: none of them or each is an
/// aggregate.
fn column_alone(query: &SubqueryTree, place: usize) -> Option<Box<SubqueryTree>> {
    let SetExpr::Select(select) = query.body.as_ref() else { return None };
    let is_aggregate = |item: &SelectItem| item.visit(&mut FindAggregate).is_break();
    let is_column = |item: &SelectItem| {
        matches!(
            item,
            SelectItem::UnnamedExpr(
                Expr::Identifier(_) | Expr::CompoundIdentifier(_) | Expr::Value(_)
            )
        )
    };
    let items = &select.projection;
    let is_alike = items.iter().all(is_aggregate) || items.iter().all(is_column);
    if !is_alike || query.order_by.is_some() || select.distinct.is_some() {
        return None;
    }
    let mut query = query.clone();
    if let SetExpr::Select(select) = query.body.as_mut() {
        select.projection = select.projection.get(place).cloned().into_iter().collect();
    }
    Some(Box::new(query))
}

/// Breaks where an aggregate is called.
struct FindAggregate;

impl Visitor for FindAggregate {
    type Break = ();

    fn pre_visit_expr(&mut self, expression: &Expr) -> ControlFlow<()> {
        const AGGREGATES: [&str; 7] = ["count", "sum", "avg", "min", "max", "bool_and", "bool_or"];
        match expression {
            Expr::Function(function) if function.over.is_none() => {
                let name = function.name.to_string().to_lowercase();
                match AGGREGATES.contains(&name.as_str()) {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                }
            }
            _ => ControlFlow::Continue(()),
        }
    }
}

/// `(SELECT column FROM (query) AS given (column, …))`
fn column_of(query: &SubqueryTree, columns: usize, place: usize) -> Result<Box<SubqueryTree>> {
    let names: Vec<String> = (1..=columns).map(|number| format!("c{number}")).collect();
    let name = names.get(place).map_or("c1", String::as_str);
    let text = format!("SELECT {name} FROM (SELECT 1) AS given ({})", names.join(", "));
    made_query_over(&text, query.clone())
}

fn paired(
    columns: Vec<ColumnName>,
    values: Vec<Option<Expression>>,
    position: usize,
) -> Result<Vec<Assignment>> {
    if values.len() != columns.len() {
        let message = "number of columns does not match number of values";
        return Err(Error::new(ErrorKind::SyntaxError, message).at(position));
    }
    let pairs = columns.into_iter().zip(values);
    Ok(pairs.map(|(column, value)| Assignment { column, value }).collect())
}

fn no_row(position: usize) -> Error {
    let message =
        "source for a multiple-column UPDATE item must be a sub-SELECT or ROW() expression";
    Error::new(ErrorKind::FeatureNotSupported, message).at(position)
}

/// A value or, as `None`, DEFAULT.
pub fn value(c: &mut Cursor<'_>) -> Result<Option<Expression>> {
    if c.take("default") { Ok(None) } else { c.expression().map(Some) }
}

/// A column, which Databricks lets one qualify with the target's name.
fn assigned_column(c: &mut Cursor<'_>, target: &str) -> Result<ColumnName> {
    let (parts, position) = c.name_parts()?;
    match parts.as_slice() {
        [name] => Ok(ColumnName { name: name.clone(), position: Some(position) }),
        [qualifier, name] if qualifier == target => {
            Ok(ColumnName { name: name.clone(), position: Some(position) })
        }
        _ => Err(Error::unsupported("assignment to a part of a column")
            .with_hint("Assign the whole column.")
            .at(position)),
    }
}
