//! ALTER TABLE in PostgreSQL's and Databricks' spelling.

use sqlparser::tokenizer::Token;

use super::alter;
use super::table::{self, TableConstraint};
use crate::base::name::ObjectName;
use crate::base::{Error, Result};
use crate::sql::cursor::Cursor;
use crate::sql::datatype::column_field;
use crate::sql::statement::{
    AddedColumn, AlterTable, AlterTableAction, ColumnName, ColumnPlace, DroppedConstraint,
    Statement, TableChange,
};

/// The words that changes begin with; after a comma, any other word goes on with the change before it.
const CHANGES: &[&str] =
    &["add", "alter", "change", "cluster", "drop", "owner", "rename", "set", "unset"];

pub fn alter_table(c: &mut Cursor<'_>) -> Result<Statement> {
    c.expect("table")?;
    if c.is("all") {
        return Err(c.unsupported("ALTER TABLE ALL"));
    }
    let if_exists = c.take_if_exists();
    c.take("only");
    let name = c.object_name()?;
    c.take_token(&Token::Mul);
    let action = match catalog_action(c)? {
        Some(action) => action,
        None => AlterTableAction::Change(changes(c)?),
    };
    if *c.peek() == Token::Comma {
        return Err(c
            .unsupported("this change together with others in one ALTER TABLE")
            .with_hint("Write an ALTER TABLE of its own for it."));
    }
    Ok(Statement::AlterTable(AlterTable { name, materialized: false, if_exists, action }))
}

/// What only changes the catalog.
pub fn catalog_action(c: &mut Cursor<'_>) -> Result<Option<AlterTableAction>> {
    if let Some(owner) = alter::owner(c)? {
        return Ok(Some(AlterTableAction::OwnerTo(owner)));
    }
    if c.take_all(&["set", "schema"]) {
        return c.identifier().map(AlterTableAction::SetSchema).map(Some);
    }
    if c.take_all(&["rename", "to"]) {
        return c.object_name().map(AlterTableAction::RenameTo).map(Some);
    }
    Ok(None)
}

fn changes(c: &mut Cursor<'_>) -> Result<Vec<TableChange>> {
    let mut changes = Vec::new();
    loop {
        change(c, &mut changes)?;
        if *c.peek() != Token::Comma {
            return Ok(changes);
        }
        c.advance();
        if c.is("owner") || c.is("rename") && c.is_nth(1, "to") {
            return Err(c
                .unsupported("this change together with others in one ALTER TABLE")
                .with_hint("Write an ALTER TABLE of its own for it."));
        }
    }
}

fn change(c: &mut Cursor<'_>, changes: &mut Vec<TableChange>) -> Result<()> {
    match c.word().as_str() {
        "rename" => changes.push(rename(c)?),
        "set" => changes.push(set(c)?),
        "unset" => changes.push(unset(c)?),
        "add" => add(c, changes)?,
        "drop" => changes.push(drop(c)?),
        "alter" | "change" => alter_column(c, changes)?,
        "cluster" => changes.push(cluster(c)?),
        "recover" => return Err(c.unsupported("RECOVER PARTITIONS")),
        "replace" => return Err(c.unsupported("REPLACE COLUMNS")),
        "enable" | "disable" | "force" | "no" | "validate" | "attach" | "detach" | "inherit"
        | "reset" | "replica" => return Err(c.unsupported("this change of a table")),
        _ => return Err(c.syntax_error()),
    }
    Ok(())
}

pub fn rename(c: &mut Cursor<'_>) -> Result<TableChange> {
    c.expect("rename")?;
    if c.is("constraint") && !c.is_nth(1, "to") {
        return Err(c.unsupported("RENAME CONSTRAINT"));
    }
    if !c.is_nth(1, "to") {
        c.take("column");
    }
    let column = column_name(c)?;
    c.expect("to")?;
    Ok(TableChange::RenameColumn { column, to: c.identifier()? })
}

fn set(c: &mut Cursor<'_>) -> Result<TableChange> {
    if c.take_all(&["set", "tblproperties"]) {
        return table::properties(c).map(TableChange::SetProperties);
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

fn unset(c: &mut Cursor<'_>) -> Result<TableChange> {
    c.expect("unset")?;
    if !c.is("tblproperties") {
        return Err(c.unsupported("this UNSET of a table"));
    }
    c.advance();
    let if_exists = c.take_if_exists();
    let keys = c.parenthesized(|c| c.list(table::property_key))?;
    Ok(TableChange::UnsetProperties { keys, if_exists })
}

fn add(c: &mut Cursor<'_>, changes: &mut Vec<TableChange>) -> Result<()> {
    c.expect("add")?;
    if let Some(constraint) = table::table_constraint(c)? {
        changes.push(added_constraint(constraint));
        return Ok(());
    }
    if c.is("partition") {
        return Err(c.unsupported("ADD PARTITION"));
    }
    c.take_any(&["column", "columns"]);
    let if_not_exists = c.take_if_not_exists();
    let mut constraints = Vec::new();
    let mut columns = Vec::new();
    if *c.peek() == Token::LParen {
        columns = c.parenthesized(|c| c.list(|c| added_column(c, &mut constraints)))?;
    } else {
        columns.push(added_column(c, &mut constraints)?);
        while goes_on(c) {
            c.advance();
            columns.push(added_column(c, &mut constraints)?);
        }
    }
    changes.push(TableChange::AddColumns { columns, if_not_exists });
    changes.extend(constraints.into_iter().map(added_constraint));
    Ok(())
}

fn added_constraint(constraint: TableConstraint) -> TableChange {
    match constraint {
        TableConstraint::Check(check) => TableChange::AddCheck(check),
        TableConstraint::Key(key) => TableChange::AddKey(key),
    }
}

/// Whether a comma and no word that begins a change come next.
fn goes_on(c: &Cursor<'_>) -> bool {
    *c.peek() == Token::Comma && !CHANGES.iter().any(|word| c.is_nth(1, word))
}

fn added_column(c: &mut Cursor<'_>, constraints: &mut Vec<TableConstraint>) -> Result<AddedColumn> {
    let definition = table::column(c, constraints)?;
    let place = place(c)?;
    Ok(AddedColumn { definition, place })
}

/// `FIRST` or `AFTER column`.
fn place(c: &mut Cursor<'_>) -> Result<Option<ColumnPlace>> {
    if c.take("first") {
        return Ok(Some(ColumnPlace::First));
    }
    if c.take("after") {
        return column_name(c).map(ColumnPlace::After).map(Some);
    }
    Ok(None)
}

fn drop(c: &mut Cursor<'_>) -> Result<TableChange> {
    c.expect("drop")?;
    if c.take("constraint") {
        let if_exists = c.take_if_exists();
        let name = DroppedConstraint::Named(c.identifier()?);
        return Ok(TableChange::DropConstraint { name, if_exists, cascade: cascades(c) });
    }
    if c.take_all(&["primary", "key"]) {
        let if_exists = c.take_if_exists();
        let name = DroppedConstraint::PrimaryKey;
        return Ok(TableChange::DropConstraint { name, if_exists, cascade: cascades(c) });
    }
    if c.take_all(&["foreign", "key"]) {
        let if_exists = c.take_if_exists();
        let name = DroppedConstraint::ForeignKey(c.column_names()?);
        return Ok(TableChange::DropConstraint { name, if_exists, cascade: false });
    }
    if c.is("partition") {
        return Err(c.unsupported("DROP PARTITION"));
    }
    c.take_any(&["column", "columns"]);
    let if_exists = c.take_if_exists();
    let columns = match c.peek() {
        Token::LParen => c.parenthesized(|c| c.list(column_name))?,
        _ => {
            let mut columns = vec![column_name(c)?];
            while goes_on(c) {
                c.advance();
                columns.push(column_name(c)?);
            }
            columns
        }
    };
    Ok(TableChange::DropColumns { columns, if_exists, cascade: cascades(c) })
}

fn cascades(c: &mut Cursor<'_>) -> bool {
    c.take_any(&["restrict", "cascade"]) == Some("cascade")
}

fn alter_column(c: &mut Cursor<'_>, changes: &mut Vec<TableChange>) -> Result<()> {
    c.advance();
    if c.is("constraint") {
        return Err(c.unsupported("ALTER CONSTRAINT"));
    }
    c.take("column");
    loop {
        let column = column_name(c)?;
        changes.push(column_change(c, column)?);
        // Databricks lists several columns after one ALTER COLUMN.
        if !goes_on(c) {
            return Ok(());
        }
        c.advance();
    }
}

fn column_change(c: &mut Cursor<'_>, column: ColumnName) -> Result<TableChange> {
    if c.take_all(&["drop", "not", "null"]) {
        return Ok(TableChange::DropNotNull(column));
    }
    if c.take_all(&["set", "not", "null"]) {
        return Ok(TableChange::SetNotNull(column));
    }
    if c.take_all(&["drop", "default"]) {
        return Ok(TableChange::SetDefault { column, expression: None });
    }
    if c.take_all(&["set", "default"]) {
        let expression = Some(c.expression_text()?);
        return Ok(TableChange::SetDefault { column, expression });
    }
    if c.take("comment") {
        let comment = c.string_or_null()?;
        return Ok(TableChange::CommentColumn { column, comment });
    }
    if c.take_all(&["set", "data", "type"]) || c.take("type") {
        return set_type(c, column);
    }
    if let Some(place) = place(c)? {
        return Ok(TableChange::MoveColumn { column, place });
    }
    if c.is_any(&["drop", "set", "add", "reset", "restart", "sync"]) {
        return Err(c.unsupported("this change of a column"));
    }
    Err(c.syntax_error())
}

fn set_type(c: &mut Cursor<'_>, column: ColumnName) -> Result<TableChange> {
    let position = c.position();
    let data_type = c.data_type()?;
    if c.is("using") {
        return Err(Error::unsupported("ALTER COLUMN … TYPE … USING").at(c.position()).with_hint(
            "Add a column of the new type, UPDATE it from the old one, and drop that.",
        ));
    }
    if c.is("collate") {
        return Err(c.unsupported("COLLATE of a column"));
    }
    let field = column_field(&column.name, &data_type, true)
        .map_err(|error| error.at_if(Some(position)))?;
    Ok(TableChange::SetType { column, field })
}

fn cluster(c: &mut Cursor<'_>) -> Result<TableChange> {
    c.expect_all(&["cluster", "by"])?;
    clustering(c).map(TableChange::ClusterBy)
}

/// `(a, b)`, or `NONE` for no columns.
pub fn clustering(c: &mut Cursor<'_>) -> Result<Vec<ColumnName>> {
    if c.take("none") {
        return Ok(Vec::new());
    }
    if c.is("auto") {
        return Err(c.unsupported("CLUSTER BY AUTO").with_hint("Name the columns."));
    }
    c.parenthesized(|c| c.list(column_name))
}

/// A column of the table; fields inside of columns have no changes of their own.
fn column_name(c: &mut Cursor<'_>) -> Result<ColumnName> {
    let name = c.column_name()?;
    if *c.peek() == Token::Period {
        return Err(c.unsupported("a change of a field inside a column"));
    }
    Ok(name)
}

/// The new name of a view.
pub fn renamed(c: &mut Cursor<'_>, of_column: &str) -> Result<ObjectName> {
    c.expect("rename")?;
    if c.take("to") {
        return c.object_name();
    }
    match c.peek() {
        Token::Word(_) => Err(c.unsupported(of_column)),
        _ => Err(c.syntax_error()),
    }
}
