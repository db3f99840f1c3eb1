//! Text to [`Statement`]: the grammar, its limits and its error positions. Nothing outside this room
//! looks at SQL text, and nothing in it looks at data or names that exist.

pub mod datatype;
pub mod files;
pub mod index;
pub mod key;
pub mod maintenance;
pub mod statement;
pub mod storage;

mod changing;
mod clauses;
mod conflict;
mod copy;
mod cursor;
mod defaults;
mod depth;
mod dialect;
mod expression_columns;
pub mod output_name;
pub mod parameters;
mod parse;
pub mod place;
mod recursion;
mod relations;
mod selects;
mod session_statement;
mod rewrite;
mod row_lock;
mod shown;
mod source;
mod table_change;
mod table_definition;
mod tokens;
pub mod with;
#[cfg(test)]
mod tests;

use datafusion::arrow::datatypes::Field;

use crate::base::name::ObjectName;
use crate::base::{Error, ErrorKind, Result};
use cursor::Cursor;
use dialect::LakegateDialect;
use source::Source;
use tokens::StatementTokens;

pub use changing::TEMPORARY_SCHEMA;
pub use defaults::{DefaultValue, KeptColumns, default_expression, without_defaults};
pub use parameters::{placeholder, placeholders_by_column};
pub use relations::{CHANGED_ROWS, folded};
pub use rewrite::{ALL_FIELDS, PERIOD_END, QUANTIFIED, WHOLE_ROW};
pub use selects::selects;
pub use shown::shown;
pub use statement::Statement;

/// The bounds on one text.
#[derive(Debug, Clone, Copy)]
pub struct ParseLimits {
    /// Bytes of the whole text.
    pub statement_bytes_max: usize,
    /// Nesting of expressions and queries in one statement.
    pub statement_depth_max: usize,
}

/// One statement of a text.
#[derive(Debug, Clone)]
pub struct Parsed {
    pub statement: Statement,
    /// The highest `$n`, 0 where there is none.
    pub parameters: usize,
}

/// How many nodes may stand above one another in a syntax tree, for each level of nesting allowed: long
/// chains of operators deepen the tree without nesting in the text. With the default limit a tree can be
/// walked, copied and dropped on a thread's usual stack of 2 MiB.
const CHAIN_PER_DEPTH: usize = 3;

/// A deeper statement is parsed on a stack of its own, which is mapped but not touched until it is needed.
const DEPTH_ON_ANY_STACK: usize = 24;

/// Bytes of that stack for each level of nesting; sqlparser takes up to half of it without optimisation.
const STACK_PER_DEPTH: usize = 512 << 10;

/// Every statement in `text`. Empty statements give nothing, so an empty answer is PostgreSQL's empty query.
///
/// Positions in names and errors are 1-based characters in the whole `text`.
pub fn parse(text: &str, limits: &ParseLimits) -> Result<Vec<Parsed>> {
    if text.len() > limits.statement_bytes_max {
        return Err(Error::new(ErrorKind::ProgramLimitExceeded, "statement is too long")
            .with_detail(format!(
                "It has {} bytes; the limit is {}.",
                text.len(),
                limits.statement_bytes_max
            ))
            .with_hint("Send smaller statements, or load rows with COPY."));
    }
    let source = Source::new(text);
    let mut statements = Vec::new();
    for tokens in tokens::statements(&source)? {
        statements.push(parse_one(&source, tokens, limits)?);
    }
    Ok(statements)
}

/// `SELECT columns FROM table`, or all columns when none is named: what COPY of a table sends.
pub fn query_of_table(
    table: &ObjectName,
    columns: &[statement::ColumnName],
    limits: &ParseLimits,
) -> Result<statement::Query> {
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let parts = [table.catalog.as_deref(), table.schema.as_deref(), Some(table.object.as_str())];
    let name: Vec<String> = parts.into_iter().flatten().map(quoted).collect();
    let list = match columns {
        [] => "*".to_owned(),
        columns => columns.iter().map(|c| quoted(&c.name)).collect::<Vec<_>>().join(", "),
    };
    let text = format!("SELECT {list} FROM {}", name.join("."));
    match parse(&text, limits)?.pop().map(|parsed| parsed.statement) {
        Some(Statement::Query(query)) => Ok(query),
        _ => Err(Error::internal("a made query is none")),
    }
}

/// The columns that a text declares, `name type, …`, as the schemas of files are written.
pub fn columns(text: &str, limits: &ParseLimits) -> Result<Vec<Field>> {
    let source = Source::new(text);
    let mut statements = tokens::statements(&source)?;
    let (Some(StatementTokens { tokens, semicolon }), true) =
        (statements.pop(), statements.is_empty())
    else {
        return Err(Error::new(ErrorKind::SyntaxError, "there is not one list of columns"));
    };
    let dialect = LakegateDialect::for_tokens(&tokens);
    let mut cursor = Cursor::new(&source, &dialect, tokens, semicolon, limits.statement_depth_max);
    let columns = cursor.list(|c| parse::column(c, &mut Vec::new()))?;
    cursor.expect_end()?;
    Ok(columns.into_iter().map(|column| column.field).collect())
}

fn parse_one(
    source: &Source<'_>,
    statement: StatementTokens,
    limits: &ParseLimits,
) -> Result<Parsed> {
    let StatementTokens { tokens, semicolon } = statement;
    let parameters = tokens::highest_parameter(source, &tokens)?;
    let depth = depth::of(&tokens);
    if depth > limits.statement_depth_max.saturating_mul(CHAIN_PER_DEPTH) {
        return Err(cursor::too_deep());
    }
    let depth_max = limits.statement_depth_max;
    let read = || {
        let dialect = LakegateDialect::for_tokens(&tokens);
        let mut cursor = Cursor::new(source, &dialect, tokens, semicolon, depth_max);
        let statement = parse::statement(&mut cursor)?;
        cursor.expect_end()?;
        Ok(statement)
    };
    let statement = if depth > DEPTH_ON_ANY_STACK {
        stacker::grow(depth_max.saturating_mul(STACK_PER_DEPTH), read)?
    } else {
        read()?
    };
    Ok(Parsed { statement, parameters })
}
