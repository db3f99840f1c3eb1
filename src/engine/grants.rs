//! Users, groups and grants: bound statements to changes of the metastore.

use crate::auth::password::stored_form;
use crate::base::secret::Secret;
use crate::base::{Error, PrincipalId, Result};
use crate::bind::BoundStatement;
use crate::bind::bound::{BoundAlterPrincipal, BoundCreatePrincipal, BoundGrant};
use crate::catalog::change::NewPrincipal;
use crate::catalog::principal::{Principal, PrincipalKind as StoredKind};
use crate::catalog::{Change, Grant, Privilege, Snapshot};
use crate::sql::statement::PrincipalKind;

use super::{Completion, Engine, Request};

impl Engine {
    pub(super) async fn change_principals(
        &self,
        statement: BoundStatement,
        request: &Request,
    ) -> Result<Completion> {
        let (changes, completion) = match statement {
            BoundStatement::CreatePrincipal(create) => {
                let completion = Completion::new("CREATE ROLE");
                if create.if_not_exists && create.existing.is_some() {
                    let notice = format!("role \"{}\" already exists, skipping", create.name);
                    return Ok(Completion { notices: vec![notice], ..completion });
                }
                (vec![new_principal(create).await?], completion)
            }
            BoundStatement::AlterPrincipal { principal, action } => {
                (alter_principal(&principal, action).await?, Completion::new("ALTER ROLE"))
            }
            BoundStatement::DropPrincipals { principals, missing } => {
                let drops = principals.iter().map(|p| Change::DropPrincipal { id: p.id });
                (drops.collect(), Completion::with_notices("DROP ROLE", missing))
            }
            BoundStatement::Grant(grant) => {
                (each_grant(&grant).map(Change::Grant).collect(), Completion::new("GRANT"))
            }
            BoundStatement::Revoke(grant) => {
                (revoked(&grant, &request.facts.snapshot), Completion::new("REVOKE"))
            }
            BoundStatement::GrantMembership { groups, members } => {
                let pairs = pairs(&groups, &members);
                let changes = pairs.map(|(group, member)| Change::AddMember { group, member });
                (changes.collect(), Completion::new("GRANT ROLE"))
            }
            BoundStatement::RevokeMembership { groups, members } => {
                let pairs = pairs(&groups, &members);
                let changes = pairs.map(|(group, member)| Change::RemoveMember { group, member });
                (changes.collect(), Completion::new("REVOKE ROLE"))
            }
            _ => return Err(Error::internal("a statement found nobody to run it")),
        };
        self.change_metastore(&changes, request).await?;
        Ok(completion)
    }
}

async fn new_principal(create: BoundCreatePrincipal) -> Result<Change> {
    Ok(Change::CreatePrincipal(NewPrincipal {
        id: PrincipalId::generate(),
        name: create.name,
        kind: match create.kind {
            PrincipalKind::User => StoredKind::User,
            PrincipalKind::Group => StoredKind::Group,
        },
        admin: create.admin,
        verifier: match create.password {
            Some(password) => Some(verifier(password).await?),
            None => None,
        },
    }))
}

async fn alter_principal(
    principal: &Principal,
    action: BoundAlterPrincipal,
) -> Result<Vec<Change>> {
    let id = principal.id;
    let changes = match action {
        BoundAlterPrincipal::Options { password, admin } => {
            let mut changes = Vec::new();
            if let Some(password) = password {
                let verifier = match password {
                    Some(password) => Some(verifier(password).await?),
                    None => None,
                };
                changes.push(Change::SetVerifier { id, verifier });
            }
            changes.extend(admin.map(|admin| Change::SetAdmin { id, admin }));
            changes
        }
        BoundAlterPrincipal::RenameTo(name) => vec![Change::RenamePrincipal { id, name }],
        BoundAlterPrincipal::AddMembers(members) => members
            .iter()
            .map(|member| Change::AddMember { group: id, member: member.id })
            .collect(),
        BoundAlterPrincipal::DropMembers(members) => members
            .iter()
            .map(|member| Change::RemoveMember { group: id, member: member.id })
            .collect(),
    };
    Ok(changes)
}

/// What the metastore keeps of a password. A client may send the stored form instead of a password, as
/// psql's `\password` does. Hashing takes milliseconds of CPU by design.
async fn verifier(password: Secret) -> Result<String> {
    match tokio::task::spawn_blocking(move || stored_form(&password)).await {
        Ok(verifier) => verifier,
        Err(error) => Err(Error::internal("hashing a password failed").caused_by(error)),
    }
}

fn each_grant(grant: &BoundGrant) -> impl Iterator<Item = Grant> {
    grant.on.iter().flat_map(move |(securable, privileges)| {
        privileges.iter().flat_map(move |privilege| {
            grant.grantees.iter().map(move |principal| Grant {
                securable: securable.id(),
                principal: *principal,
                privilege: *privilege,
            })
        })
    })
}

/// `REVOKE ALL` takes every grant that is there.
fn revoked(grant: &BoundGrant, snapshot: &Snapshot) -> Vec<Change> {
    let mut changes = Vec::new();
    for named in each_grant(grant) {
        if named.privilege != Privilege::AllPrivileges {
            changes.push(Change::Revoke(named));
            continue;
        }
        let held = snapshot.grants_on(named.securable);
        let held = held.filter(|(principal, _)| *principal == named.principal);
        changes.extend(held.map(|(_, privilege)| Change::Revoke(Grant { privilege, ..named })));
    }
    changes
}

fn pairs<'a>(
    groups: &'a [std::sync::Arc<Principal>],
    members: &'a [std::sync::Arc<Principal>],
) -> impl Iterator<Item = (PrincipalId, PrincipalId)> + 'a {
    groups.iter().flat_map(|group| members.iter().map(|member| (group.id, member.id)))
}
