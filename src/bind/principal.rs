//! Users, groups and grants: who is meant, and what is granted on what.

use std::sync::Arc;

use crate::base::{Error, ErrorKind, PrincipalId, Result};
use crate::catalog::principal::{Principal, PrincipalKind as StoredKind};
use crate::catalog::{Privilege, Securable};
use crate::sql::statement::{
    AlterPrincipal, AlterPrincipalAction, CreatePrincipal, DropPrincipals, Grant, Membership,
    PrincipalName, PrivilegeList, PrivilegeName,
};

use super::bound::{BoundAlterPrincipal, BoundCreatePrincipal, BoundGrant, BoundStatement};
use super::scope::Scope;

/// The two sides of a membership statement.
type GroupsAndMembers = (Vec<Arc<Principal>>, Vec<Arc<Principal>>);

impl Scope<'_> {
    pub(super) fn create_principal(&self, create: CreatePrincipal) -> Result<BoundStatement> {
        let CreatePrincipal { name, kind, if_not_exists, options } = create;
        check_not_reserved(&name)?;
        Ok(BoundStatement::CreatePrincipal(BoundCreatePrincipal {
            existing: self.snapshot.principal(&name).cloned(),
            name,
            kind,
            if_not_exists,
            password: options.password.flatten(),
            admin: options.admin.unwrap_or(false),
        }))
    }

    pub(super) fn alter_principal(&self, alter: AlterPrincipal) -> Result<BoundStatement> {
        let principal = self.principal_name(&alter.name)?;
        let action = match alter.action {
            AlterPrincipalAction::Options(options) => {
                BoundAlterPrincipal::Options { password: options.password, admin: options.admin }
            }
            AlterPrincipalAction::RenameTo(name) => {
                check_not_reserved(&name)?;
                BoundAlterPrincipal::RenameTo(name)
            }
            AlterPrincipalAction::AddMembers(names) => {
                must_be_group(&principal)?;
                BoundAlterPrincipal::AddMembers(self.principals(&names)?)
            }
            AlterPrincipalAction::DropMembers(names) => {
                must_be_group(&principal)?;
                BoundAlterPrincipal::DropMembers(self.principals(&names)?)
            }
        };
        Ok(BoundStatement::AlterPrincipal { principal, action })
    }

    pub(super) fn drop_principals(&self, drop: DropPrincipals) -> Result<BoundStatement> {
        let mut principals = Vec::with_capacity(drop.names.len());
        let mut missing = Vec::new();
        for name in &drop.names {
            match self.principal(name) {
                Ok(principal) => principals.push(principal),
                Err(error) if drop.if_exists => {
                    missing.push(format!("{}, skipping", error.message()));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(BoundStatement::DropPrincipals { principals, missing })
    }

    pub(super) fn grant(&self, grant: Grant) -> Result<BoundGrant> {
        let grantees = grant.principals.iter().map(|name| self.grantee(name));
        let grantees = grantees.collect::<Result<_>>()?;
        let mut on = Vec::with_capacity(grant.on.len());
        for name in &grant.on {
            let securable = self.securable(name)?;
            let privileges = match &grant.privileges {
                PrivilegeList::All => vec![Privilege::AllPrivileges],
                PrivilegeList::Named(names) => {
                    let privileges = names.iter().map(|name| privilege_on(name, &securable));
                    privileges.collect::<Result<_>>()?
                }
            };
            on.push((securable, privileges));
        }
        Ok(BoundGrant { on, grantees })
    }

    pub(super) fn membership(&self, membership: Membership) -> Result<GroupsAndMembers> {
        let groups = self.principals(&membership.groups)?;
        for group in &groups {
            must_be_group(group)?;
        }
        let members = membership.members.iter().map(|name| self.principal_name(name));
        Ok((groups, members.collect::<Result<_>>()?))
    }

    fn principals(&self, names: &[String]) -> Result<Vec<Arc<Principal>>> {
        names.iter().map(|name| self.principal(name)).collect()
    }

    /// Who gets a grant: a user, a group or everybody.
    pub(super) fn grantee(&self, name: &PrincipalName) -> Result<PrincipalId> {
        match name {
            PrincipalName::Public => Ok(PrincipalId::PUBLIC),
            name => self.principal_name(name).map(|principal| principal.id),
        }
    }

    fn principal_name(&self, name: &PrincipalName) -> Result<Arc<Principal>> {
        match name {
            PrincipalName::Named(name) => self.principal(name),
            // There is no such principal: everybody is in no group and has no password.
            PrincipalName::Public => self.principal("public"),
            PrincipalName::Current => {
                let current = self.snapshot.principal_by_id(self.principal).cloned();
                current.ok_or_else(|| {
                    Error::new(
                        ErrorKind::UndefinedObject,
                        "the current user does not exist any more",
                    )
                })
            }
        }
    }
}

/// Names that mean something else where a role may stand.
fn check_not_reserved(name: &str) -> Result<()> {
    if name.starts_with("pg_") || crate::catalog::principal::RESERVED_NAMES.contains(&name) {
        let message = format!("role name \"{name}\" is reserved");
        return Err(Error::new(ErrorKind::InvalidName, message));
    }
    Ok(())
}

fn must_be_group(principal: &Principal) -> Result<()> {
    match principal.kind {
        StoredKind::Group => Ok(()),
        StoredKind::User => Err(Error::new(
            ErrorKind::WrongObjectType,
            format!("\"{}\" is a user, not a group", principal.name),
        )
        .with_hint("Make a group with CREATE GROUP.")),
    }
}

/// The privilege that a name means on a securable, in Unity Catalog's words or PostgreSQL's.
fn privilege_on(name: &PrivilegeName, securable: &Securable) -> Result<Privilege> {
    use Privilege::*;
    let privilege = match (name.name.as_str(), securable) {
        ("CONNECT" | "USAGE", Securable::Catalog(_)) => UseCatalog,
        ("USAGE", Securable::Schema(_)) => UseSchema,
        ("INSERT" | "UPDATE" | "DELETE" | "TRUNCATE", _) => Modify,
        (name, _) => match Privilege::from_name(&name.replace('_', " ")) {
            Some(privilege) => privilege,
            None => return Err(unknown_privilege(name)),
        },
    };
    let bears = match (privilege, securable) {
        (AllPrivileges, _) => true,
        (CreateExternalTable, Securable::ExternalLocation(_)) => true,
        (CreateExternalLocation, Securable::StorageCredential(_)) => true,
        (
            ReadFiles | WriteFiles,
            Securable::ExternalLocation(_) | Securable::StorageCredential(_),
        ) => true,
        (CreateExternalTable | CreateExternalLocation | ReadFiles | WriteFiles, _) => false,
        (_, Securable::StorageCredential(_) | Securable::ExternalLocation(_)) => false,
        (Select | Modify, _) => true,
        (UseCatalog | CreateSchema, Securable::Catalog(_)) => true,
        (UseSchema | Create | CreateTable, Securable::Catalog(_) | Securable::Schema(_)) => true,
        (UseCatalog | CreateSchema, Securable::Schema(_) | Securable::Relation(_)) => false,
        (UseSchema | Create | CreateTable, Securable::Relation(_)) => false,
    };
    if bears {
        return Ok(privilege);
    }
    let kind = match securable {
        Securable::Catalog(_) => "catalog",
        Securable::Schema(_) => "schema",
        Securable::Relation(relation) => relation.kind_name(),
        Securable::StorageCredential(_) => "storage credential",
        Securable::ExternalLocation(_) => "external location",
    };
    Err(Error::new(
        ErrorKind::InvalidParameterValue,
        format!("invalid privilege type {} for {kind}", name.name),
    )
    .at_if(name.position))
}

fn unknown_privilege(name: &str) -> Error {
    let known: Vec<_> = Privilege::ALL.iter().map(|privilege| privilege.name()).collect();
    Error::new(ErrorKind::SyntaxError, format!("unrecognized privilege type \"{name}\""))
        .with_hint(format!("The privileges are {}.", known.join(", ")))
}
