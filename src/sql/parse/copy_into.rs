//! COPY INTO, which is Databricks': files of a place into a table, each of them once.

use sqlparser::tokenizer::Token;

use super::table::properties;
use crate::base::{Error, ErrorKind, Result};
use crate::sql::cursor::Cursor;
use crate::sql::files::{CopyInto, CopySource, FileSelection, Validation};
use crate::sql::statement::Statement;

/// `COPY INTO table [BY POSITION | (columns)] FROM {'place' | (SELECT … FROM 'place')} FILEFORMAT = format
/// [VALIDATE [ALL | n ROWS]] [FILES = ('name', …) | PATTERN = 'glob'] [FORMAT_OPTIONS (…)]
/// [COPY_OPTIONS (…)]`, after COPY.
pub fn copy_into(c: &mut Cursor<'_>) -> Result<Statement> {
    c.expect("into")?;
    let table = c.object_name()?;
    let by_position = c.take_all(&["by", "position"]);
    let columns = match c.peek() {
        Token::LParen if !by_position => c.column_names()?,
        _ => Vec::new(),
    };
    c.expect("from")?;
    let source = match c.peek() {
        Token::SingleQuotedString(_) => CopySource::Place(c.string()?),
        Token::LParen => query(c)?,
        _ => return Err(c.syntax_error()),
    };
    if c.is("with") {
        return Err(c
            .unsupported("WITH (CREDENTIAL …) of COPY INTO")
            .with_hint("Make an external location that covers the files."));
    }
    c.expect("fileformat")?;
    c.expect_token(&Token::Eq)?;
    let mut copy = CopyInto {
        table,
        columns,
        by_position,
        source,
        format: c.raw_label()?,
        validation: None,
        selection: FileSelection::All,
        format_options: Vec::new(),
        copy_options: Vec::new(),
    };
    while !c.at_end() {
        clause(c, &mut copy)?;
    }
    Ok(Statement::CopyInto(Box::new(copy)))
}

/// `(SELECT … FROM 'place')`
fn query(c: &mut Cursor<'_>) -> Result<CopySource> {
    let position = c.position();
    let query = c.parenthesized(Cursor::query)?;
    match query.relations.as_slice() {
        [only] if only.files.is_some() => Ok(CopySource::Query(query)),
        _ => {
            let message = "the query of COPY INTO reads one place, and nothing else";
            Err(Error::new(ErrorKind::SyntaxError, message)
                .with_hint("For example: COPY INTO t FROM (SELECT a, b FROM '/folder') …")
                .at(position))
        }
    }
}

fn clause(c: &mut Cursor<'_>, copy: &mut CopyInto) -> Result<()> {
    let word = c.word();
    match word.as_str() {
        "validate" => {
            c.advance();
            copy.validation = Some(match c.peek() {
                Token::Number(..) => {
                    let rows = c.unsigned()?;
                    c.expect("rows")?;
                    Validation::Rows(rows)
                }
                _ => {
                    c.take("all");
                    Validation::All
                }
            });
        }
        "files" | "pattern" => {
            if copy.selection != FileSelection::All {
                return Err(c.syntax_error());
            }
            c.advance();
            c.expect_token(&Token::Eq)?;
            copy.selection = match word.as_str() {
                "files" => FileSelection::Names(c.parenthesized(|c| c.list(Cursor::string))?),
                _ => FileSelection::Pattern(c.string()?),
            };
        }
        "format_options" => {
            c.advance();
            copy.format_options = properties(c)?;
        }
        "copy_options" => {
            c.advance();
            copy.copy_options = properties(c)?;
        }
        _ => return Err(c.syntax_error()),
    }
    Ok(())
}
