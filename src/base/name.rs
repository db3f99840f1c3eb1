//! Names of things as PostgreSQL folds, cuts and quotes them. It never resolves one.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// The longest identifier in bytes (PostgreSQL's `NAMEDATALEN` less the final zero).
pub const IDENTIFIER_BYTES_MAX: usize = 63;

/// A name as the user wrote it, parts folded, from one (`object`) to three (`catalog.schema.object`).
/// Where it stands takes no part in comparing it.
#[derive(Debug, Clone)]
pub struct ObjectName {
    pub catalog: Option<String>,
    pub schema: Option<String>,
    pub object: String,
    /// The 1-based character position of the name in the statement, for errors.
    pub position: Option<NamePosition>,
}

/// A 1-based character position.
#[derive(Debug, Clone, Copy)]
pub struct NamePosition(pub usize);

impl PartialEq for ObjectName {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for ObjectName {}

impl PartialOrd for ObjectName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ObjectName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.parts().cmp(&other.parts())
    }
}

impl Hash for ObjectName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
    }
}

impl ObjectName {
    /// A name of one part.
    pub fn bare(object: impl Into<String>) -> Self {
        ObjectName { catalog: None, schema: None, object: object.into(), position: None }
    }

    fn parts(&self) -> (Option<&str>, Option<&str>, &str) {
        (self.catalog.as_deref(), self.schema.as_deref(), &self.object)
    }

    /// The 1-based character position of the name in the statement, when known.
    pub fn position(&self) -> Option<usize> {
        self.position.map(|NamePosition(position)| position)
    }
}

impl fmt::Display for ObjectName {
    /// The parts as written, unquoted: the form of PostgreSQL's messages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in [&self.catalog, &self.schema].into_iter().flatten() {
            write!(f, "{part}.")?;
        }
        f.write_str(&self.object)
    }
}

/// `name` quoted when PostgreSQL would have to (`quote_ident`): anything but a lower-case word that is
/// not reserved.
pub fn quote_identifier(name: &str) -> String {
    let mut letters = name.bytes();
    let plain_start = letters.next().is_some_and(|b| b.is_ascii_lowercase() || b == b'_');
    let plain = plain_start
        && letters.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'$')
        && !RESERVED.contains(&name);
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// `text` as an SQL string literal.
pub fn quote_literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The words that PostgreSQL 16 does not take as a plain name (its reserved key words, and those that
/// can only be function or type names).
const RESERVED: &[&str] = &[
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "authorization",
    "between",
    "bigint",
    "binary",
    "bit",
    "boolean",
    "both",
    "case",
    "cast",
    "char",
    "character",
    "check",
    "coalesce",
    "collate",
    "collation",
    "column",
    "concurrently",
    "constraint",
    "create",
    "cross",
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "dec",
    "decimal",
    "default",
    "deferrable",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "exists",
    "extract",
    "false",
    "fetch",
    "float",
    "for",
    "foreign",
    "freeze",
    "from",
    "full",
    "grant",
    "greatest",
    "group",
    "grouping",
    "having",
    "ilike",
    "in",
    "initially",
    "inner",
    "inout",
    "int",
    "integer",
    "intersect",
    "interval",
    "into",
    "is",
    "isnull",
    "join",
    "lateral",
    "leading",
    "least",
    "left",
    "like",
    "limit",
    "localtime",
    "localtimestamp",
    "national",
    "natural",
    "nchar",
    "none",
    "normalize",
    "not",
    "notnull",
    "null",
    "nullif",
    "numeric",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "out",
    "outer",
    "overlaps",
    "overlay",
    "placing",
    "position",
    "precision",
    "primary",
    "real",
    "references",
    "returning",
    "right",
    "row",
    "select",
    "session_user",
    "setof",
    "similar",
    "smallint",
    "some",
    "substring",
    "symmetric",
    "system_user",
    "table",
    "tablesample",
    "then",
    "time",
    "timestamp",
    "to",
    "trailing",
    "treat",
    "trim",
    "true",
    "union",
    "unique",
    "user",
    "using",
    "values",
    "varchar",
    "variadic",
    "verbose",
    "when",
    "where",
    "window",
    "with",
    "xmlattributes",
    "xmlconcat",
    "xmlelement",
    "xmlexists",
    "xmlforest",
    "xmlnamespaces",
    "xmlparse",
    "xmlpi",
    "xmlroot",
    "xmlserialize",
    "xmltable",
];

/// The name, or the first one with a number after it that is free, as PostgreSQL names what has no name.
pub fn first_free(wanted: &str, is_free: impl Fn(&str) -> bool) -> String {
    let numbered = (1..u32::MAX).map(|number| format!("{wanted}{number}"));
    let mut names = std::iter::once(wanted.to_owned()).chain(numbered);
    names.find(|name| is_free(name)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_only_where_postgresql_does() {
        let cases = [
            ("orders", "orders"),
            ("Orders", "\"Orders\""),
            ("select", "\"select\""),
            ("a\"b", "\"a\"\"b\""),
            ("1a", "\"1a\""),
            ("", "\"\""),
            ("a$1_b", "a$1_b"),
        ];
        for (name, quoted) in cases {
            assert_eq!(quote_identifier(name), quoted);
        }
    }
}
