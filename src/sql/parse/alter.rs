//! ALTER of catalogs, schemas, tables and views.

use sqlparser::tokenizer::Token;

use super::{create, principal, refused, storage, table};
use crate::base::name::ObjectName;
use crate::base::{Error, Result};
use crate::sql::cursor::Cursor;
use crate::sql::statement::{
    AlterCatalog, AlterNamespace, AlterSchema, AlterTable, AlterTableAction, AlterView,
    AlterViewAction, SchemaName, Statement,
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
        "table" => alter_table(c),
        "view" => alter_view(c),
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
fn owner(c: &mut Cursor<'_>) -> Result<Option<String>> {
    if c.take_all(&["set", "owner", "to"]) || c.take_all(&["owner", "to"]) {
        return principal::owner_name(c).map(Some);
    }
    Ok(None)
}

fn alter_table(c: &mut Cursor<'_>) -> Result<Statement> {
    c.expect("table")?;
    if c.is("all") {
        return Err(c.unsupported("ALTER TABLE ALL"));
    }
    let if_exists = c.take_if_exists();
    c.take("only");
    let name = c.object_name()?;
    c.take_token(&Token::Mul);
    let action = table_action(c)?;
    if *c.peek() == Token::Comma {
        return Err(c
            .unsupported("several changes in one ALTER TABLE")
            .with_hint("Write one ALTER TABLE for each."));
    }
    Ok(Statement::AlterTable(AlterTable { name, if_exists, action }))
}

fn table_action(c: &mut Cursor<'_>) -> Result<AlterTableAction> {
    if let Some(owner) = owner(c)? {
        return Ok(AlterTableAction::OwnerTo(owner));
    }
    match c.word().as_str() {
        "rename" => rename(c, "RENAME COLUMN").map(AlterTableAction::RenameTo),
        "set" => set(c),
        "add" => add(c),
        "drop" => drop(c),
        "alter" | "change" => alter_column(c),
        "unset" => Err(c.unsupported("UNSET TBLPROPERTIES")),
        "cluster" => Err(c.unsupported("CLUSTER BY")),
        "recover" => Err(c.unsupported("RECOVER PARTITIONS")),
        "replace" => Err(c.unsupported("REPLACE COLUMNS")),
        "enable" | "disable" | "force" | "no" | "validate" | "attach" | "detach" | "inherit"
        | "reset" | "replica" => Err(c.unsupported("this change of a table")),
        _ => Err(c.syntax_error()),
    }
}

fn rename(c: &mut Cursor<'_>, of_column: &str) -> Result<ObjectName> {
    c.expect("rename")?;
    if c.take("to") {
        return c.object_name();
    }
    if matches!(c.peek(), Token::Word(_)) {
        return Err(c.unsupported(of_column));
    }
    Err(c.syntax_error())
}

fn set(c: &mut Cursor<'_>) -> Result<AlterTableAction> {
    if c.take_all(&["set", "schema"]) {
        return c.identifier().map(AlterTableAction::SetSchema);
    }
    if c.take_all(&["set", "tblproperties"]) {
        return table::properties(c).map(AlterTableAction::SetProperties);
    }
    c.expect("set")?;
    match c.peek() {
        Token::LParen => {
            Err(c.unsupported("SET (…) of a table").with_hint("Use SET TBLPROPERTIES."))
        }
        Token::Word(_) => Err(c.unsupported("this SET of a table")),
        _ => Err(c.syntax_error()),
    }
}

fn add(c: &mut Cursor<'_>) -> Result<AlterTableAction> {
    c.expect("add")?;
    if let Some(check) = table::table_constraint(c)? {
        return Ok(AlterTableAction::AddCheck(check));
    }
    if c.is("partition") {
        return Err(c.unsupported("ADD PARTITION"));
    }
    c.take_any(&["column", "columns"]);
    let if_not_exists = c.take_if_not_exists();
    let mut checks = Vec::new();
    let mut columns = Vec::new();
    if *c.peek() == Token::LParen {
        columns = c.parenthesized(|c| c.list(|c| added_column(c, &mut checks)))?;
    } else {
        columns.push(added_column(c, &mut checks)?);
        // PostgreSQL repeats ADD COLUMN for each; Databricks lists them.
        while *c.peek() == Token::Comma && !c.is_nth(1, "alter") && !c.is_nth(1, "drop") {
            c.advance();
            if c.take("add") {
                c.take("column");
            }
            columns.push(added_column(c, &mut checks)?);
        }
    }
    if !checks.is_empty() {
        return Err(Error::unsupported("CHECK in ADD COLUMN")
            .with_hint("Use ALTER TABLE … ADD CONSTRAINT after it."));
    }
    Ok(AlterTableAction::AddColumns { columns, if_not_exists })
}

fn added_column(
    c: &mut Cursor<'_>,
    checks: &mut Vec<crate::sql::statement::CheckConstraint>,
) -> Result<crate::sql::statement::ColumnDefinition> {
    let column = table::column(c, checks)?;
    if c.is("first") || c.is("after") {
        return Err(c.unsupported("a place for a new column").with_hint("New columns stand last."));
    }
    Ok(column)
}

fn drop(c: &mut Cursor<'_>) -> Result<AlterTableAction> {
    c.expect("drop")?;
    if !c.take("constraint") {
        return match c.peek() {
            Token::Word(_) => Err(c.unsupported("ALTER TABLE … DROP COLUMN")),
            _ => Err(c.syntax_error()),
        };
    }
    let if_exists = c.take_if_exists();
    let name = c.identifier()?;
    c.take_any(&["restrict", "cascade"]);
    Ok(AlterTableAction::DropConstraint { name, if_exists })
}

fn alter_column(c: &mut Cursor<'_>) -> Result<AlterTableAction> {
    c.advance();
    c.take("column");
    let column = c.column_name()?;
    if c.take_all(&["drop", "not", "null"]) {
        return Ok(AlterTableAction::DropNotNull(column));
    }
    if c.take("comment") {
        let comment = c.string_or_null()?;
        return Ok(AlterTableAction::CommentColumn { column, comment });
    }
    let what = match c.word().as_str() {
        "type" => "ALTER COLUMN … TYPE",
        "set" if c.is_nth(1, "data") => "ALTER COLUMN … TYPE",
        "set" if c.is_nth(1, "not") => "ALTER COLUMN … SET NOT NULL",
        "set" if c.is_nth(1, "default") => "ALTER COLUMN … SET DEFAULT",
        "drop" | "set" | "add" | "reset" | "restart" | "first" | "after" => {
            "this change of a column"
        }
        _ => return Err(c.syntax_error()),
    };
    Err(c.unsupported(what))
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
        AlterViewAction::RenameTo(rename(c, "RENAME COLUMN of a view")?)
    } else if c.is_any(&["set", "unset", "reset", "alter", "with"]) {
        return Err(c.unsupported("this change of a view"));
    } else {
        return Err(c.syntax_error());
    };
    Ok(Statement::AlterView(AlterView { name, if_exists, action }))
}
