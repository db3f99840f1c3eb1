//! CREATE TABLE in PostgreSQL's and Databricks' spelling, and the columns, constraints and properties that
//! ALTER TABLE shares with it.

use sqlparser::ast;
use sqlparser::tokenizer::Token;

use super::{alter_table, key, maintenance, prepare};
use crate::base::name::ObjectName;
use crate::base::{Error, ErrorKind, Result};
use crate::sql::cursor::{Cursor, SelectTarget};
use crate::sql::datatype::column_field;
use crate::sql::expression_columns::columns_of;
use crate::sql::files::FilesFormat;
use crate::sql::statement::{
    CheckConstraint, CloneOf, ColumnDefinition, ColumnName, CreateTable, IdentityColumn,
    KeyConstraint, KeyKind, OnCommit, Query, Statement,
};

/// A constraint of a table or of one of its columns.
pub enum TableConstraint {
    Check(CheckConstraint),
    Key(KeyConstraint),
}

pub fn create_table(c: &mut Cursor<'_>, or_replace: bool, temporary: bool) -> Result<Statement> {
    c.expect("table")?;
    let if_not_exists = c.take_if_not_exists();
    let mut table = CreateTable { or_replace, if_not_exists, ..named(c.object_name()?, temporary) };
    let shallow = c.take_any(&["deep", "shallow"]) == Some("shallow");
    if c.take("clone") {
        let source = c.object_name()?;
        table.clone_of = Some(CloneOf { source, at: maintenance::time_travel(c)?, shallow });
    } else if shallow {
        return Err(c.syntax_error());
    }
    if c.is("like") {
        return Err(c.unsupported("CREATE TABLE … LIKE"));
    }
    if c.is("of") || c.is("partition") {
        return Err(c.unsupported("a typed or partition table"));
    }
    if *c.peek() == Token::LParen && !c.begins_query() {
        elements(c, &mut table)?;
    }
    while !c.at_end() && !c.is("as") && !begins_source(c) {
        clause(c, &mut table)?;
    }
    if c.take("as") || begins_source(c) {
        as_query(c, &mut table)?;
    }
    for key in table.keys.iter().filter(|key| matches!(key.kind, KeyKind::Primary)) {
        for ColumnDefinition { field, .. } in &mut table.columns {
            if key.columns.iter().any(|column| column.name == *field.name()) {
                field.set_nullable(false);
            }
        }
    }
    Ok(Statement::CreateTable(Box::new(table)))
}

/// A table of which nothing but its name has been read.
pub fn named(name: ObjectName, temporary: bool) -> CreateTable {
    CreateTable {
        name,
        temporary: temporary.then_some(OnCommit::PreserveRows),
        or_replace: false,
        if_not_exists: false,
        columns: Vec::new(),
        checks: Vec::new(),
        keys: Vec::new(),
        partitioned_by: Vec::new(),
        location: None,
        properties: Vec::new(),
        comment: None,
        query: None,
        execute: None,
        column_names: Vec::new(),
        materialized: None,
        no_data: false,
        cluster_by: Vec::new(),
        clone_of: None,
        files: None,
    }
}

/// The table that `SELECT … INTO` makes.
pub fn select_into(target: SelectTarget, query: Query) -> Statement {
    let table = named(target.name, target.temporary);
    Statement::CreateTable(Box::new(CreateTable { query: Some(query), ..table }))
}

/// A query without AS, which Databricks allows; `WITH (` holds PostgreSQL's storage parameters.
fn begins_source(c: &Cursor<'_>) -> bool {
    c.begins_query() && !(c.is("with") && *c.peek_nth(1) == Token::LParen)
}

/// `(column type …, CONSTRAINT …)`
fn elements(c: &mut Cursor<'_>, table: &mut CreateTable) -> Result<()> {
    c.expect_token(&Token::LParen)?;
    if c.take_token(&Token::RParen) {
        return Ok(());
    }
    if only_names(c) {
        table.column_names = c.list(Cursor::column_name)?;
        return c.expect_token(&Token::RParen);
    }
    loop {
        if let Some(constraint) = table_constraint(c)? {
            constrain(table, [constraint]);
        } else if c.is("like") {
            return Err(c.unsupported("LIKE in CREATE TABLE"));
        } else {
            let mut constraints = Vec::new();
            table.columns.push(column(c, &mut constraints)?);
            constrain(table, constraints);
        }
        if !c.take_token(&Token::Comma) {
            break;
        }
    }
    c.expect_token(&Token::RParen)
}

fn constrain(table: &mut CreateTable, constraints: impl IntoIterator<Item = TableConstraint>) {
    for constraint in constraints {
        match constraint {
            TableConstraint::Check(check) => table.checks.push(check),
            TableConstraint::Key(key) => table.keys.push(key),
        }
    }
}

fn only_names(c: &Cursor<'_>) -> bool {
    matches!(c.peek(), Token::Word(_)) && matches!(c.peek_nth(1), Token::Comma | Token::RParen)
}

/// A constraint of the table, where one stands next.
pub fn table_constraint(c: &mut Cursor<'_>) -> Result<Option<TableConstraint>> {
    let name = if c.is("constraint") && matches!(c.peek_nth(1), Token::Word(_)) {
        c.advance();
        Some(c.identifier()?)
    } else {
        None
    };
    if c.is("check") && *c.peek_nth(1) == Token::LParen {
        return check(c, name).map(TableConstraint::Check).map(Some);
    }
    let is_named = name.is_some();
    match key::of_table(c, name)? {
        None if is_named => Err(c.syntax_error()),
        key => Ok(key.map(TableConstraint::Key)),
    }
}

/// `CHECK (expression)`
fn check(c: &mut Cursor<'_>, name: Option<String>) -> Result<CheckConstraint> {
    c.expect("check")?;
    let (expression, mut columns) = c.parenthesized(|c| {
        let start = c.position();
        let columns = columns_of(&c.expression()?.ast);
        Ok((c.text_since(start), columns))
    })?;
    columns.sort_unstable();
    columns.dedup();
    let column = if columns.len() == 1 { columns.pop() } else { None };
    if c.is("no") || c.is("not") && !c.is_nth(1, "null") {
        return Err(c.unsupported("this option of CHECK"));
    }
    Ok(CheckConstraint { name, expression, column })
}

/// One column with its constraints; CHECK and keys go to the table's.
pub fn column(
    c: &mut Cursor<'_>,
    constraints: &mut Vec<TableConstraint>,
) -> Result<ColumnDefinition> {
    let position = Some(c.position());
    let name = c.identifier()?;
    let type_position = c.position();
    let serial = serial(c);
    let data_type = match serial {
        Some(ref data_type) => data_type.clone(),
        None => c.data_type()?,
    };
    let mut nullable = serial.is_none();
    let mut generated = None;
    let mut default = None;
    let mut identity = serial.map(|_| IdentityColumn { start: 1, step: 1, by_default: true });
    let mut comment = None;
    loop {
        let constraint = if c.is("constraint") {
            c.advance();
            Some(c.identifier()?)
        } else {
            None
        };
        match c.word().as_str() {
            "not" => {
                c.expect_all(&["not", "null"])?;
                nullable = false;
            }
            "null" => c.advance(),
            "comment" => {
                c.advance();
                comment = Some(c.string()?);
            }
            "check" => constraints.push(TableConstraint::Check(check(c, constraint)?)),
            "generated" => match generation(c)? {
                Generation::Expression(sql) => generated = Some(sql),
                Generation::Identity(numbers) => {
                    identity = Some(numbers);
                    nullable = false;
                }
            },
            "default" => {
                if identity.is_some() {
                    return Err(several_defaults(&name, c.position()));
                }
                c.advance();
                default = Some(c.expression_text()?);
            }
            "primary" | "unique" | "references" | "foreign" => {
                let column = ColumnName { name: name.clone(), position };
                constraints.push(TableConstraint::Key(key::of_column(c, constraint, column)?));
            }
            "collate" => return Err(c.unsupported("COLLATE of a column")),
            "mask" => return Err(c.unsupported("MASK")),
            "storage" | "compression" => return Err(c.unsupported("storage of a column")),
            _ if constraint.is_some() => return Err(c.syntax_error()),
            _ => break,
        }
    }
    let field = column_field(&name, &data_type, nullable)
        .map_err(|error| error.at_if(Some(type_position)))?;
    Ok(ColumnDefinition { field, generated, default, identity, comment, position })
}

/// `serial` and its kin, which are no types: a number that the table gives where the statement gives none.
fn serial(c: &mut Cursor<'_>) -> Option<ast::DataType> {
    let data_type = match c.word().as_str() {
        "smallserial" | "serial2" => ast::DataType::SmallInt(None),
        "serial" | "serial4" => ast::DataType::Integer(None),
        "bigserial" | "serial8" => ast::DataType::BigInt(None),
        _ => return None,
    };
    c.advance();
    Some(data_type)
}

fn several_defaults(column: &str, position: usize) -> Error {
    let what = format!("multiple default values specified for column \"{column}\"");
    Error::new(ErrorKind::SyntaxError, what).at(position)
}

/// Where the values of a column come from.
enum Generation {
    /// An expression, as text.
    Expression(String),
    Identity(IdentityColumn),
}

/// `GENERATED ALWAYS AS (expression) [STORED]` or `GENERATED {ALWAYS | BY DEFAULT} AS IDENTITY […]`.
fn generation(c: &mut Cursor<'_>) -> Result<Generation> {
    c.expect("generated")?;
    let by_default = c.take_all(&["by", "default"]);
    if !by_default {
        c.expect("always")?;
    }
    c.expect("as")?;
    if c.take("identity") {
        return identity(c, by_default).map(Generation::Identity);
    }
    if by_default {
        return Err(c.syntax_error());
    }
    let expression = c.parenthesized(Cursor::expression_text)?;
    if c.is("virtual") {
        return Err(c.unsupported("a VIRTUAL generated column"));
    }
    c.take("stored");
    Ok(Generation::Expression(expression))
}

/// `[(START [WITH] n INCREMENT [BY] n)]`, in any order.
fn identity(c: &mut Cursor<'_>, by_default: bool) -> Result<IdentityColumn> {
    let mut identity = IdentityColumn { start: 1, step: 1, by_default };
    if !c.take_token(&Token::LParen) {
        return Ok(identity);
    }
    while !c.take_token(&Token::RParen) {
        match c.take_any(&["start", "increment"]) {
            Some("start") => {
                c.take("with");
                identity.start = signed(c)?;
            }
            Some(_) => {
                c.take("by");
                identity.step = signed(c)?;
            }
            None if takes_default(c)? => {}
            None => return Err(c.unsupported("this option of IDENTITY")),
        }
    }
    if identity.step == 0 {
        let message = "INCREMENT must not be zero";
        return Err(Error::new(ErrorKind::InvalidParameterValue, message).at(c.position()));
    }
    Ok(identity)
}

/// An option that says what holds of every identity column: numbers that end with bigint, and never come again.
/// `CACHE` is how many PostgreSQL takes at once.
fn takes_default(c: &mut Cursor<'_>) -> Result<bool> {
    if c.take("cache") {
        return c.unsigned().map(|_| true);
    }
    Ok(["minvalue", "maxvalue", "cycle"].iter().any(|word| c.take_all(&["no", word])))
}

fn signed(c: &mut Cursor<'_>) -> Result<i64> {
    let is_negative = c.take_token(&Token::Minus);
    let number = i64::try_from(c.unsigned()?).map_err(|_| c.syntax_error())?;
    Ok(if is_negative { -number } else { number })
}

/// One clause after the columns.
fn clause(c: &mut Cursor<'_>, table: &mut CreateTable) -> Result<()> {
    match c.word().as_str() {
        "using" => {
            c.advance();
            if c.take("delta") {
                return Ok(());
            }
            let Some(format) = c.take_any(&["parquet", "csv", "json"]) else {
                return Err(c
                    .unsupported(&format!("a table USING {}", c.word()))
                    .with_hint("Tables are DELTA, and for reading PARQUET, CSV or JSON."));
            };
            table.files = Some(FilesFormat { name: format.to_owned(), options: Vec::new() });
            Ok(())
        }
        "partitioned" => {
            c.expect_all(&["partitioned", "by"])?;
            partitions(c, table)
        }
        "partition" => Err(c
            .unsupported("PARTITION BY")
            .with_hint("Use PARTITIONED BY (column, …) for a Delta table's partitions.")),
        "cluster" => {
            c.expect_all(&["cluster", "by"])?;
            table.cluster_by = alter_table::clustering(c)?;
            Ok(())
        }
        "clustered" => Err(c.unsupported("CLUSTERED BY").with_hint("Use CLUSTER BY.")),
        "comment" => {
            c.advance();
            c.take_token(&Token::Eq);
            table.comment = Some(c.string()?);
            Ok(())
        }
        "tblproperties" => {
            c.advance();
            table.properties.extend(properties(c)?);
            Ok(())
        }
        "location" => {
            c.advance();
            table.location = Some(c.string()?);
            Ok(())
        }
        "with" => Err(c.unsupported("WITH of a table").with_hint("Use TBLPROPERTIES.")),
        "inherits" => Err(c.unsupported("INHERITS")),
        "tablespace" => Err(c.unsupported("TABLESPACE")),
        "options" => match &mut table.files {
            Some(files) => {
                c.advance();
                files.options = properties(c)?;
                Ok(())
            }
            None => Err(c.unsupported("OPTIONS of a Delta table").with_hint("Use TBLPROPERTIES.")),
        },
        "on" => {
            let position = c.position();
            c.expect_all(&["on", "commit"])?;
            let wanted = on_commit(c)?;
            match &mut table.temporary {
                Some(on_commit) => *on_commit = wanted,
                None => {
                    let message = "ON COMMIT can only be used on temporary tables";
                    let error = Error::new(ErrorKind::InvalidTableDefinition, message);
                    return Err(error.at(position));
                }
            }
            Ok(())
        }
        "default" => Err(c.unsupported("DEFAULT COLLATION")),
        _ => Err(c.syntax_error()),
    }
}

/// What follows `ON COMMIT`.
fn on_commit(c: &mut Cursor<'_>) -> Result<OnCommit> {
    if c.take_all(&["preserve", "rows"]) {
        return Ok(OnCommit::PreserveRows);
    }
    if c.take_all(&["delete", "rows"]) {
        return Ok(OnCommit::DeleteRows);
    }
    c.expect("drop")?;
    Ok(OnCommit::Drop)
}

/// `(a, b)`, or as Hive wrote it `(a int, b text)`, which adds the columns to the table.
fn partitions(c: &mut Cursor<'_>, table: &mut CreateTable) -> Result<()> {
    let mut names: Vec<ColumnName> = Vec::new();
    c.parenthesized(|c| {
        c.list(|c| {
            if matches!(c.peek_nth(1), Token::LParen) {
                return Err(c
                    .unsupported("a transform in PARTITIONED BY")
                    .with_hint("Add a generated column and partition by it."));
            }
            if matches!(c.peek_nth(1), Token::Comma | Token::RParen) {
                names.push(c.column_name()?);
            } else {
                let mut constraints = Vec::new();
                let definition = column(c, &mut constraints)?;
                constrain(table, constraints);
                let name = definition.field.name().clone();
                names.push(ColumnName { name, position: definition.position });
                table.columns.push(definition);
            }
            Ok(())
        })
        .map(|_| ())
    })?;
    table.partitioned_by = names;
    Ok(())
}

/// `('key' = 'value', key.part = 3)`
pub fn properties(c: &mut Cursor<'_>) -> Result<Vec<(String, String)>> {
    c.parenthesized(|c| {
        c.list(|c| {
            let key = property_key(c)?;
            c.take_token(&Token::Eq);
            Ok((key, property_value(c)?))
        })
    })
}

/// Keys keep their case: `delta.appendOnly`.
pub fn property_key(c: &mut Cursor<'_>) -> Result<String> {
    if let Some(key) = c.take_string() {
        return Ok(key);
    }
    let mut key = c.raw_label()?;
    while c.take_token(&Token::Period) {
        key.push('.');
        key.push_str(&c.raw_label()?);
    }
    Ok(key)
}

fn property_value(c: &mut Cursor<'_>) -> Result<String> {
    let start = c.position();
    match c.peek() {
        Token::SingleQuotedString(_) => c.string(),
        Token::Word(_) => c.raw_label(),
        Token::Number(..) => {
            c.advance();
            Ok(c.text_since(start))
        }
        Token::Minus if matches!(c.peek_nth(1), Token::Number(..)) => {
            c.advance();
            c.advance();
            Ok(c.text_since(start))
        }
        _ => Err(c.syntax_error()),
    }
}

fn as_query(c: &mut Cursor<'_>, table: &mut CreateTable) -> Result<()> {
    if !table.columns.is_empty() {
        let message = "CREATE TABLE … AS takes its columns from the query";
        return Err(Error::new(ErrorKind::SyntaxError, message)
            .with_hint("Leave the column definitions out, or cast in the query.")
            .at(c.position()));
    }
    match c.is("execute") {
        true => table.execute = Some(prepare::execution(c)?),
        false => table.query = Some(c.query()?),
    }
    table.no_data = c.take_all(&["with", "no", "data"]);
    if !table.no_data {
        c.take_all(&["with", "data"]);
    }
    Ok(())
}
