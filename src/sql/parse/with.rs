//! WITH in front of UPDATE, DELETE and MERGE, and WITH that holds a statement that changes rows.

use sqlparser::tokenizer::{Token, Word};

use super::{insert, merge, update};
use crate::base::{Error, ErrorKind, Result};
use crate::sql::cursor::Cursor;
use crate::sql::statement::Statement;
use crate::sql::with::{With, WithItem, WithPart};

/// What a statement that begins with WITH is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WithKind {
    Query,
    /// Queries in front of INSERT, which are part of its query.
    Insert,
    /// Everything else that changes rows.
    Parts,
}

/// The words that changes of rows begin with.
const CHANGES: [&str; 4] = ["insert", "update", "delete", "merge"];

/// Looks ahead from WITH.
pub fn kind(c: &Cursor<'_>) -> WithKind {
    let word = |token: &Token| match token {
        Token::Word(Word { value, quote_style: None, .. }) => value.to_ascii_lowercase(),
        _ => String::new(),
    };
    let is_change = |word: &str| CHANGES.contains(&word);
    let (mut depth, mut opens_item, mut closes) = (0_usize, false, false);
    let mut main = None;
    for token in c.rest() {
        let text = word(token);
        match token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            Token::Word(_) if depth == 1 && opens_item && is_change(&text) => {
                return WithKind::Parts;
            }
            Token::Word(_) if depth == 0 && closes && text != "as" && main.is_none() => {
                main = Some(text.clone());
            }
            _ => {}
        }
        if main.is_some() {
            break;
        }
        opens_item = match token {
            Token::LParen => depth == 1 && opens_item,
            Token::Word(_) => depth == 0 && ["as", "materialized"].contains(&text.as_str()),
            _ => false,
        };
        closes = *token == Token::RParen && depth == 0;
    }
    match main.as_deref() {
        Some("insert") => WithKind::Insert,
        Some(word) if is_change(word) => WithKind::Parts,
        _ => WithKind::Query,
    }
}

/// `WITH [RECURSIVE] name [(column, …)] AS [[NOT] MATERIALIZED] (part), … body`
pub fn with(c: &mut Cursor<'_>) -> Result<Statement> {
    c.expect("with")?;
    let recursive = c.take("recursive");
    let items = c.list(|c| {
        let position = c.position();
        let item = item(c, recursive)?;
        if !c.add_with_name(&item.name) {
            let message = format!("WITH query name \"{}\" specified more than once", item.name);
            return Err(Error::new(ErrorKind::DuplicateAlias, message).at(position));
        }
        Ok(item)
    })?;
    let body = part(c, |c| match c.begins_query() {
        true => c.query().map(Statement::Query),
        false => change(c),
    })?;
    Ok(Statement::With(Box::new(With { items, body })))
}

fn item(c: &mut Cursor<'_>, recursive: bool) -> Result<WithItem> {
    if !begins_change(c) {
        let mut name = String::new();
        let query = part(c, |c| {
            let (query, given) = c.with_query(recursive)?;
            name = given;
            Ok(Statement::Query(query))
        })?;
        return Ok(WithItem { name, columns: Vec::new(), part: query });
    }
    let name = c.identifier()?;
    let columns = match c.peek() {
        Token::LParen => c.column_names()?.into_iter().map(|column| column.name).collect(),
        _ => Vec::new(),
    };
    c.expect("as")?;
    c.take("not");
    c.take("materialized");
    let part = c.parenthesized(|c| part(c, change))?;
    Ok(WithItem { name, columns, part })
}

/// Whether the item that stands next is a statement that changes rows.
fn begins_change(c: &Cursor<'_>) -> bool {
    let mut depth = 0_usize;
    let mut is_after_as = false;
    for (n, token) in c.rest().enumerate() {
        match token {
            Token::LParen if depth == 0 && is_after_as => {
                return CHANGES.iter().any(|word| c.is_nth(n + 1, word));
            }
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            _ => is_after_as |= depth == 0 && c.is_nth(n, "as"),
        }
    }
    false
}

fn part(
    c: &mut Cursor<'_>,
    read: impl FnOnce(&mut Cursor<'_>) -> Result<Statement>,
) -> Result<WithPart> {
    let start = c.index();
    let statement = read(c)?;
    Ok(WithPart { statement, parameters: c.parameters_since(start) })
}

fn change(c: &mut Cursor<'_>) -> Result<Statement> {
    if c.is_nth(1, "with") && c.is_nth(2, "schema") {
        // The other parts read the table as it was before.
        let what = "WITH SCHEMA EVOLUTION in a statement of several parts";
        return Err(c.unsupported(what).with_hint("Make it a statement without a WITH before it."));
    }
    match c.word().as_str() {
        "insert" => insert::insert(c),
        "update" => update::update(c),
        "delete" => update::delete(c),
        "merge" => merge::merge(c),
        _ => Err(c.syntax_error()),
    }
}
