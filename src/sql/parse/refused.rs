//! Statements and objects that PostgreSQL or Databricks have and Lakegate has not: named in the error, so
//! that nobody takes them for a mistake in spelling.

use crate::base::Error;
use crate::sql::cursor::Cursor;

/// The words that begin such a statement, and what to say instead of it.
const STATEMENTS: &[(&str, &str)] = &[
    ("cache", ""),
    ("call", ""),
    ("checkpoint", ""),
    ("clear", ""),
    ("cluster", ""),
    ("convert", "Register the files with CREATE TABLE … LOCATION."),
    ("deny", ""),
    ("do", ""),
    ("fsck", ""),
    ("import", ""),
    ("load", ""),
    ("lock", "Transactions read a snapshot and find conflicts at COMMIT; no lock is needed."),
    ("msck", ""),
    ("reassign", ""),
    ("refresh", ""),
    ("reindex", ""),
    ("repair", ""),
    ("security", ""),
    ("sync", ""),
    ("uncache", ""),
    ("undrop", ""),
    ("unset", ""),
];

/// The error for a statement that begins with none of our words.
pub fn statement(c: &Cursor<'_>) -> Error {
    let word = c.word();
    let Some((_, hint)) = STATEMENTS.iter().find(|(known, _)| *known == word) else {
        return c.syntax_error();
    };
    let error = c.unsupported(&word.to_ascii_uppercase());
    if hint.is_empty() { error } else { error.with_hint(*hint) }
}

/// The kinds of object that CREATE, ALTER, DROP, COMMENT, GRANT and SHOW know elsewhere.
const OBJECTS: &[&str] = &[
    "access",
    "aggregate",
    "cast",
    "collation",
    "connection",
    "constraint",
    "conversion",
    "credential",
    "default",
    "domain",
    "event",
    "extension",
    "external",
    "foreign",
    "function",
    "functions",
    "language",
    "large",
    "materialized",
    "metastore",
    "operator",
    "parameter",
    "partitions",
    "policy",
    "procedure",
    "procedures",
    "provider",
    "publication",
    "recipient",
    "routine",
    "rule",
    "sequence",
    "server",
    "service",
    "share",
    "statistics",
    "storage",
    "streaming",
    "subscription",
    "system",
    "tablespace",
    "text",
    "transform",
    "trigger",
    "trusted",
    "type",
    "types",
    "unique",
    "unlogged",
    "variable",
    "volume",
    "volumes",
];

/// The error where `verb` must be followed by a kind of object.
pub fn object(c: &Cursor<'_>, verb: &str) -> Error {
    let word = c.word();
    if OBJECTS.contains(&word.as_str()) {
        let mut what = format!("{verb} {}", word.to_ascii_uppercase());
        let second =
            ["index", "view", "table", "trigger", "method", "object", "search", "credential"];
        if let Some(second) = second.iter().find(|second| c.is_nth(1, second)) {
            what.push(' ');
            what.push_str(&second.to_ascii_uppercase());
        }
        c.unsupported(&what)
    } else {
        c.syntax_error()
    }
}
