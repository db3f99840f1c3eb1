//! INSERT INTO and INSERT OVERWRITE.

use sqlparser::tokenizer::Token;

use super::update;
use crate::base::Result;
use crate::sql::cursor::Cursor;
use crate::sql::statement::{Insert, InsertSource, Replaced, Statement};

pub fn insert(c: &mut Cursor<'_>) -> Result<Statement> {
    c.expect("insert")?;
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
        replaced = Replaced::Where(c.expression()?);
    }
    let columns = match c.peek() {
        Token::LParen if !c.begins_query() => c.column_names()?,
        _ => Vec::new(),
    };
    let by_name = columns.is_empty() && c.take_all(&["by", "name"]);
    if c.is("overriding") {
        return Err(c.unsupported("INSERT … OVERRIDING"));
    }
    refuse_databricks_clauses(c)?;
    let source = if c.take_all(&["default", "values"]) {
        InsertSource::DefaultValues
    } else {
        InsertSource::Query(c.query()?)
    };
    if c.is("on") {
        return Err(c
            .unsupported("INSERT … ON CONFLICT")
            .with_hint("Use MERGE to update rows that exist already."));
    }
    let returning = update::returning(c, &table, alias.as_deref())?;
    Ok(Statement::Insert(Insert { table, alias, columns, source, by_name, replaced, returning }))
}

fn refuse_databricks_clauses(c: &Cursor<'_>) -> Result<()> {
    if c.is("partition") {
        return Err(c
            .unsupported("INSERT … PARTITION")
            .with_hint("Give the partition columns as values."));
    }
    if c.is("with") && c.is_nth(1, "schema") && c.is_nth(2, "evolution") {
        return Err(c.unsupported("WITH SCHEMA EVOLUTION"));
    }
    Ok(())
}
