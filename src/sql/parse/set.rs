//! SET and RESET of settings, with the standard's spellings of some of them.

use sqlparser::tokenizer::Token;

use super::transaction;
use crate::base::Result;
use crate::sql::cursor::Cursor;
use crate::sql::statement::{SessionStatement, Set, SetConstraints, Statement, Use};

pub fn set(c: &mut Cursor<'_>) -> Result<Statement> {
    c.expect("set")?;
    if c.take_all(&["session", "characteristics", "as", "transaction"]) {
        return transaction::set_transaction(c, true);
    }
    if c.take("transaction") {
        if c.is("snapshot") {
            return Err(c.unsupported("SET TRANSACTION SNAPSHOT"));
        }
        return transaction::set_transaction(c, false);
    }
    // `SET session authorization` names a setting; elsewhere SESSION says for how long.
    let scoped = !matches!(c.peek_nth(1), Token::Eq | Token::Period) && !c.is_nth(1, "to");
    let local = scoped && c.take("local");
    if !local && scoped && !c.is_nth(1, "authorization") {
        c.take("session");
    }
    // Databricks' way to choose a catalog.
    if c.is("catalog") && matches!(c.peek_nth(1), Token::Word(_)) && !c.is_nth(1, "to") {
        c.advance();
        let target = Use::Catalog(c.identifier()?);
        return Ok(Statement::Session(SessionStatement::Use(target)));
    }
    if c.is("constraints") && !matches!(c.peek_nth(1), Token::Eq) && !c.is_nth(1, "to") {
        return set_constraints(c);
    }
    if c.is("xml") && c.is_nth(1, "option") {
        return Err(c.unsupported("SET XML OPTION"));
    }
    let (name, values) = assignment(c)?;
    Ok(Statement::Session(SessionStatement::Set(Set { local, name, values })))
}

/// `SET CONSTRAINTS ALL | name, … DEFERRED | IMMEDIATE`
fn set_constraints(c: &mut Cursor<'_>) -> Result<Statement> {
    c.expect("constraints")?;
    let constraints = if c.take("all") { Vec::new() } else { c.list(Cursor::object_name)? };
    let deferred = match c.take_any(&["deferred", "immediate"]) {
        Some(when) => when == "deferred",
        None => return Err(c.syntax_error()),
    };
    Ok(Statement::SetConstraints(SetConstraints { constraints, deferred }))
}

fn assignment(c: &mut Cursor<'_>) -> Result<(String, Option<Vec<String>>)> {
    let named =
        |name: &str, value: Option<String>| Ok((name.to_owned(), value.map(|value| vec![value])));
    if c.take_all(&["time", "zone"]) {
        let zone = time_zone(c)?;
        return named("timezone", zone);
    }
    if c.take("names") {
        let encoding = if c.at_end() || c.take("default") { None } else { Some(c.string()?) };
        return named("client_encoding", encoding);
    }
    if c.take_all(&["session", "authorization"]) {
        let user = if c.take("default") { None } else { Some(word_or_string(c)?) };
        return named("session_authorization", user);
    }
    let is_plain = matches!(c.peek_nth(1), Token::Eq) || c.is_nth(1, "to");
    if c.is("role") && !is_plain {
        c.advance();
        let role = word_or_string(c)?;
        return named("role", Some(role));
    }
    if c.is("schema") && !is_plain {
        c.advance();
        let schema = word_or_string(c)?;
        return named("search_path", Some(schema));
    }
    let name = dotted(c)?;
    if !c.take_token(&Token::Eq) {
        c.expect("to")?;
    }
    if c.take("default") {
        return Ok((name, None));
    }
    Ok((name, Some(c.list(value)?)))
}

fn word_or_string(c: &mut Cursor<'_>) -> Result<String> {
    match c.take_string() {
        Some(text) => Ok(text),
        None => c.identifier(),
    }
}

/// `name` or `prefix.name`, in lower case.
fn dotted(c: &mut Cursor<'_>) -> Result<String> {
    let (parts, _) = c.name_parts()?;
    Ok(parts.join(".").to_ascii_lowercase())
}

/// A setting after SHOW or RESET, where some have names of several words.
pub fn setting_name(c: &mut Cursor<'_>) -> Result<String> {
    let spelled: &[(&[&str], &str)] = &[
        (&["time", "zone"], "timezone"),
        (&["transaction", "isolation", "level"], "transaction_isolation"),
        (&["session", "authorization"], "session_authorization"),
    ];
    for (words, name) in spelled {
        if c.take_all(words) {
            return Ok((*name).to_owned());
        }
    }
    dotted(c)
}

/// One value: a literal, or any word such as `on`.
fn value(c: &mut Cursor<'_>) -> Result<String> {
    let start = c.position();
    match c.peek() {
        Token::SingleQuotedString(_) => c.string(),
        Token::Word(_) => c.label(),
        Token::Number(..) => {
            c.advance();
            Ok(c.text_since(start))
        }
        Token::Minus | Token::Plus if matches!(c.peek_nth(1), Token::Number(..)) => {
            c.advance();
            c.advance();
            Ok(c.text_since(start))
        }
        _ => Err(c.syntax_error()),
    }
}

/// `LOCAL` and `DEFAULT` are the server's zone.
fn time_zone(c: &mut Cursor<'_>) -> Result<Option<String>> {
    if c.take_any(&["local", "default"]).is_some() {
        return Ok(None);
    }
    if c.is("interval") && matches!(c.peek_nth(1), Token::SingleQuotedString(_)) {
        c.advance();
        let offset = c.string()?;
        if c.take("hour") {
            c.take_all(&["to", "minute"]);
        }
        return Ok(Some(offset));
    }
    value(c).map(Some)
}

pub fn reset(c: &mut Cursor<'_>) -> Result<Statement> {
    c.expect("reset")?;
    let name = if c.take("all") { None } else { Some(setting_name(c)?) };
    Ok(Statement::Session(SessionStatement::Reset(name)))
}
