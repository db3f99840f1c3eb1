//! INSERT INTO and INSERT OVERWRITE.

use sqlparser::tokenizer::Token;

use super::update;
use crate::base::name::ObjectName;
use crate::base::{Error, ErrorKind, Result};
use crate::sql::cursor::Cursor;
use crate::sql::statement::{
    ConflictTarget, ConflictUpdate, Insert, InsertSource, OnConflict, Overriding, Replaced,
    Statement,
};

/// The words between INSERT or MERGE and INTO.
pub fn schema_evolution(c: &mut Cursor<'_>) -> bool {
    c.take_all(&["with", "schema", "evolution"])
}

/// What a statement gives back is told before it runs, when its new columns are not known.
pub fn refuse_returning(c: &Cursor<'_>, evolves_schema: bool) -> Result<()> {
    match evolves_schema && c.is("returning") {
        true => Err(c.unsupported("RETURNING of a statement WITH SCHEMA EVOLUTION")),
        false => Ok(()),
    }
}

/// `[WITH …] INSERT …`
pub fn insert(c: &mut Cursor<'_>) -> Result<Statement> {
    let with = if c.is("with") { Some(c.with_clause()?) } else { None };
    c.expect("insert")?;
    let evolves_schema = schema_evolution(c);
    let overwrite = c.take("overwrite");
    if !overwrite || c.is("into") {
        c.expect("into")?;
    }
    let mut replaced = if overwrite { Replaced::All } else { Replaced::None };
    c.take("table");
    let table = c.object_name()?;
    let alias = if c.take("as") { Some(c.identifier()?) } else { None };
    refuse_databricks_clauses(c)?;
    if c.take_all(&["replace", "where"]) {
        if overwrite {
            return Err(c.syntax_error());
        }
        replaced = Replaced::Where(Box::new(c.expression()?));
    }
    let columns = match c.peek() {
        Token::LParen if !c.begins_query() => c.column_names()?,
        _ => Vec::new(),
    };
    let by_name = columns.is_empty() && c.take_all(&["by", "name"]);
    let overriding = overriding(c)?;
    refuse_databricks_clauses(c)?;
    let source = if c.take_all(&["default", "values"]) {
        InsertSource::DefaultValues
    } else {
        InsertSource::Query(match with {
            Some(with) => c.query_within(with)?,
            None => c.query()?,
        })
    };
    let on_conflict = match c.is("on") && matches!(replaced, Replaced::None) {
        true => Some(on_conflict(c, &table, alias.as_deref())?),
        false => None,
    };
    refuse_returning(c, evolves_schema)?;
    let returning = update::returning(c, &table, alias.as_deref())?;
    Ok(Statement::Insert(Insert {
        table,
        alias,
        columns,
        source,
        by_name,
        evolves_schema,
        overriding,
        replaced,
        on_conflict,
        returning,
    }))
}

fn overriding(c: &mut Cursor<'_>) -> Result<Option<Overriding>> {
    if !c.take("overriding") {
        return Ok(None);
    }
    let overriding = match c.take_any(&["system", "user"]) {
        Some("system") => Overriding::System,
        Some(_) => Overriding::User,
        None => return Err(c.syntax_error()),
    };
    c.expect("value")?;
    Ok(Some(overriding))
}

/// `ON CONFLICT [(a, b) | ON CONSTRAINT name] DO NOTHING | DO UPDATE SET … [WHERE …]`
fn on_conflict(c: &mut Cursor<'_>, table: &ObjectName, alias: Option<&str>) -> Result<OnConflict> {
    let position = c.position();
    c.expect_all(&["on", "conflict"])?;
    let target = if *c.peek() == Token::LParen {
        ConflictTarget::Columns(c.parenthesized(|c| {
            c.list(|c| {
                let is_column = matches!(c.peek(), Token::Word(_))
                    && matches!(c.peek_nth(1), Token::Comma | Token::RParen);
                if !is_column {
                    return Err(c.unsupported("an expression or operator class in ON CONFLICT"));
                }
                c.column_name()
            })
        })?)
    } else if c.take_all(&["on", "constraint"]) {
        ConflictTarget::Constraint(c.column_name()?)
    } else {
        ConflictTarget::Any
    };
    if c.is("where") {
        return Err(c
            .unsupported("WHERE of a conflict target")
            .with_detail("There are no partial keys."));
    }
    c.expect("do")?;
    if c.take("nothing") {
        return Ok(OnConflict { target, update: None });
    }
    c.expect_all(&["update", "set"])?;
    if matches!(target, ConflictTarget::Any) {
        let message = "ON CONFLICT DO UPDATE requires inference specification or constraint name";
        return Err(Error::new(ErrorKind::SyntaxError, message)
            .with_hint("For example, ON CONFLICT (column_name).")
            .at(position));
    }
    let assignments = update::assignments(c, table, alias)?;
    let predicate = if c.take("where") { Some(c.expression()?) } else { None };
    Ok(OnConflict { target, update: Some(ConflictUpdate { assignments, predicate }) })
}

fn refuse_databricks_clauses(c: &Cursor<'_>) -> Result<()> {
    if c.is("partition") {
        return Err(c
            .unsupported("INSERT … PARTITION")
            .with_hint("Give the partition columns as values."));
    }
    if c.is("with") && c.is_nth(1, "schema") && c.is_nth(2, "evolution") {
        return Err(c.syntax_error().with_hint("INSERT WITH SCHEMA EVOLUTION INTO …"));
    }
    Ok(())
}
