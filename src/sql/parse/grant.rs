//! GRANT and REVOKE, of privileges on securables and of membership in groups.

use sqlparser::tokenizer::Token;

use super::{principal, refused, storage};
use crate::base::Result;
use crate::sql::cursor::Cursor;
use crate::sql::statement::{
    Grant, Membership, PrincipalName, PrivilegeList, PrivilegeName, SchemaName, SecurableName,
    Statement,
};

pub fn grant(c: &mut Cursor<'_>) -> Result<Statement> {
    c.expect("grant")?;
    let (privileges, groups) = privileges(c)?;
    if c.take("on") {
        let on = securables(c)?;
        c.expect("to")?;
        let principals = grantees(c)?;
        refuse_options(c)?;
        return Ok(Statement::Grant(Grant { privileges, on, principals }));
    }
    c.expect("to")?;
    let members = grantees(c)?;
    refuse_options(c)?;
    Ok(Statement::GrantMembership(Membership { groups, members }))
}

pub fn revoke(c: &mut Cursor<'_>) -> Result<Statement> {
    c.expect("revoke")?;
    if c.is_any(&["grant", "admin", "inherit", "set"]) && c.is_nth(1, "option") {
        return Err(c.unsupported("REVOKE … OPTION FOR"));
    }
    let (privileges, groups) = privileges(c)?;
    let on = if c.take("on") { Some(securables(c)?) } else { None };
    c.expect("from")?;
    let principals = grantees(c)?;
    refuse_options(c)?;
    // Without grant options nothing depends on a grant.
    c.take_any(&["cascade", "restrict"]);
    Ok(match on {
        Some(on) => Statement::Revoke(Grant { privileges, on, principals }),
        None => Statement::RevokeMembership(Membership { groups, members: principals }),
    })
}

fn grantees(c: &mut Cursor<'_>) -> Result<Vec<PrincipalName>> {
    c.list(|c| {
        if matches!(c.peek_nth(1), Token::Word(_)) && !c.is_nth(1, "with") {
            c.take("group");
        }
        principal::grantee(c)
    })
}

fn refuse_options(c: &Cursor<'_>) -> Result<()> {
    if c.is("with") {
        return Err(c
            .unsupported("WITH GRANT OPTION or WITH ADMIN OPTION")
            .with_hint("The owner of a securable, or MANAGE on it, lets one grant."));
    }
    if c.is("granted") {
        return Err(c.unsupported("GRANTED BY"));
    }
    Ok(())
}

/// Privileges and, for the other reading of the same words, the names of groups.
fn privileges(c: &mut Cursor<'_>) -> Result<(PrivilegeList, Vec<String>)> {
    if c.is("all")
        && (c.is_nth(1, "privileges") || c.is_nth(1, "on") || *c.peek_nth(1) == Token::LParen)
    {
        c.advance();
        c.take("privileges");
        refuse_columns(c)?;
        return Ok((PrivilegeList::All, Vec::new()));
    }
    let mut names = Vec::new();
    let mut groups = Vec::new();
    c.list(|c| {
        let position = Some(c.position());
        let mut words = vec![c.label()?];
        groups.extend(words.first().cloned());
        while matches!(c.peek(), Token::Word(_)) && !c.is_any(&["on", "to", "from"]) {
            words.push(c.label()?);
        }
        refuse_columns(c)?;
        let name = words.join(" ").to_ascii_uppercase();
        names.push(PrivilegeName { name, position });
        Ok(())
    })?;
    // A group has one word; two words before TO are a privilege without its ON.
    if !c.is("on") && names.iter().zip(&groups).any(|(name, group)| name.name.len() != group.len())
    {
        return Err(c.syntax_error());
    }
    Ok((PrivilegeList::Named(names), groups))
}

fn refuse_columns(c: &Cursor<'_>) -> Result<()> {
    if *c.peek() == Token::LParen {
        return Err(c
            .unsupported("a privilege on columns")
            .with_hint("Grant on a view that has only these columns."));
    }
    Ok(())
}

fn securables(c: &mut Cursor<'_>) -> Result<Vec<SecurableName>> {
    if storage::is_next(c) {
        return Ok(vec![storage::securable(c)?]);
    }
    let kind = if names_kind(c) { c.word() } else { String::new() };
    match kind.as_str() {
        "all" => Err(c
            .unsupported("ON ALL … IN SCHEMA")
            .with_hint("A privilege on a schema holds for everything in it.")),
        "materialized" if c.is_nth(1, "view") => {
            c.expect_all(&["materialized", "view"])?;
            c.list(|c| c.object_name().map(SecurableName::MaterializedView))
        }
        "table" | "view" | "schema" | "catalog" | "database" => {
            c.advance();
            c.list(|c| named(c, &kind))
        }
        "" => c.list(|c| named(c, "table")),
        _ => Err(refused::object(c, "a privilege ON")),
    }
}

/// Whether the next word says what kind of thing follows, rather than being its name.
fn names_kind(c: &Cursor<'_>) -> bool {
    matches!(c.peek_nth(1), Token::Word(_)) && !c.is_nth(1, "to") && !c.is_nth(1, "from")
}

fn named(c: &mut Cursor<'_>, kind: &str) -> Result<SecurableName> {
    match kind {
        "catalog" | "database" => c.identifier().map(SecurableName::Catalog),
        "schema" => {
            let SchemaName { catalog, schema } = c.schema_name()?;
            Ok(SecurableName::Schema(catalog, schema))
        }
        "view" => c.object_name().map(SecurableName::View),
        _ => c.object_name().map(SecurableName::Relation),
    }
}

/// The one securable of `SHOW GRANTS ON`.
pub fn securable(c: &mut Cursor<'_>) -> Result<SecurableName> {
    if storage::is_next(c) {
        return storage::securable(c);
    }
    let kind = if matches!(c.peek_nth(1), Token::Word(_)) { c.word() } else { String::new() };
    match kind.as_str() {
        "materialized" if c.is_nth(1, "view") => {
            c.expect_all(&["materialized", "view"])?;
            c.object_name().map(SecurableName::MaterializedView)
        }
        "table" | "view" | "schema" | "catalog" | "database" => {
            c.advance();
            named(c, &kind)
        }
        "" => named(c, "table"),
        _ => Err(refused::object(c, "SHOW GRANTS ON")),
    }
}
