//! INSERT INTO and INSERT OVERWRITE.

use sqlparser::ast::{Expr, SetExpr};
use sqlparser::tokenizer::Token;

use super::update;
use crate::base::{Error, Result};
use crate::sql::cursor::Cursor;
use crate::sql::statement::{Insert, InsertSource, Query, Statement};

pub fn insert(c: &mut Cursor<'_>) -> Result<Statement> {
    c.expect("insert")?;
    let overwrite = c.take("overwrite");
    if !overwrite || c.is("into") {
        c.expect("into")?;
    }
    c.take("table");
    let table = c.object_name()?;
    let alias = if c.take("as") { Some(c.identifier()?) } else { None };
    refuse_databricks_clauses(c)?;
    let columns = match c.peek() {
        Token::LParen if !c.begins_query() => c.column_names()?,
        _ => Vec::new(),
    };
    if c.is("overriding") {
        return Err(c.unsupported("INSERT … OVERRIDING"));
    }
    refuse_databricks_clauses(c)?;
    let source = if c.take_all(&["default", "values"]) {
        InsertSource::DefaultValues
    } else {
        let position = c.position();
        let query = c.query()?;
        if has_default(&query) {
            return Err(Error::unsupported("DEFAULT in VALUES")
                .with_hint("Leave the column out of the column list.")
                .at(position));
        }
        InsertSource::Query(query)
    };
    if c.is("on") {
        return Err(c
            .unsupported("INSERT … ON CONFLICT")
            .with_hint("Use MERGE to update rows that exist already."));
    }
    let returning = update::returning(c, &table, alias.as_deref())?;
    Ok(Statement::Insert(Insert { table, columns, source, overwrite, returning }))
}

fn refuse_databricks_clauses(c: &Cursor<'_>) -> Result<()> {
    if c.is("partition") {
        return Err(c
            .unsupported("INSERT … PARTITION")
            .with_hint("Give the partition columns as values."));
    }
    if c.is("by") && c.is_nth(1, "name") {
        return Err(c.unsupported("INSERT … BY NAME").with_hint("Name the columns in a list."));
    }
    if c.is("replace") {
        return Err(c.unsupported("INSERT … REPLACE"));
    }
    if c.is("with") && c.is_nth(1, "schema") && c.is_nth(2, "evolution") {
        return Err(c.unsupported("WITH SCHEMA EVOLUTION"));
    }
    Ok(())
}

/// `VALUES (DEFAULT, 1)`: the grammar of expressions takes DEFAULT for a column.
fn has_default(query: &Query) -> bool {
    let SetExpr::Values(values) = &*query.ast.body else { return false };
    values.rows.iter().flat_map(|row| &**row).any(|value| {
        matches!(value, Expr::Identifier(name)
            if name.quote_style.is_none() && name.value.eq_ignore_ascii_case("default"))
    })
}
