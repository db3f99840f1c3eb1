//! DROP of objects that Lakegate has none of, such as sequences and triggers: they do not exist, which IF EXISTS allows.
//! It names what PostgreSQL's message names, and looks nothing up.

use sqlparser::tokenizer::Token;

use super::refused;
use crate::base::datatype::BaseType;
use crate::base::{Error, ErrorKind, Result};
use crate::sql::cursor::Cursor;
use crate::sql::statement::{DropAbsent, Statement};

/// How objects of a kind are named.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Naming {
    /// `name, …`
    Names,
    /// `name [(type, …)], …`
    Signatures,
    /// `name ON relation`
    OfRelation,
}

/// A kind of object: the words after DROP, the tag, how it is named, and the error where one is not there.
type Kind = (&'static [&'static str], &'static str, Naming, ErrorKind);

const KINDS: &[Kind] = &[
    (&["type"], "DROP TYPE", Naming::Names, ErrorKind::UndefinedObject),
    (&["domain"], "DROP DOMAIN", Naming::Names, ErrorKind::UndefinedObject),
    (&["sequence"], "DROP SEQUENCE", Naming::Names, ErrorKind::UndefinedTable),
    (&["extension"], "DROP EXTENSION", Naming::Names, ErrorKind::UndefinedObject),
    (&["foreign", "table"], "DROP FOREIGN TABLE", Naming::Names, ErrorKind::UndefinedTable),
    (&["event", "trigger"], "DROP EVENT TRIGGER", Naming::Names, ErrorKind::UndefinedObject),
    (&["publication"], "DROP PUBLICATION", Naming::Names, ErrorKind::UndefinedObject),
    (&["subscription"], "DROP SUBSCRIPTION", Naming::Names, ErrorKind::UndefinedObject),
    (&["server"], "DROP SERVER", Naming::Names, ErrorKind::UndefinedObject),
    (&["statistics"], "DROP STATISTICS", Naming::Names, ErrorKind::UndefinedObject),
    (&["function"], "DROP FUNCTION", Naming::Signatures, ErrorKind::UndefinedFunction),
    (&["procedure"], "DROP PROCEDURE", Naming::Signatures, ErrorKind::UndefinedFunction),
    (&["routine"], "DROP ROUTINE", Naming::Signatures, ErrorKind::UndefinedFunction),
    (&["aggregate"], "DROP AGGREGATE", Naming::Signatures, ErrorKind::UndefinedFunction),
    (&["trigger"], "DROP TRIGGER", Naming::OfRelation, ErrorKind::UndefinedObject),
    (&["rule"], "DROP RULE", Naming::OfRelation, ErrorKind::UndefinedObject),
    (&["policy"], "DROP POLICY", Naming::OfRelation, ErrorKind::UndefinedObject),
];

/// After DROP, where no kind of object stands that there may be some of.
pub fn drop(c: &mut Cursor<'_>) -> Result<Statement> {
    let is_next = |kind: &&Kind| kind.0.iter().enumerate().all(|(n, word)| c.is_nth(n, word));
    let Some(&(words, tag, naming, error)) = KINDS.iter().find(is_next) else {
        return Err(refused::object(c, "DROP"));
    };
    c.take_all(words);
    let if_exists = c.take_if_exists();
    let what = words.join(" ");
    let missing = c.list(|c| {
        let position = c.position();
        let name = named(c, naming, tag)?;
        let what = if what == "domain" { "type" } else { what.as_str() };
        Ok((format!("{what} {name} does not exist"), position))
    })?;
    if c.take_any(&["cascade", "restrict"]).is_none() {
        c.expect_end()?;
    }
    Ok(Statement::DropAbsent(DropAbsent { tag, missing, error, if_exists }))
}

/// One name as the message says it.
fn named(c: &mut Cursor<'_>, naming: Naming, tag: &str) -> Result<String> {
    let (parts, position) = c.name_parts()?;
    let name = parts.join(".");
    match naming {
        Naming::Names => {
            let system = parts.last().and_then(|name| BaseType::from_name(name));
            if let ("DROP TYPE", Some(base)) = (tag, system) {
                let name = base.sql_name();
                let what = format!(
                    "cannot drop type {name} because it is required by the database system"
                );
                return Err(Error::new(ErrorKind::DependentObjectsStillExist, what).at(position));
            }
            Ok(format!("\"{name}\""))
        }
        Naming::Signatures if *c.peek() == Token::LParen => {
            let types = c.parenthesized(|c| {
                if *c.peek() == Token::RParen {
                    return Ok(String::new());
                }
                let start = c.position();
                let mut depth = 0_usize;
                while !c.at_end() && (depth > 0 || *c.peek() != Token::RParen) {
                    match c.peek() {
                        Token::LParen => depth += 1,
                        Token::RParen => depth = depth.saturating_sub(1),
                        _ => {}
                    }
                    c.advance();
                }
                Ok(c.text_since(start).trim().to_owned())
            })?;
            Ok(format!("{name}({types})"))
        }
        Naming::Signatures => Ok(format!("\"{name}\"")),
        Naming::OfRelation => {
            c.expect("on")?;
            let (relation, _) = c.name_parts()?;
            Ok(format!("\"{name}\" for relation \"{}\"", relation.join(".")))
        }
    }
}
