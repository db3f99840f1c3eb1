//! EXPLAIN, in PostgreSQL's two spellings and with Databricks' EXTENDED.

use sqlparser::tokenizer::Token;

use crate::base::{Error, ErrorKind, Result};
use crate::sql::cursor::Cursor;
use crate::sql::statement::{Explain, ExplainFormat, Statement};

pub fn explain(c: &mut Cursor<'_>) -> Result<Statement> {
    c.expect("explain")?;
    let mut analyze = false;
    let mut verbose = false;
    let mut format = ExplainFormat::Text;
    if *c.peek() == Token::LParen && !c.begins_query() {
        c.parenthesized(|c| {
            c.list(|c| option(c, &mut analyze, &mut verbose, &mut format)).map(|_| ())
        })?;
    } else {
        if c.is_any(&["formatted", "cost", "codegen", "logical"]) {
            return Err(c.unsupported("this form of EXPLAIN"));
        }
        analyze = c.take_any(&["analyze", "analyse"]).is_some();
        verbose = c.take_any(&["verbose", "extended"]).is_some();
    }
    let position = c.position();
    let statement = super::statement(c)?;
    match &statement {
        Statement::Query(_)
        | Statement::Insert(_)
        | Statement::Update(_)
        | Statement::Delete(_)
        | Statement::Merge(_) => {}
        Statement::CreateTable(table) if table.query.is_some() => {}
        _ => return Err(Error::unsupported("EXPLAIN of this statement").at(position)),
    }
    Ok(Statement::Explain(Explain { analyze, verbose, format, statement: Box::new(statement) }))
}

fn option(
    c: &mut Cursor<'_>,
    analyze: &mut bool,
    verbose: &mut bool,
    format: &mut ExplainFormat,
) -> Result<()> {
    let position = c.position();
    let name = c.label()?;
    match name.as_str() {
        "analyze" | "analyse" => *analyze = boolean(c)?,
        "verbose" => *verbose = boolean(c)?,
        "format" => {
            *format = match c.word().as_str() {
                "text" => ExplainFormat::Text,
                "json" => ExplainFormat::Json,
                "xml" | "yaml" => return Err(c.unsupported("this format of EXPLAIN")),
                _ => return Err(c.syntax_error()),
            };
            c.advance();
        }
        // These choose what PostgreSQL shows beside its plan nodes; ours have one form.
        "costs" | "buffers" | "timing" | "summary" | "settings" | "wal" | "memory" => {
            boolean(c)?;
        }
        "generic_plan" | "serialize" => {
            let what = format!("EXPLAIN ({})", name.to_ascii_uppercase());
            return Err(Error::unsupported(what).at(position));
        }
        _ => {
            let message = format!("unrecognized EXPLAIN option \"{name}\"");
            return Err(Error::new(ErrorKind::SyntaxError, message).at(position));
        }
    }
    Ok(())
}

/// `[ON | OFF | TRUE | FALSE | 1 | 0]`; an option alone is on.
fn boolean(c: &mut Cursor<'_>) -> Result<bool> {
    if matches!(c.peek(), Token::Comma | Token::RParen) {
        return Ok(true);
    }
    if c.take_any(&["on", "true"]).is_some() {
        return Ok(true);
    }
    if c.take_any(&["off", "false"]).is_some() {
        return Ok(false);
    }
    match c.unsigned()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(c.syntax_error()),
    }
}
