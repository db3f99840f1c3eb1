//! SHOW: Databricks' lists of things, and PostgreSQL's values of settings.

use sqlparser::tokenizer::Token;

use super::{grant, principal, refused, set, table};
use crate::base::{Error, ErrorKind, Result};
use crate::sql::cursor::Cursor;
use crate::sql::statement::{SchemaName, SessionStatement, Show, Statement};
use crate::sql::storage::StorageKind;

pub fn show(c: &mut Cursor<'_>) -> Result<Statement> {
    c.expect("show")?;
    let word = c.word();
    let show = match word.as_str() {
        "catalogs" => {
            c.advance();
            Show::Catalogs { like: like(c)? }
        }
        "schemas" | "databases" => {
            c.advance();
            let catalog = if within(c) { Some(c.identifier()?) } else { None };
            Show::Schemas { catalog, like: like(c)? }
        }
        "tables" => {
            c.advance();
            Show::Tables { schema: schema(c)?, like: like(c)? }
        }
        "views" => {
            c.advance();
            Show::Views { schema: schema(c)?, like: like(c)? }
        }
        "columns" => columns(c)?,
        "create" => create(c)?,
        "tblproperties" => {
            c.advance();
            let table = c.object_name()?;
            let key = if *c.peek() == Token::LParen {
                Some(c.parenthesized(table::property_key)?)
            } else {
                None
            };
            Show::TableProperties { table, key }
        }
        "users" => {
            c.advance();
            Show::Users { like: like(c)? }
        }
        "groups" => {
            c.advance();
            Show::Groups { like: like(c)? }
        }
        "grants" | "grant" => grants(c)?,
        "storage" if c.is_nth(1, "credentials") => {
            c.advance();
            c.advance();
            Show::Storage(StorageKind::Credential, like(c)?)
        }
        "external" if c.is_nth(1, "locations") => {
            c.advance();
            c.advance();
            Show::Storage(StorageKind::Location, like(c)?)
        }
        "functions" | "volumes" | "partitions" | "procedures" | "connections" | "shares"
        | "recipients" | "providers" | "policies" | "table" => {
            return Err(c.unsupported(&format!("SHOW {}", word.to_ascii_uppercase())));
        }
        _ => return setting(c),
    };
    Ok(Statement::Show(show))
}

fn within(c: &mut Cursor<'_>) -> bool {
    c.take_any(&["in", "from"]).is_some()
}

fn schema(c: &mut Cursor<'_>) -> Result<Option<SchemaName>> {
    if within(c) { c.schema_name().map(Some) } else { Ok(None) }
}

/// `[LIKE] 'pattern'`
fn like(c: &mut Cursor<'_>) -> Result<Option<String>> {
    if c.take("like") { c.string().map(Some) } else { Ok(c.take_string()) }
}

fn columns(c: &mut Cursor<'_>) -> Result<Show> {
    c.expect("columns")?;
    if !within(c) {
        return Err(c.syntax_error());
    }
    let mut table = c.object_name()?;
    if within(c) {
        let position = c.position();
        let SchemaName { catalog, schema } = c.schema_name()?;
        if table.schema.as_ref().is_some_and(|named| *named != schema) {
            let message = "the table names another schema";
            return Err(Error::new(ErrorKind::SyntaxError, message).at(position));
        }
        table.schema = Some(schema);
        table.catalog = table.catalog.or(catalog);
    }
    Ok(Show::Columns { table })
}

fn create(c: &mut Cursor<'_>) -> Result<Show> {
    c.expect("create")?;
    if c.take_any(&["table", "view"]).is_none() {
        return Err(refused::object(c, "SHOW CREATE"));
    }
    Ok(Show::CreateTable { table: c.object_name()? })
}

fn grants(c: &mut Cursor<'_>) -> Result<Show> {
    c.advance();
    c.take("to");
    let principal = if c.at_end() || c.is("on") && !c.is_nth(1, "on") {
        None
    } else {
        Some(principal::grantee(c)?)
    };
    let on = if c.take("on") { Some(grant::securable(c)?) } else { None };
    Ok(Show::Grants { principal, on })
}

fn setting(c: &mut Cursor<'_>) -> Result<Statement> {
    let name = if c.take("all") { None } else { Some(set::setting_name(c)?) };
    Ok(Statement::Session(SessionStatement::ShowSetting(name)))
}
