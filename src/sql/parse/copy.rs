//! COPY between a table or query and the client, with the options of all PostgreSQL versions.

use sqlparser::tokenizer::Token;

use super::copy_into;
use crate::base::{Error, ErrorKind, Result};
use crate::sql::cursor::Cursor;
use crate::sql::statement::{
    Copy, CopyDirection, CopyOption, CopyOptionValue, Expression, Statement,
};

pub fn copy(c: &mut Cursor<'_>) -> Result<Statement> {
    c.expect("copy")?;
    let mut options = Vec::new();
    if c.is("into") {
        return copy_into::copy_into(c);
    }
    let position = Some(c.position());
    if c.is("binary") && matches!(c.peek_nth(1), Token::Word(_)) && c.take("binary") {
        options.push(text_option("format", "binary", position));
    }
    let direction = if *c.peek() == Token::LParen {
        let query = c.parenthesized(Cursor::query)?;
        c.expect("to")?;
        CopyDirection::QueryOut(query)
    } else {
        let table = c.object_name()?;
        let columns = if *c.peek() == Token::LParen { c.column_names()? } else { Vec::new() };
        if c.take("from") {
            CopyDirection::In { table, columns }
        } else {
            c.expect("to")?;
            CopyDirection::TableOut { table, columns }
        }
    };
    endpoint(c)?;
    if c.take("with") && *c.peek() != Token::LParen && c.at_end() {
        return Err(c.syntax_error());
    }
    if *c.peek() == Token::LParen {
        options.extend(c.parenthesized(|c| c.list(option))?);
    } else {
        while !c.at_end() && !c.is("where") {
            legacy_option(c, &mut options)?;
        }
    }
    let predicate = if c.is("where") { Some(predicate(c, &direction)?) } else { None };
    Ok(Statement::Copy(Copy { direction, options, predicate }))
}

fn predicate(c: &mut Cursor<'_>, direction: &CopyDirection) -> Result<Expression> {
    let position = c.position();
    c.expect("where")?;
    match direction {
        CopyDirection::In { .. } => {}
        CopyDirection::TableOut { .. } | CopyDirection::QueryOut(_) => {
            let message = "WHERE clause not allowed with COPY TO";
            return Err(Error::new(ErrorKind::SyntaxError, message).at(position));
        }
    }
    c.expression()
}

/// STDIN and STDOUT are one word to PostgreSQL: the direction decides.
fn endpoint(c: &mut Cursor<'_>) -> Result<()> {
    if c.take_any(&["stdin", "stdout"]).is_some() {
        return Ok(());
    }
    match c.peek() {
        Token::SingleQuotedString(_) => Err(c
            .unsupported("COPY to or from a file of the server")
            .with_hint("Use STDIN or STDOUT; psql's \\copy does so with a file of the client.")),
        _ if c.is("program") => Err(c.unsupported("COPY with PROGRAM")),
        _ => Err(c.syntax_error()),
    }
}

fn text_option(name: &str, value: &str, position: Option<usize>) -> CopyOption {
    let value = CopyOptionValue::Text(value.to_owned());
    CopyOption { name: name.to_owned(), value, position }
}

/// `name [value]` inside parentheses.
fn option(c: &mut Cursor<'_>) -> Result<CopyOption> {
    let position = Some(c.position());
    let name = c.label()?.to_ascii_lowercase();
    let value = match c.peek() {
        Token::Comma | Token::RParen => CopyOptionValue::None,
        Token::Mul => {
            c.advance();
            CopyOptionValue::All
        }
        Token::LParen => CopyOptionValue::List(c.parenthesized(|c| c.list(Cursor::label))?),
        Token::SingleQuotedString(_) => CopyOptionValue::Text(c.string()?),
        Token::Number(..) => CopyOptionValue::Text(c.unsigned()?.to_string()),
        _ => CopyOptionValue::Text(c.label()?),
    };
    Ok(CopyOption { name, value, position })
}

/// One option of the syntax before PostgreSQL 9.0, under its present name.
fn legacy_option(c: &mut Cursor<'_>, options: &mut Vec<CopyOption>) -> Result<()> {
    let position = Some(c.position());
    let word = c.word();
    let name = match word.as_str() {
        "binary" | "csv" => {
            c.advance();
            options.push(text_option("format", &word, position));
            return Ok(());
        }
        "header" | "freeze" => {
            c.advance();
            options.push(CopyOption { name: word, value: CopyOptionValue::None, position });
            return Ok(());
        }
        "force" => {
            options.push(force(c)?);
            return Ok(());
        }
        "delimiters" => "delimiter",
        "delimiter" | "null" | "quote" | "escape" | "encoding" => word.as_str(),
        _ => return Err(c.syntax_error()),
    };
    c.advance();
    c.take("as");
    let value = c.string()?;
    options.push(text_option(name, &value, position));
    Ok(())
}

/// `FORCE QUOTE`, `FORCE NOT NULL`, `FORCE NULL`
fn force(c: &mut Cursor<'_>) -> Result<CopyOption> {
    let position = Some(c.position());
    c.expect("force")?;
    let name = if c.take("quote") {
        "force_quote"
    } else if c.take_all(&["not", "null"]) {
        "force_not_null"
    } else {
        c.expect("null")?;
        "force_null"
    };
    let value = if c.take_token(&Token::Mul) {
        CopyOptionValue::All
    } else {
        CopyOptionValue::List(c.list(Cursor::identifier)?)
    };
    Ok(CopyOption { name: name.to_owned(), value, position })
}
