//! Users, roles and groups. A role that may log in is a user; one that may not is a group.

use sqlparser::tokenizer::Token;

use crate::base::secret::Secret;
use crate::base::{Error, ErrorKind, Result};
use crate::sql::cursor::Cursor;
use crate::sql::statement::{
    AlterPrincipal, AlterPrincipalAction, CreatePrincipal, DropPrincipals, PrincipalKind,
    PrincipalName, PrincipalOptions, Statement,
};

const CURRENT: &[&str] = &["current_user", "session_user", "current_role", "user"];

/// A name, or a word for whoever asks.
pub fn principal_name(c: &mut Cursor<'_>) -> Result<PrincipalName> {
    if c.take_any(CURRENT).is_some() {
        return Ok(PrincipalName::Current);
    }
    c.identifier().map(PrincipalName::Named)
}

/// A name, a word for whoever asks, or everybody under PostgreSQL's name or Databricks'.
pub fn grantee(c: &mut Cursor<'_>) -> Result<PrincipalName> {
    Ok(match principal_name(c)? {
        PrincipalName::Named(name) if name == "public" || name == "account users" => {
            PrincipalName::Public
        }
        name => name,
    })
}

/// A new owner, who must be named.
pub fn owner_name(c: &mut Cursor<'_>) -> Result<String> {
    if c.is_any(CURRENT) {
        return Err(c.unsupported("CURRENT_USER as owner").with_hint("Write the name."));
    }
    c.identifier()
}

pub fn create(c: &mut Cursor<'_>) -> Result<Statement> {
    let word = c.word();
    c.advance();
    let if_not_exists = c.take_if_not_exists();
    let name = c.identifier()?;
    c.take("with");
    let mut kind = if word == "user" { PrincipalKind::User } else { PrincipalKind::Group };
    let options = options(c, Some(&mut kind))?;
    if options.password.is_some() && kind == PrincipalKind::Group && word == "group" {
        let message = "a group cannot have a password";
        return Err(Error::new(ErrorKind::InvalidParameterValue, message));
    }
    Ok(Statement::CreatePrincipal(CreatePrincipal { name, kind, if_not_exists, options }))
}

/// Options of CREATE and ALTER; `kind` is what LOGIN may still decide.
fn options(c: &mut Cursor<'_>, mut kind: Option<&mut PrincipalKind>) -> Result<PrincipalOptions> {
    let mut options = PrincipalOptions::default();
    while !c.at_end() {
        match c.word().as_str() {
            "encrypted" => c.advance(),
            "password" => {
                c.advance();
                options.password = Some(c.string_or_null()?.map(Secret::new));
            }
            "superuser" | "nosuperuser" => {
                options.admin = Some(c.is("superuser"));
                c.advance();
            }
            "login" | "nologin" => {
                let Some(kind) = kind.as_deref_mut() else {
                    return Err(c.unsupported("ALTER of LOGIN"));
                };
                let logs_in = c.is("login");
                *kind = if logs_in { PrincipalKind::User } else { PrincipalKind::Group };
                c.advance();
            }
            // So it is with every principal.
            "inherit" | "nocreatedb" | "nocreaterole" | "nocreateuser" | "noreplication"
            | "nobypassrls" => c.advance(),
            "createdb" | "createrole" | "createuser" | "noinherit" | "replication"
            | "bypassrls" | "connection" | "valid" | "in" | "role" | "admin" | "user" | "sysid"
            | "unencrypted" => {
                let what = format!("the role option {}", c.word().to_ascii_uppercase());
                return Err(c.unsupported(&what));
            }
            _ => return Err(c.syntax_error()),
        }
    }
    Ok(options)
}

pub fn alter(c: &mut Cursor<'_>) -> Result<Statement> {
    c.advance();
    if c.is("all") {
        return Err(c.unsupported("ALTER ROLE ALL"));
    }
    let name = principal_name(c)?;
    let action = if c.take_all(&["rename", "to"]) {
        AlterPrincipalAction::RenameTo(c.identifier()?)
    } else if c.is("add") || c.is("drop") {
        let add = c.is("add");
        c.advance();
        if c.take_any(&["user", "group", "role"]).is_none() {
            return Err(c.syntax_error());
        }
        let members = c.list(Cursor::identifier)?;
        if add {
            AlterPrincipalAction::AddMembers(members)
        } else {
            AlterPrincipalAction::DropMembers(members)
        }
    } else if c.is_any(&["set", "reset", "in"]) {
        return Err(c.unsupported("settings of a role"));
    } else {
        c.take("with");
        if c.at_end() {
            return Err(c.syntax_error());
        }
        AlterPrincipalAction::Options(options(c, None)?)
    };
    Ok(Statement::AlterPrincipal(AlterPrincipal { name, action }))
}

pub fn drop(c: &mut Cursor<'_>) -> Result<Statement> {
    c.advance();
    let if_exists = c.take_if_exists();
    let names = c.list(Cursor::identifier)?;
    if *c.peek() != Token::EOF {
        return Err(c.syntax_error());
    }
    Ok(Statement::DropPrincipals(DropPrincipals { names, if_exists }))
}
