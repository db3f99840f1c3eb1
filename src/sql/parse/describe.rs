//! DESCRIBE and DESC, which are Databricks'.

use sqlparser::tokenizer::Token;

use crate::base::Result;
use crate::sql::cursor::Cursor;
use crate::sql::statement::{Describe, Statement};
use crate::sql::storage::StorageKind;

pub fn describe(c: &mut Cursor<'_>) -> Result<Statement> {
    c.advance();
    // Each word can also be the name of a table.
    let names_something = matches!(c.peek_nth(1), Token::Word(_));
    let describe = match c.word().as_str() {
        "history" if names_something => {
            c.advance();
            let table = c.object_name()?;
            let limit = if c.take("limit") { Some(c.unsigned()?) } else { None };
            Describe::History { table, limit }
        }
        "detail" if names_something => {
            c.advance();
            Describe::Detail { table: c.object_name()? }
        }
        "catalog" if names_something => {
            c.advance();
            c.take("extended");
            Describe::Catalog { name: c.identifier()? }
        }
        "schema" | "database" if names_something => {
            c.advance();
            c.take("extended");
            Describe::Schema { name: c.schema_name()? }
        }
        "storage" if c.is_nth(1, "credential") => {
            c.advance();
            c.advance();
            Describe::Storage(StorageKind::Credential, c.identifier()?)
        }
        "external" if c.is_nth(1, "location") => {
            c.advance();
            c.advance();
            Describe::Storage(StorageKind::Location, c.identifier()?)
        }
        "query" if names_something || *c.peek_nth(1) == Token::LParen => {
            c.advance();
            Describe::Query(c.query()?)
        }
        "function" | "volume" | "connection" | "share" | "recipient" | "provider" | "policy"
            if names_something =>
        {
            return Err(c.unsupported(&format!("DESCRIBE {}", c.word().to_ascii_uppercase())));
        }
        _ if c.begins_query() && !(c.is("table") && names_something) => Describe::Query(c.query()?),
        _ => relation(c)?,
    };
    Ok(Statement::Describe(describe))
}

/// `[TABLE] [EXTENDED | FORMATTED] name`
fn relation(c: &mut Cursor<'_>) -> Result<Describe> {
    if matches!(c.peek_nth(1), Token::Word(_)) {
        c.take("table");
    }
    let extended = matches!(c.peek_nth(1), Token::Word(_))
        && !(c.is_nth(1, "as") && c.is_nth(2, "json"))
        && c.take_any(&["extended", "formatted"]).is_some();
    let name = c.object_name()?;
    if c.is("as") {
        return Err(c.unsupported("DESCRIBE … AS JSON"));
    }
    if c.is("partition") {
        return Err(c.unsupported("DESCRIBE … PARTITION"));
    }
    if matches!(c.peek(), Token::Word(_)) {
        return Err(c.unsupported("DESCRIBE of one column"));
    }
    Ok(Describe::Relation { name, extended })
}
