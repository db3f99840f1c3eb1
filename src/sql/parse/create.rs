//! CREATE and DROP: which kind of object, and the small kinds themselves: catalogs, schemas, views.

use sqlparser::tokenizer::Token;

use super::{absent, index, materialized, principal, refused, storage, table};
use crate::base::name::{NamePosition, ObjectName};
use crate::base::{Error, ErrorKind, Result};
use crate::sql::cursor::Cursor;
use crate::sql::statement::{
    ColumnName, CreateCatalog, CreateSchema, CreateView, Drop, DropKind, SchemaName, Statement,
};

pub fn create(c: &mut Cursor<'_>) -> Result<Statement> {
    c.expect("create")?;
    let or_replace = c.take_all(&["or", "replace"]);
    if or_replace && !c.is_any(&["table", "view", "temporary", "temp", "global", "local"]) {
        return Err(refused::object(c, "CREATE OR REPLACE"));
    }
    let temporary = take_temporary(c);
    if temporary && !c.is_any(&["table", "view"]) {
        return Err(refused::object(c, "CREATE TEMPORARY"));
    }
    // A table that PostgreSQL empties after a crash may as well keep its rows.
    if !temporary && !or_replace && c.is("unlogged") && c.is_nth(1, "table") {
        c.advance();
    }
    match c.word().as_str() {
        "table" => table::create_table(c, or_replace, temporary),
        "view" => create_view(c, or_replace, temporary),
        "materialized" if c.is_nth(1, "view") => materialized::create(c),
        "catalog" | "database" => create_catalog(c),
        "schema" => create_schema(c),
        "storage" | "external" if storage::is_next(c) => storage::create(c),
        "index" => index::create(c),
        "unique" if c.is_nth(1, "index") => index::create(c),
        "recursive" => Err(c.unsupported("CREATE RECURSIVE VIEW").with_hint("Use WITH RECURSIVE.")),
        "user" if c.is_nth(1, "mapping") => Err(c.unsupported("CREATE USER MAPPING")),
        "user" | "role" | "group" => principal::create(c),
        _ => Err(refused::object(c, "CREATE")),
    }
}

/// `[GLOBAL | LOCAL] TEMPORARY`, where GLOBAL means nothing, as in PostgreSQL.
fn take_temporary(c: &mut Cursor<'_>) -> bool {
    let words = ["temporary", "temp"];
    if c.is_any(&["global", "local"]) && words.iter().any(|word| c.is_nth(1, word)) {
        c.advance();
    }
    c.take_any(&words).is_some()
}

/// `COMMENT 'text'`
fn comment(c: &mut Cursor<'_>) -> Result<Option<String>> {
    if c.take("comment") { c.string().map(Some) } else { Ok(None) }
}

fn refuse_location(c: &Cursor<'_>, what: &str) -> Result<()> {
    if c.is("managed") || c.is("location") {
        return Err(c.unsupported(&format!("a location for a {what}")));
    }
    Ok(())
}

/// A database is a catalog: PostgreSQL's word for it works too.
fn create_catalog(c: &mut Cursor<'_>) -> Result<Statement> {
    let is_database = c.is("database");
    c.advance();
    let if_not_exists = c.take_if_not_exists();
    let name = c.identifier()?;
    let owner = if is_database { database_options(c)? } else { None };
    if c.is("using") {
        return Err(c.unsupported("CREATE CATALOG … USING"));
    }
    refuse_location(c, "catalog")?;
    let comment = comment(c)?;
    refuse_location(c, "catalog")?;
    Ok(Statement::CreateCatalog(CreateCatalog { name, if_not_exists, comment, owner }))
}

/// `[WITH] [OWNER [=] role] [ENCODING [=] 'UTF8'] [TEMPLATE [=] template0]`: the owner, and what every database is.
fn database_options(c: &mut Cursor<'_>) -> Result<Option<String>> {
    let mut owner = None;
    c.take("with");
    while !c.at_end() && !c.is("comment") {
        let Some(option) = c.take_any(&["owner", "encoding", "template"]) else {
            return Err(c.unsupported("an option of CREATE DATABASE"));
        };
        c.take_token(&Token::Eq);
        if option == "owner" {
            owner = Some(principal::owner_name(c)?);
            continue;
        }
        let position = c.position();
        let value = match c.take_string() {
            Some(text) => text,
            None => c.label()?,
        };
        let value = value.to_ascii_lowercase();
        let known = ["utf8", "utf-8", "unicode", "default", "template0", "template1"];
        if !known.contains(&value.as_str()) {
            return Err(Error::unsupported(format!("{option} \"{value}\"")).at(position));
        }
    }
    Ok(owner)
}

fn create_schema(c: &mut Cursor<'_>) -> Result<Statement> {
    c.expect("schema")?;
    let if_not_exists = c.take_if_not_exists();
    // `CREATE SCHEMA AUTHORIZATION role` names the schema after its owner.
    let named = if c.is("authorization") { None } else { Some(c.schema_name()?) };
    let owner = if c.take("authorization") { Some(principal::owner_name(c)?) } else { None };
    let SchemaName { catalog, schema } = match (named, &owner) {
        (Some(name), _) => name,
        (None, Some(owner)) => SchemaName { catalog: None, schema: owner.clone() },
        (None, None) => return Err(c.syntax_error()),
    };
    refuse_location(c, "schema")?;
    let comment = comment(c)?;
    refuse_location(c, "schema")?;
    if c.is_any(&["create", "grant"]) {
        return Err(c.unsupported("a statement inside CREATE SCHEMA"));
    }
    Ok(Statement::CreateSchema(CreateSchema {
        catalog,
        name: schema,
        if_not_exists,
        comment,
        owner,
    }))
}

fn create_view(c: &mut Cursor<'_>, or_replace: bool, temporary: bool) -> Result<Statement> {
    c.expect("view")?;
    let if_not_exists = c.take_if_not_exists();
    let name = c.object_name()?;
    let columns: Vec<ColumnName> = if *c.peek() == Token::LParen {
        c.parenthesized(|c| {
            c.list(|c| {
                let column = c.column_name()?;
                if c.is("comment") {
                    return Err(c
                        .unsupported("COMMENT on a column of CREATE VIEW")
                        .with_hint("Use COMMENT ON COLUMN."));
                }
                Ok(column)
            })
        })?
    } else {
        Vec::new()
    };
    let mut comment = None;
    while !c.is("as") {
        match c.word().as_str() {
            "comment" if comment.is_none() => {
                c.advance();
                comment = Some(c.string()?);
            }
            "with" => return Err(c.unsupported("an option of CREATE VIEW")),
            "tblproperties" => return Err(c.unsupported("TBLPROPERTIES of a view")),
            _ => return Err(c.syntax_error()),
        }
    }
    c.expect("as")?;
    let (query, definition) = view_query(c)?;
    Ok(Statement::CreateView(CreateView {
        name,
        temporary,
        or_replace,
        if_not_exists,
        columns,
        query,
        definition,
        comment,
    }))
}

/// A view's query and its text. A view holds no parameters and takes no check option.
pub fn view_query(c: &mut Cursor<'_>) -> Result<(crate::sql::statement::Query, String)> {
    if let Some(position) = c.placeholder_ahead() {
        let message = "views must not contain parameters";
        return Err(Error::new(ErrorKind::UndefinedParameter, message).at(position));
    }
    let stored = stored_query(c)?;
    if c.is("with") {
        return Err(c.unsupported("WITH after a view's query"));
    }
    Ok(stored)
}

/// A query and its text.
pub fn stored_query(c: &mut Cursor<'_>) -> Result<(crate::sql::statement::Query, String)> {
    let start = c.position();
    let query = c.query()?;
    Ok((query, c.text_since(start)))
}

pub fn drop(c: &mut Cursor<'_>) -> Result<Statement> {
    c.expect("drop")?;
    let kind = match c.word().as_str() {
        "catalog" => DropKind::Catalog,
        "database" => DropKind::Database,
        "schema" => DropKind::Schema,
        "table" => DropKind::Table,
        "view" => DropKind::View,
        "materialized" if c.is_nth(1, "view") => {
            c.advance();
            DropKind::MaterializedView
        }
        "storage" | "external" if storage::is_next(c) => return storage::drop(c),
        "index" => return index::drop(c),
        "owned" => return Err(c.unsupported("DROP OWNED")),
        "user" if c.is_nth(1, "mapping") => return Err(c.unsupported("DROP USER MAPPING")),
        "user" | "role" | "group" => return principal::drop(c),
        _ => return absent::drop(c),
    };
    c.advance();
    let if_exists = c.take_if_exists();
    let names = c.list(|c| dropped_name(c, kind))?;
    if kind == DropKind::Database {
        if *c.peek() == Token::LParen || c.is("with") {
            return Err(c.unsupported("an option of DROP DATABASE"));
        }
        return Ok(Statement::Drop(Drop { kind, names, if_exists, cascade: true }));
    }
    let cascade = c.take("cascade");
    if !cascade {
        c.take("restrict");
    }
    if c.is("purge") {
        return Err(c.unsupported("DROP … PURGE"));
    }
    Ok(Statement::Drop(Drop { kind, names, if_exists, cascade }))
}

fn dropped_name(c: &mut Cursor<'_>, kind: DropKind) -> Result<ObjectName> {
    let position = Some(NamePosition(c.position()));
    match kind {
        DropKind::Catalog | DropKind::Database => {
            Ok(ObjectName { catalog: None, schema: None, object: c.identifier()?, position })
        }
        DropKind::Schema => {
            let name = c.schema_name()?;
            Ok(ObjectName { catalog: None, schema: name.catalog, object: name.schema, position })
        }
        DropKind::Table | DropKind::View | DropKind::MaterializedView => c.object_name(),
    }
}
