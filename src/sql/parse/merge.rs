//! MERGE INTO, PostgreSQL's and Databricks', and the commands that are read as one.

use sqlparser::ast::{Expr, TableAlias, TableFactor, Value};
use sqlparser::tokenizer::Token;

use super::update;
use crate::base::name::ObjectName;
use crate::base::{Error, ErrorKind, Result};
use crate::sql::cursor::{Cursor, fold};
use crate::sql::statement::{
    JoinedChange, Merge, MergeAction, MergeClause, MergeMatch, Query, Statement,
};

pub fn merge(c: &mut Cursor<'_>) -> Result<Statement> {
    c.expect("merge")?;
    let evolves_schema = super::insert::schema_evolution(c);
    c.expect("into")?;
    let (table, alias) = update::target(c, &["using"])?;
    c.expect("using")?;
    let position = c.position();
    let factor = c.table_factor()?;
    let source_alias = source_name(&factor).map_err(|error| error.at_if(Some(position)))?;
    let source_alias = Some(source_alias);
    let source = c.query_over(factor)?;
    c.expect("on")?;
    let on = c.expression()?;
    let mut clauses = Vec::new();
    while c.is("when") {
        clauses.push(clause(c, &table, alias.as_deref())?);
    }
    if clauses.is_empty() {
        return Err(c.syntax_error());
    }
    super::insert::refuse_returning(c, evolves_schema)?;
    let returning = returning(c, &table, alias.as_deref())?;
    Ok(Statement::Merge(Merge {
        table,
        alias,
        source,
        source_alias,
        on,
        clauses,
        evolves_schema,
        written_as: None,
        returning,
    }))
}

/// `UPDATE table SET … FROM relation [WHERE condition]` and `DELETE FROM table USING relation [WHERE condition]`,
/// read up to the relation's word: a MERGE that changes what matches.
pub fn joined(
    c: &mut Cursor<'_>,
    (table, alias): (ObjectName, Option<String>),
    action: MergeAction,
    written_as: JoinedChange,
) -> Result<Statement> {
    let position = c.position();
    let from = c.relation_list()?;
    let source_alias = match from.as_slice() {
        [only] if only.joins.is_empty() => {
            let name = source_name(&only.relation);
            Some(name.map_err(|error| error.at_if(Some(position)))?)
        }
        _ => None,
    };
    let source = c.query_from(from)?;
    let on = if c.take("where") {
        c.expression()?
    } else if c.at_end() || c.is("returning") {
        c.prepared_expression(Expr::value(Value::Boolean(true)))?
    } else {
        return Err(c.syntax_error());
    };
    let clauses = vec![MergeClause { when: MergeMatch::Matched, predicate: None, action }];
    let returning = returning(c, &table, alias.as_deref())?;
    let written_as = Some(written_as);
    Ok(Statement::Merge(Merge {
        table,
        alias,
        source,
        source_alias,
        on,
        clauses,
        evolves_schema: false,
        written_as,
        returning,
    }))
}

/// RETURNING with columns of the changed table.
fn returning(c: &mut Cursor<'_>, table: &ObjectName, alias: Option<&str>) -> Result<Option<Query>> {
    let returning = update::returning(c, table, alias)?;
    if returning.as_ref().is_some_and(|query| query.selects_all()) {
        return Err(Error::unsupported("RETURNING * of a change with several relations")
            .with_hint("Name the columns of the changed table, or use its name: RETURNING t.*."));
    }
    Ok(returning)
}

/// The name by which conditions call the source.
fn source_name(factor: &TableFactor) -> Result<String> {
    let named = |alias: &TableAlias| fold(&alias.name.value, alias.name.quote_style);
    match factor {
        TableFactor::Table { alias: Some(alias), .. }
        | TableFactor::Derived { alias: Some(alias), .. }
        | TableFactor::Function { alias: Some(alias), .. }
        | TableFactor::UNNEST { alias: Some(alias), .. } => Ok(named(alias)),
        TableFactor::Table { name, .. } => {
            let parts = name.0.last().and_then(|part| part.as_ident());
            Ok(parts.map(|last| fold(&last.value, last.quote_style)).unwrap_or_default())
        }
        _ => Err(Error::new(ErrorKind::SyntaxError, "the source of a change must have an alias")
            .with_hint("For example, (SELECT …) AS source.")),
    }
}

fn clause(c: &mut Cursor<'_>, table: &ObjectName, alias: Option<&str>) -> Result<MergeClause> {
    c.expect("when")?;
    let negated = c.take("not");
    c.expect("matched")?;
    let when = if !negated {
        MergeMatch::Matched
    } else if c.take_all(&["by", "source"]) {
        MergeMatch::NotMatchedBySource
    } else {
        c.take_all(&["by", "target"]);
        MergeMatch::NotMatched
    };
    let predicate = if c.take("and") { Some(c.expression()?) } else { None };
    c.expect("then")?;
    let action = match when {
        MergeMatch::NotMatched => insert_action(c)?,
        MergeMatch::Matched | MergeMatch::NotMatchedBySource => {
            update_action(c, table, alias, when)?
        }
    };
    Ok(MergeClause { when, predicate, action })
}

fn update_action(
    c: &mut Cursor<'_>,
    table: &ObjectName,
    alias: Option<&str>,
    when: MergeMatch,
) -> Result<MergeAction> {
    if c.take_all(&["do", "nothing"]) {
        return Ok(MergeAction::DoNothing);
    }
    if c.take("delete") {
        return Ok(MergeAction::Delete);
    }
    c.expect_all(&["update", "set"])?;
    if when == MergeMatch::Matched && c.take_token(&Token::Mul) {
        return Ok(MergeAction::UpdateAll);
    }
    update::assignments(c, table, alias).map(MergeAction::Update)
}

fn insert_action(c: &mut Cursor<'_>) -> Result<MergeAction> {
    if c.take_all(&["do", "nothing"]) {
        return Ok(MergeAction::DoNothing);
    }
    c.expect("insert")?;
    if c.take_token(&Token::Mul) {
        return Ok(MergeAction::InsertAll);
    }
    let columns = if *c.peek() == Token::LParen { c.column_names()? } else { Vec::new() };
    if c.is("overriding") {
        return Err(c.unsupported("INSERT … OVERRIDING"));
    }
    if c.take_all(&["default", "values"]) {
        return Err(c.unsupported("DEFAULT VALUES in MERGE"));
    }
    c.expect("values")?;
    let position = c.position();
    let values = c.parenthesized(|c| c.list(update::value))?;
    if !columns.is_empty() && columns.len() != values.len() {
        let message = if values.len() > columns.len() {
            "INSERT has more expressions than target columns"
        } else {
            "INSERT has more target columns than expressions"
        };
        return Err(Error::new(ErrorKind::SyntaxError, message).at(position));
    }
    Ok(MergeAction::Insert { columns, values })
}
