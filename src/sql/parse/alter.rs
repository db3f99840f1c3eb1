//! ALTER of catalogs, schemas and views.

use super::{alter_table, create, index, materialized, principal, refused, storage};
use crate::base::Result;
use crate::sql::cursor::Cursor;
use crate::sql::statement::{
    AlterCatalog, AlterNamespace, AlterSchema, AlterView, AlterViewAction, SchemaName, Statement,
};

pub fn alter(c: &mut Cursor<'_>) -> Result<Statement> {
    c.expect("alter")?;
    match c.word().as_str() {
        "catalog" | "database" => {
            c.advance();
            let name = c.identifier()?;
            let action = namespace_action(c)?;
            Ok(Statement::AlterCatalog(AlterCatalog { name, action }))
        }
        "schema" => {
            c.advance();
            let SchemaName { catalog, schema } = c.schema_name()?;
            let action = namespace_action(c)?;
            Ok(Statement::AlterSchema(AlterSchema { catalog, name: schema, action }))
        }
        "index" => index::alter(c),
        "table" => alter_table::alter_table(c),
        "view" => alter_view(c),
        "materialized" if c.is_nth(1, "view") => materialized::alter(c),
        "user" if c.is_nth(1, "mapping") => Err(c.unsupported("ALTER USER MAPPING")),
        "user" | "role" | "group" => principal::alter(c),
        "storage" | "external" if storage::is_next(c) => storage::alter(c),
        _ => Err(refused::object(c, "ALTER")),
    }
}

fn namespace_action(c: &mut Cursor<'_>) -> Result<AlterNamespace> {
    if c.take_all(&["rename", "to"]) {
        return c.identifier().map(AlterNamespace::RenameTo);
    }
    if let Some(owner) = owner(c)? {
        return Ok(AlterNamespace::OwnerTo(owner));
    }
    if c.is_any(&["set", "reset", "unset", "enable", "disable", "default", "with"]) {
        return Err(c.unsupported("this change of a catalog or schema"));
    }
    Err(c.syntax_error())
}

/// `OWNER TO role`, which Databricks also writes `SET OWNER TO`.
pub fn owner(c: &mut Cursor<'_>) -> Result<Option<String>> {
    if c.take_all(&["set", "owner", "to"]) || c.take_all(&["owner", "to"]) {
        return principal::owner_name(c).map(Some);
    }
    Ok(None)
}

fn alter_view(c: &mut Cursor<'_>) -> Result<Statement> {
    c.expect("view")?;
    let if_exists = c.take_if_exists();
    let name = c.object_name()?;
    let action = if let Some(owner) = owner(c)? {
        AlterViewAction::OwnerTo(owner)
    } else if c.take_all(&["set", "schema"]) {
        AlterViewAction::SetSchema(c.identifier()?)
    } else if c.take("as") {
        let (query, definition) = create::view_query(c)?;
        AlterViewAction::As { query, definition }
    } else if c.is("rename") {
        AlterViewAction::RenameTo(alter_table::renamed(c, "RENAME COLUMN of a view")?)
    } else if c.is_any(&["set", "unset", "reset", "alter", "with"]) {
        return Err(c.unsupported("this change of a view"));
    } else {
        return Err(c.syntax_error());
    };
    Ok(Statement::AlterView(AlterView { name, if_exists, action }))
}
