//! COMMENT ON.

use super::{refused, storage};
use crate::base::name::ObjectName;
use crate::base::{Error, ErrorKind, Result};
use crate::sql::cursor::{Cursor, object_name};
use crate::sql::statement::{
    ColumnName, Comment, CommentTarget, SchemaName, SecurableName, Statement,
};

pub fn comment(c: &mut Cursor<'_>) -> Result<Statement> {
    c.expect_all(&["comment", "on"])?;
    if storage::is_next(c) {
        let on = CommentTarget::Securable(storage::securable(c)?);
        c.expect("is")?;
        return Ok(Statement::Comment(Comment { on, text: c.string_or_null()? }));
    }
    let kind = c.word();
    let known = [
        "table",
        "view",
        "materialized",
        "column",
        "constraint",
        "index",
        "schema",
        "catalog",
        "database",
        "role",
        "user",
        "group",
    ];
    if !known.contains(&kind.as_str()) {
        return Err(refused::object(c, "COMMENT ON"));
    }
    c.advance();
    let on = match kind.as_str() {
        "table" => CommentTarget::Securable(SecurableName::Relation(c.object_name()?)),
        "view" => CommentTarget::Securable(SecurableName::View(c.object_name()?)),
        "materialized" => {
            c.expect("view")?;
            CommentTarget::Securable(SecurableName::MaterializedView(c.object_name()?))
        }
        "schema" => {
            let SchemaName { catalog, schema } = c.schema_name()?;
            CommentTarget::Securable(SecurableName::Schema(catalog, schema))
        }
        "catalog" | "database" => CommentTarget::Securable(SecurableName::Catalog(c.identifier()?)),
        "column" => {
            let (relation, column) = column(c)?;
            CommentTarget::Column { relation, column }
        }
        "constraint" => {
            let name = c.column_name()?;
            c.expect("on")?;
            if c.is("domain") {
                return Err(c.unsupported("COMMENT ON a constraint of a domain"));
            }
            CommentTarget::Constraint { table: c.object_name()?, name }
        }
        "index" => CommentTarget::Index(c.object_name()?),
        _ => CommentTarget::Principal(c.identifier()?),
    };
    c.expect("is")?;
    let text = c.string_or_null()?;
    Ok(Statement::Comment(Comment { on, text }))
}

/// `[[catalog.]schema.]relation.column`
fn column(c: &mut Cursor<'_>) -> Result<(ObjectName, ColumnName)> {
    let (mut parts, position) = c.name_parts()?;
    let name = parts.pop().unwrap_or_default();
    if parts.is_empty() {
        return Err(
            Error::new(ErrorKind::SyntaxError, "column name must be qualified").at(position)
        );
    }
    let relation = object_name(parts, Some(position))?;
    Ok((relation, ColumnName { name, position: Some(position) }))
}
