//! PRIMARY KEY, UNIQUE and FOREIGN KEY, of a column or a table, in PostgreSQL's and Databricks' spelling.

use sqlparser::tokenizer::Token;

use crate::base::{Deferral, Error, ErrorKind, ReferentialAction, ReferentialRules, Result};
use crate::sql::cursor::Cursor;
use crate::sql::key::{KeyConstraint, KeyKind};
use crate::sql::statement::ColumnName;

/// A key of the table, where one stands next: `PRIMARY KEY (a, b)`.
pub fn of_table(c: &mut Cursor<'_>, name: Option<String>) -> Result<Option<KeyConstraint>> {
    if c.is("primary") && c.is_nth(1, "key") {
        c.expect_all(&["primary", "key"])?;
        let columns = key_columns(c)?;
        return key(c, name, columns, KeyKind::Primary).map(Some);
    }
    if c.is("unique") && (*c.peek_nth(1) == Token::LParen || c.is_nth(1, "nulls")) {
        c.expect("unique")?;
        nulls(c)?;
        let columns = key_columns(c)?;
        return key(c, name, columns, KeyKind::Unique).map(Some);
    }
    if c.is("foreign") && c.is_nth(1, "key") {
        c.expect_all(&["foreign", "key"])?;
        let columns = c.column_names()?;
        let kind = references(c)?;
        return key(c, name, columns, kind).map(Some);
    }
    if c.is("exclude") && (*c.peek_nth(1) == Token::LParen || c.is_nth(1, "using")) {
        return Err(c.unsupported("EXCLUDE"));
    }
    Ok(None)
}

/// A key of one column, after its type: `REFERENCES t (a)`.
pub fn of_column(
    c: &mut Cursor<'_>,
    name: Option<String>,
    column: ColumnName,
) -> Result<KeyConstraint> {
    let kind = match c.word().as_str() {
        "primary" => {
            c.expect_all(&["primary", "key"])?;
            KeyKind::Primary
        }
        "unique" => {
            c.advance();
            nulls(c)?;
            KeyKind::Unique
        }
        "foreign" => {
            c.expect_all(&["foreign", "key"])?;
            references(c)?
        }
        _ => references(c)?,
    };
    key(c, name, vec![column], kind)
}

/// `(a, b)`, for PostgreSQL without operators and options of an index.
fn key_columns(c: &mut Cursor<'_>) -> Result<Vec<ColumnName>> {
    if c.is("using") {
        return Err(c.unsupported("a key USING INDEX"));
    }
    let columns = c.parenthesized(|c| {
        c.list(|c| {
            let column = c.column_name()?;
            if c.is("timeseries") {
                return Err(c.unsupported("TIMESERIES of a key"));
            }
            Ok(column)
        })
    })?;
    if c.is_any(&["include", "with", "using"]) {
        return Err(c.unsupported("an option of a key's index"));
    }
    Ok(columns)
}

fn nulls(c: &mut Cursor<'_>) -> Result<()> {
    if c.take_all(&["nulls", "not", "distinct"]) {
        return Err(c.unsupported("NULLS NOT DISTINCT"));
    }
    c.take_all(&["nulls", "distinct"]);
    Ok(())
}

/// `REFERENCES table [(a, b)]` and what is to happen to its rows.
fn references(c: &mut Cursor<'_>) -> Result<KeyKind> {
    c.expect("references")?;
    let table = c.object_name()?;
    let columns = if *c.peek() == Token::LParen { c.column_names()? } else { Vec::new() };
    let mut rules = ReferentialRules::default();
    if c.take("match") {
        match c.take_any(&["simple", "full", "partial"]) {
            Some("simple") => {}
            Some("full") => rules.match_full = true,
            Some(_) => return Err(c.unsupported("MATCH PARTIAL")),
            None => return Err(c.syntax_error()),
        }
    }
    let (mut deleted, mut updated) = (None, None);
    while c.take("on") {
        let said = match c.take_any(&["delete", "update"]) {
            Some("delete") => &mut deleted,
            Some(_) => &mut updated,
            None => return Err(c.syntax_error()),
        };
        // Each may be said once.
        if said.is_some() {
            return Err(c.syntax_error());
        }
        *said = Some(action(c)?);
    }
    rules.on_delete = deleted.unwrap_or_default();
    rules.on_update = updated.unwrap_or_default();
    Ok(KeyKind::Foreign { table, columns, rules })
}

fn action(c: &mut Cursor<'_>) -> Result<ReferentialAction> {
    let action = ReferentialAction::ALL.into_iter().find(|action| {
        let words = action.name().to_ascii_lowercase();
        c.take_all(&words.split(' ').collect::<Vec<_>>())
    });
    let action = action.ok_or_else(|| c.syntax_error())?;
    let sets = matches!(action, ReferentialAction::SetNull | ReferentialAction::SetDefault);
    if sets && *c.peek() == Token::LParen {
        return Err(c.unsupported("a foreign key that sets some of its columns"));
    }
    Ok(action)
}

/// The key with the options that follow it, in any order.
fn key(
    c: &mut Cursor<'_>,
    name: Option<String>,
    columns: Vec<ColumnName>,
    kind: KeyKind,
) -> Result<KeyConstraint> {
    let deferral = Deferral::NotDeferrable;
    let mut key = KeyConstraint { name, columns, kind, rely: false, deferral, not_enforced: false };
    let mut is_immediate = false;
    loop {
        if c.take_all(&["not", "enforced"]) {
            key.not_enforced = true;
        } else if c.take("rely") {
            key.rely = true;
        } else if c.take("norely") {
            key.rely = false;
        } else if c.is("not") && c.is_nth(1, "deferrable") {
            if key.deferral != Deferral::NotDeferrable {
                return Err(misplaced(c, "NOT DEFERRABLE"));
            }
            c.take_all(&["not", "deferrable"]);
            is_immediate = true;
        } else if c.is("deferrable") {
            if is_immediate && key.deferral == Deferral::NotDeferrable {
                return Err(misplaced(c, "DEFERRABLE"));
            }
            c.advance();
            if key.deferral == Deferral::NotDeferrable {
                key.deferral = Deferral::Deferrable;
            }
        } else if c.is("initially") && c.is_nth(1, "deferred") {
            if is_immediate {
                return Err(misplaced(c, "INITIALLY DEFERRED"));
            }
            c.take_all(&["initially", "deferred"]);
            key.deferral = Deferral::Deferred;
        } else if c.take_all(&["initially", "immediate"]) {
            // As all are that are not deferred.
        } else if c.is("enforced") {
            return Err(c
                .unsupported("an ENFORCED key")
                .with_hint("Keys inform only: declare it NOT ENFORCED."));
        } else if c.is("not") && c.is_nth(1, "valid") {
            return Err(c.unsupported("a NOT VALID key"));
        } else {
            return Ok(key);
        }
    }
}

/// A clause that contradicts one before it.
fn misplaced(c: &Cursor<'_>, clause: &str) -> Error {
    let message = format!("misplaced {clause} clause");
    Error::new(ErrorKind::SyntaxError, message).at(c.position())
}
