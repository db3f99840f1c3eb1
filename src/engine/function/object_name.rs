//! Names of objects to OIDs and back: the input and output functions of `regclass` and its kin, and
//! `to_regclass` and its kin, which give NULL where the former raise an error.
//! <https://www.postgresql.org/docs/16/datatype-oid.html>. Functions and operators are named in `routine_name`.

use crate::base::datatype::{BaseType, NO_TYPMOD, PgType};
use crate::base::name::quote_identifier;
use crate::base::{Error, ErrorKind, Oid};
use crate::engine::system::cell::Cell;
use crate::engine::system::recorded;
use crate::engine::system::visible::{Named, Visible};

use super::define::*;

const REGCLASS: PgType = PgType::Scalar(BaseType::Regclass);
const REGTYPE: PgType = PgType::Scalar(BaseType::Regtype);
const REGNAMESPACE: PgType = PgType::Scalar(BaseType::Regnamespace);
const REGROLE: PgType = PgType::Scalar(BaseType::Regrole);

pub const FUNCTIONS: &[Function] = &[
    Function::stable("regclassin", &[A_TEXT], REGCLASS, |call, arguments| {
        parse(call, text(arguments, 0), relation, undefined_relation)
    }),
    Function::stable("regtypein", &[A_TEXT], REGTYPE, |call, arguments| {
        parse(call, text(arguments, 0), type_, |name| undefined("type", name))
    }),
    Function::stable("regnamespacein", &[A_TEXT], REGNAMESPACE, |call, arguments| {
        parse(call, text(arguments, 0), namespace, |name| undefined("schema", name))
    }),
    Function::stable("regrolein", &[A_TEXT], REGROLE, |call, arguments| {
        parse(call, text(arguments, 0), role, |name| undefined("role", name))
    }),
    Function::stable("to_regclass", &[Parameter::NameOrOid], REGCLASS, |call, arguments| {
        look_up(call, arguments, relation)
    }),
    Function::stable("to_regtype", &[Parameter::NameOrOid], REGTYPE, |call, arguments| {
        look_up(call, arguments, type_)
    }),
    Function::stable(
        "to_regnamespace",
        &[Parameter::NameOrOid],
        REGNAMESPACE,
        |call, arguments| look_up(call, arguments, namespace),
    ),
    Function::stable("to_regrole", &[Parameter::NameOrOid], REGROLE, |call, arguments| {
        look_up(call, arguments, role)
    }),
    Function::stable("regclassout", &[AN_OID], TEXT, |call, arguments| {
        show(call, oid(arguments, 0), relation_name)
    }),
    Function::stable("regtypeout", &[AN_OID], TEXT, |call, arguments| {
        show(call, oid(arguments, 0), |visible, oid| type_name(visible, oid, NO_TYPMOD))
    }),
    Function::stable("regnamespaceout", &[AN_OID], TEXT, |call, arguments| {
        show(call, oid(arguments, 0), |visible, oid| visible.schema_name(oid).map(quote_identifier))
    }),
    Function::stable("regroleout", &[AN_OID], TEXT, |call, arguments| {
        show(call, oid(arguments, 0), |visible, oid| visible.role_name(oid).map(quote_identifier))
    }),
];

pub type Finder = fn(&Visible<'_>, &[String]) -> Option<Oid>;

/// The input of a `reg*` type: a number, `-` for no object, or a name that must be there.
pub fn parse(
    call: &Call<'_>,
    name: &str,
    find: Finder,
    missing: fn(&str) -> Error,
) -> Result<Cell<'static>, Error> {
    if name == "-" {
        return Ok(Oid::INVALID.into());
    }
    if let Ok(number) = name.parse() {
        return Ok(Oid(number).into());
    }
    match find(call.visible()?, &split_name(name)?) {
        Some(oid) => Ok(oid.into()),
        None => Err(missing(name)),
    }
}

/// The OID of a name, or NULL. A number is an OID already.
pub fn look_up(
    call: &Call<'_>,
    arguments: &[Cell<'_>],
    find: Finder,
) -> Result<Cell<'static>, Error> {
    match arguments {
        [Cell::Text(name)] => Ok(find(call.visible()?, &split_name(name)?).into()),
        _ => Ok(oid(arguments, 0).into()),
    }
}

/// The output of a `reg*` type: the name, or the number of what is not there.
pub fn show(
    call: &Call<'_>,
    oid: Oid,
    name: fn(&Visible<'_>, Oid) -> Option<String>,
) -> Result<Cell<'static>, Error> {
    if oid == Oid::INVALID {
        return Ok("-".into());
    }
    Ok(name(call.visible()?, oid).unwrap_or_else(|| oid.to_string()).into())
}

/// A relation's OID by its name, for functions that take one as text.
pub fn relation_of_name<'a>(visible: &Visible<'a>, name: &str) -> Result<Named<'a>, Error> {
    let parts = split_name(name)?;
    named(visible, &parts).ok_or_else(|| undefined_relation(name))
}

fn relation(visible: &Visible<'_>, name: &[String]) -> Option<Oid> {
    named(visible, name).map(|found| found.oid())
}

fn named<'a>(visible: &Visible<'a>, name: &[String]) -> Option<Named<'a>> {
    match name {
        [relation] => visible.named(None, relation),
        [schema, relation] => visible.named(Some(schema), relation),
        [catalog, schema, relation] if *catalog == visible.facts.catalog => {
            visible.named(Some(schema), relation)
        }
        _ => None,
    }
}

/// A relation's name as the search path asks for it: with its schema only where it must be.
pub fn relation_name(visible: &Visible<'_>, oid: Oid) -> Option<String> {
    let found = visible.named_by_oid(oid)?;
    let name = quote_identifier(found.name());
    match is_visible(visible, &found) {
        true => Some(name),
        false => Some(format!("{}.{name}", quote_identifier(found.schema_name()))),
    }
}

/// Whether the search path finds this very relation by its bare name.
pub fn is_visible(visible: &Visible<'_>, relation: &Named<'_>) -> bool {
    let first = visible.named(None, relation.name());
    first.is_some_and(|first| first.oid() == relation.oid())
}

/// A type by its name; a relation's name is that of its rows' type.
fn type_(visible: &Visible<'_>, name: &[String]) -> Option<Oid> {
    let known = match name {
        [name] => type_of_sql_name(name),
        [schema, name] if schema == "pg_catalog" => type_of_sql_name(name),
        _ => None,
    };
    known.or_else(|| {
        let (last, before) = name.split_last()?;
        let (relation, is_array) = match last.strip_suffix("[]") {
            Some(relation) => (relation, true),
            None => (last.as_str(), false),
        };
        let mut path = before.to_vec();
        path.push(relation.to_owned());
        let relation = named(visible, &path)?.oid();
        Some(match is_array {
            true => recorded::row_array_type(relation),
            false => recorded::row_type(relation),
        })
    })
}

/// What `format_type` calls a type; `None` for one that is not there or not to be known of.
pub fn type_name(visible: &Visible<'_>, oid: Oid, typmod: i32) -> Option<String> {
    if let Some(recorded) = recorded::type_by_oid(oid) {
        return Some(recorded.sql_name(typmod));
    }
    let (relation, is_array) = recorded::relation_of_row_type(oid)?;
    let name = relation_name(visible, relation)?;
    Some(if is_array { format!("{name}[]") } else { name })
}

/// The type that SQL calls `name`, modifiers and array brackets included.
pub fn type_of_sql_name(name: &str) -> Option<Oid> {
    if let Some(element) = name.strip_suffix("[]") {
        let element = recorded::type_by_oid(type_of_sql_name(element)?)?;
        return Some(element.typarray).filter(|&array| array != Oid::INVALID);
    }
    let bare = match (name.find('('), name.find(')')) {
        (Some(open), Some(close)) if open < close => {
            format!("{}{}", name.get(..open)?.trim_end(), name.get(close + 1..)?)
        }
        _ => name.to_owned(),
    };
    let canonical = match bare.as_str() {
        "int" => "integer",
        "decimal" | "dec" => "numeric",
        "float" => "double precision",
        "char" => "character",
        "timestamp with time zone" => "timestamptz",
        other => other,
    };
    let recorded = recorded::TYPES.iter().find(|recorded| recorded.typname == canonical);
    match (canonical, recorded) {
        ("character", _) => Some(BaseType::Bpchar.oid()),
        (_, Some(recorded)) => Some(recorded.oid),
        (_, None) => BaseType::from_name(canonical).map(BaseType::oid),
    }
}

fn namespace(visible: &Visible<'_>, name: &[String]) -> Option<Oid> {
    match name {
        [schema] => visible.schema_oid(schema),
        _ => None,
    }
}

fn role(visible: &Visible<'_>, name: &[String]) -> Option<Oid> {
    match name {
        [role] => visible.snapshot().principal(role).map(|principal| principal.oid),
        _ => None,
    }
}

fn undefined_relation(name: &str) -> Error {
    Error::new(ErrorKind::UndefinedTable, format!("relation \"{name}\" does not exist"))
}

pub fn undefined(what: &str, name: &str) -> Error {
    let (kind, quoted) = match what {
        "function" => (ErrorKind::UndefinedFunction, format!("\"{name}\"")),
        "schema" => (ErrorKind::InvalidSchemaName, format!("\"{name}\"")),
        _ => (ErrorKind::UndefinedObject, format!("\"{name}\"")),
    };
    Error::new(kind, format!("{what} {quoted} does not exist"))
}

/// Splits a dotted name into its parts: folded to lower case where they are not quoted.
fn split_name(name: &str) -> Result<Vec<String>, Error> {
    let invalid = || Error::new(ErrorKind::InvalidName, format!("invalid name syntax: \"{name}\""));
    let mut parts = Vec::new();
    let mut rest = name.trim();
    loop {
        let (part, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_part(quoted).ok_or_else(invalid)?,
            None => {
                let end = rest.find('.').unwrap_or(rest.len());
                let (part, after) = rest.split_at(end);
                (part.trim().to_lowercase(), after)
            }
        };
        if part.is_empty() {
            return Err(invalid());
        }
        parts.push(part);
        match after.trim_start().strip_prefix('.') {
            Some(next) => rest = next.trim_start(),
            None if after.trim().is_empty() => return Ok(parts),
            // Brackets of an array type may follow a quoted name.
            None => {
                if let Some(last) = parts.last_mut() {
                    last.push_str(after.trim());
                }
                return Ok(parts);
            }
        }
    }
}

/// The name up to its closing quote, doubled quotes undone, and what follows.
fn quoted_part(text: &str) -> Option<(String, &str)> {
    let mut part = String::new();
    let mut rest = text;
    loop {
        let end = rest.find('"')?;
        part.push_str(rest.get(..end)?);
        rest = rest.get(end + 1..)?;
        match rest.strip_prefix('"') {
            Some(more) => {
                part.push('"');
                rest = more;
            }
            None => return Some((part, rest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_split_as_postgresql_reads_them() {
        assert_eq!(split_name("Public.Orders").unwrap(), ["public", "orders"]);
        assert_eq!(split_name("\"Public\".\"a.\"\"b\"").unwrap(), ["Public", "a.\"b"]);
        assert!(split_name("a.").is_err() && split_name("\"a").is_err());
    }

    #[test]
    fn types_are_found_by_every_spelling() {
        for (name, oid) in [
            ("integer", 23),
            ("int[]", 1007),
            ("_int4", 1007),
            ("character varying(20)", 1043),
            ("timestamp(3) without time zone", 1114),
            ("char", 1042),
            ("numeric(10,2)[]", 1231),
        ] {
            assert_eq!(type_of_sql_name(name), Some(Oid(oid)), "{name}");
        }
    }
}
