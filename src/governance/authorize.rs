//! The door: a bound statement and a principal to an `Authorized`, or an error that tells no more than the
//! principal may know. Nothing else makes an `Authorized`.

use crate::base::name::ObjectName;
use crate::base::{Error, ErrorKind, PrincipalId, Result, SecurableId};
use crate::bind::scope::undefined_relation;
use crate::bind::storage::undefined_storage;
use crate::bind::{Bound, BoundStatement};
use crate::catalog::{Privilege, Securable, Snapshot};

use super::access::Access;
use super::requirement::{Need, Requirement, requirements};

/// A statement that its principal may run. Row filters and column masks will travel in it.
#[derive(Debug, Clone)]
pub struct Authorized {
    bound: Bound,
    principal: PrincipalId,
}

impl Authorized {
    /// The statement that may run, taken out.
    pub fn into_statement(self) -> BoundStatement {
        self.bound.statement
    }

    /// Who runs it.
    pub fn principal(&self) -> PrincipalId {
        self.principal
    }
}

/// Lets the statement through when the principal has all that it needs.
///
/// Errors: 42P01, 3F000 or 3D000 for what the principal may not know of; 42501 with what is missing for
/// what it knows.
pub fn authorize(bound: Bound, principal: PrincipalId) -> Result<Authorized> {
    for requirement in requirements(&bound.statement) {
        if let Err(denial) = check(&bound.snapshot, principal, &requirement) {
            tracing::info!(
                target: "lakegate::audit",
                principal = %principal,
                revision = bound.snapshot.revision(),
                requirement = ?requirement.need,
                sqlstate = denial.sqlstate(),
                "denied",
            );
            return Err(denial);
        }
    }
    tracing::debug!(
        target: "lakegate::audit",
        principal = %principal,
        revision = bound.snapshot.revision(),
        "allowed",
    );
    Ok(Authorized { bound, principal })
}

fn check(snapshot: &Snapshot, session: PrincipalId, requirement: &Requirement) -> Result<()> {
    let principal = requirement.on_behalf_of.unwrap_or(session);
    let access = Access::new(snapshot, principal);
    let outcome = match requirement.need {
        Need::Privilege(id, privilege) => usable(snapshot, &access, id, privilege),
        Need::Manage(id) if access.manages(id) => Ok(()),
        Need::Manage(id) => Err(denied(snapshot, &access, id, |kind, name| {
            (format!("must be owner of {kind} {name}"), None)
        })),
        Need::CreateIn(id) => {
            usable_any(snapshot, &access, id, &[Privilege::Create, Privilege::CreateTable])
        }
        Need::CreateSchemaIn(id) => {
            usable_any(snapshot, &access, id, &[Privilege::Create, Privilege::CreateSchema])
        }
        Need::CreateTableAt(place) => create_table_at(&access, place),
        Need::Know(id) if access.may_know(id) => Ok(()),
        Need::Know(id) => Err(unknown(snapshot, id)),
        Need::Admin if access.is_admin() => Ok(()),
        Need::Admin => Err(Error::new(
            ErrorKind::InsufficientPrivilege,
            "permission denied: only an admin may do this",
        )),
        Need::Be(id) if access.is(id) || access.is_admin() => Ok(()),
        Need::Be(_) => Err(Error::new(
            ErrorKind::InsufficientPrivilege,
            "permission denied: only an admin may do this for another principal",
        )),
    };
    match (outcome, requirement.on_behalf_of) {
        (Err(denial), Some(owner)) => Err(owner_lacks(snapshot, owner, denial)),
        (outcome, _) => outcome,
    }
}

/// Who names a place reads and writes there with the server's credentials. The denial is the same whether
/// there is an external location or not.
fn create_table_at(access: &Access<'_>, place: Option<SecurableId>) -> Result<()> {
    let allowed = match place {
        Some(location) => access.has(location, Privilege::CreateExternalTable),
        None => access.is_admin(),
    };
    if allowed {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::InsufficientPrivilege,
        "permission denied for the LOCATION of the table",
    )
    .with_detail(
        "There is no external location that covers it and on which you have the privilege CREATE \
             EXTERNAL TABLE.",
    ))
}

/// What the owner of a view lacks says nothing to its reader but that the view cannot be read.
fn owner_lacks(snapshot: &Snapshot, owner: PrincipalId, denial: Error) -> Error {
    let owner = snapshot.principal_by_id(owner).map_or("that is gone", |owner| owner.name.as_str());
    Error::new(
        ErrorKind::InsufficientPrivilege,
        "permission denied for a relation that a view reads",
    )
    .with_detail(format!("The view's owner \"{owner}\" lacks a privilege on it."))
    .caused_by(denial)
}

fn usable(
    snapshot: &Snapshot,
    access: &Access<'_>,
    id: SecurableId,
    privilege: Privilege,
) -> Result<()> {
    usable_any(snapshot, access, id, &[privilege])
}

/// One of the privileges on the securable, and USE on all that contains it and on itself.
fn usable_any(
    snapshot: &Snapshot,
    access: &Access<'_>,
    id: SecurableId,
    privileges: &[Privilege],
) -> Result<()> {
    let first = snapshot.securable(id);
    for securable in std::iter::successors(first, |s| snapshot.securable(s.parent()?)) {
        let use_privilege = match &securable {
            Securable::Catalog(_) => Privilege::UseCatalog,
            Securable::Schema(_) => Privilege::UseSchema,
            Securable::Relation(_)
            | Securable::StorageCredential(_)
            | Securable::ExternalLocation(_) => continue,
        };
        if !access.has(securable.id(), use_privilege) {
            return Err(lacks(snapshot, access, id, &securable, use_privilege));
        }
    }
    if privileges.iter().any(|privilege| access.has(id, *privilege)) {
        return Ok(());
    }
    match (snapshot.securable(id), privileges.first()) {
        (Some(securable), Some(privilege)) => {
            Err(lacks(snapshot, access, id, &securable, *privilege))
        }
        _ => Err(unknown(snapshot, id)),
    }
}

/// 42501 for `id`, naming the privilege that is missing and on what.
fn lacks(
    snapshot: &Snapshot,
    access: &Access<'_>,
    id: SecurableId,
    on: &Securable,
    privilege: Privilege,
) -> Error {
    denied(snapshot, access, id, |kind, name| {
        let detail = format!(
            "The privilege {} on {} {} is missing.",
            privilege.name(),
            kind_of(on),
            on.name(),
        );
        (format!("permission denied for {kind} {name}"), Some(detail))
    })
}

/// The denial for somebody who may know of the securable, or its absence for everybody else.
fn denied(
    snapshot: &Snapshot,
    access: &Access<'_>,
    id: SecurableId,
    words: impl FnOnce(&str, &str) -> (String, Option<String>),
) -> Error {
    let Some(securable) = snapshot.securable(id).filter(|_| access.may_know(id)) else {
        return unknown(snapshot, id);
    };
    let (message, detail) = words(kind_of(&securable), securable.name());
    let error = Error::new(ErrorKind::InsufficientPrivilege, message);
    match detail {
        Some(detail) => error.with_detail(detail),
        None => error,
    }
}

fn unknown(snapshot: &Snapshot, id: SecurableId) -> Error {
    use crate::bind::scope::{undefined_catalog, undefined_schema};
    match snapshot.securable(id) {
        Some(Securable::Catalog(catalog)) => undefined_catalog(&catalog.name),
        Some(Securable::Schema(schema)) => undefined_schema(&schema.name),
        Some(Securable::Relation(relation)) => {
            undefined_relation(&ObjectName::bare(relation.name.clone()))
        }
        Some(Securable::StorageCredential(credential)) => {
            undefined_storage("storage credential", &credential.name)
        }
        Some(Securable::ExternalLocation(location)) => {
            undefined_storage("external location", &location.name)
        }
        None => undefined_relation(&ObjectName::bare(id.to_string())),
    }
}

fn kind_of(securable: &Securable) -> &'static str {
    match securable {
        Securable::Catalog(_) => "catalog",
        Securable::Schema(_) => "schema",
        Securable::Relation(relation) => relation.kind_name(),
        Securable::StorageCredential(_) => "storage credential",
        Securable::ExternalLocation(_) => "external location",
    }
}
