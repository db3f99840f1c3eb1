//! Statements about materialized views: CREATE, REFRESH, ALTER. A materialized view is a table that knows its query,
//! so that making one is CREATE TABLE AS, and changing one ALTER TABLE as far as it goes.

use sqlparser::tokenizer::Token;

use super::{alter_table, create, table};
use crate::base::{Error, ErrorKind, Result};
use crate::sql::cursor::Cursor;
use crate::sql::statement::{
    AlterTable, AlterTableAction, CreateTable, RefreshMaterializedView, Statement,
};

/// `CREATE MATERIALIZED VIEW [IF NOT EXISTS] name [(column, …)] AS query [WITH [NO] DATA]`
pub fn create(c: &mut Cursor<'_>) -> Result<Statement> {
    c.expect_all(&["materialized", "view"])?;
    let if_not_exists = c.take_if_not_exists();
    let mut made = CreateTable { if_not_exists, ..table::named(c.object_name()?, false) };
    if *c.peek() == Token::LParen {
        made.column_names = c.parenthesized(|c| c.list(Cursor::column_name))?;
    }
    if c.take("comment") {
        made.comment = Some(c.string()?);
    }
    if c.is_any(&["using", "with", "tablespace", "partitioned", "cluster", "tblproperties"]) {
        return Err(c.unsupported("an option of CREATE MATERIALIZED VIEW"));
    }
    c.expect("as")?;
    if let Some(position) = c.placeholder_ahead() {
        let message = "materialized views may not be defined using bound parameters";
        return Err(Error::new(ErrorKind::FeatureNotSupported, message).at(position));
    }
    let (query, definition) = create::stored_query(c)?;
    made.query = Some(query);
    made.materialized = Some(definition);
    made.no_data = takes_no_data(c);
    Ok(Statement::CreateTable(Box::new(made)))
}

/// `REFRESH MATERIALIZED VIEW [CONCURRENTLY] name [WITH [NO] DATA]`
pub fn refresh(c: &mut Cursor<'_>) -> Result<Statement> {
    c.expect_all(&["refresh", "materialized", "view"])?;
    let concurrently = c.take("concurrently");
    let name = c.object_name()?;
    let refresh = RefreshMaterializedView { name, concurrently, no_data: takes_no_data(c) };
    Ok(Statement::RefreshMaterializedView(refresh))
}

/// `[WITH [NO] DATA]`
fn takes_no_data(c: &mut Cursor<'_>) -> bool {
    c.take_all(&["with", "no", "data"]) || {
        c.take_all(&["with", "data"]);
        false
    }
}

/// `ALTER MATERIALIZED VIEW [IF EXISTS] name …`
pub fn alter(c: &mut Cursor<'_>) -> Result<Statement> {
    c.expect_all(&["materialized", "view"])?;
    if c.is("all") {
        return Err(c.unsupported("ALTER MATERIALIZED VIEW ALL"));
    }
    let if_exists = c.take_if_exists();
    let name = c.object_name()?;
    let action = match alter_table::catalog_action(c)? {
        Some(action) => action,
        None if c.is("rename") => AlterTableAction::Change(vec![alter_table::rename(c)?]),
        None if c.is_any(&["set", "reset", "unset", "alter", "cluster", "depends", "no"]) => {
            return Err(c.unsupported("this change of a materialized view"));
        }
        None => return Err(c.syntax_error()),
    };
    Ok(Statement::AlterTable(AlterTable { name, materialized: true, if_exists, action }))
}
