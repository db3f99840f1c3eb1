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
/// Errors: 42P01, 3F000 or 3D000 for what the principal may not know of; 42501 with all that is missing for
/// what it knows; 28000 for a principal that has been dropped.
pub fn authorize(bound: Bound, principal: PrincipalId) -> Result<Authorized> {
    if let Err(denial) = decide(&bound, principal) {
        tracing::info!(
            target: "lakegate::audit",
            principal = %principal,
            revision = bound.snapshot.revision(),
            sqlstate = denial.sqlstate(),
            reason = %denial,
            missing = denial.detail(),
            "denied",
        );
        return Err(denial);
    }
    tracing::debug!(
        target: "lakegate::audit",
        principal = %principal,
        revision = bound.snapshot.revision(),
        "allowed",
    );
    Ok(Authorized { bound, principal })
}

/// Why a requirement is not met.
enum Denial {
    /// Privileges that would do, on something that the principal knows.
    Missing { message: String, privileges: Vec<String> },
    /// Something that no single grant gives, or that the principal must not hear of.
    Refused(Error),
}

/// The first denial, with the privileges that are missing anywhere in the statement.
fn decide(bound: &Bound, session: PrincipalId) -> Result<()> {
    if bound.snapshot.principal_by_id(session).is_none() {
        let message = "the user of this session does not exist any more";
        return Err(Error::new(ErrorKind::InvalidAuthorizationSpecification, message));
    }
    let mut first = None;
    let mut missing: Vec<String> = Vec::new();
    for requirement in requirements(&bound.statement) {
        match check(&bound.snapshot, session, &requirement) {
            Ok(()) => {}
            Err(Denial::Refused(error)) if first.is_none() => return Err(error),
            Err(Denial::Refused(_)) => {}
            Err(Denial::Missing { message, privileges }) => {
                first.get_or_insert(message);
                let new = privileges.into_iter().filter(|one| !missing.contains(one));
                missing.extend(new.collect::<Vec<_>>());
            }
        }
    }
    match first {
        Some(message) => {
            Err(Error::new(ErrorKind::InsufficientPrivilege, message)
                .with_detail(sentence(&missing)))
        }
        None => Ok(()),
    }
}

fn sentence(missing: &[String]) -> String {
    match missing {
        [one] => format!("The privilege {one} is missing."),
        many => format!("These privileges are missing: {}.", many.join(", ")),
    }
}

fn check(
    snapshot: &Snapshot,
    session: PrincipalId,
    requirement: &Requirement,
) -> std::result::Result<(), Denial> {
    let principal = requirement.on_behalf_of.unwrap_or(session);
    let access = Access::new(snapshot, principal);
    let outcome = match requirement.need {
        Need::Privilege(id, privilege) => usable(snapshot, &access, id, &[privilege]),
        Need::Manage(id) if access.manages(id) => Ok(()),
        Need::Manage(id) => Err(not_owner(snapshot, &access, id)),
        Need::CreateIn(id) => {
            usable(snapshot, &access, id, &[Privilege::Create, Privilege::CreateTable])
        }
        Need::CreateSchemaIn(id) => {
            usable(snapshot, &access, id, &[Privilege::Create, Privilege::CreateSchema])
        }
        Need::CreateTableAt(place) => create_table_at(&access, place),
        Need::ReadFilesAt(place) => read_files_at(&access, place),
        Need::ReadFilesOf(table) if access.manages(table) => Ok(()),
        Need::ReadFilesOf(_) => Err(unreadable_files()),
        Need::Cascade(id) if access.may_know(id) => {
            usable(snapshot, &access, id, &[Privilege::Modify])
        }
        Need::Cascade(_) => Err(refused("permission denied for a table that refers to these")),
        Need::Know(id) if access.may_know(id) => Ok(()),
        Need::Know(id) => Err(Denial::Refused(unknown(snapshot, id))),
        Need::Admin if access.is_admin() => Ok(()),
        Need::Admin => Err(refused("permission denied: only an admin may do this")),
        Need::Be(id) if access.is(id) || access.is_admin() => Ok(()),
        Need::Be(_) => {
            Err(refused("permission denied: only an admin may do this for another principal"))
        }
        Need::ActAs(id) if access.is(id) || access.is_admin() => Ok(()),
        Need::ActAs(id) => {
            let role = snapshot.principal_by_id(id).map_or("", |principal| &principal.name);
            // PostgreSQL's words; without the rule, an owner could make a view read as somebody else.
            Err(refused(format!("must be able to SET ROLE \"{role}\"")))
        }
    };
    if let (Err(_), Some(view)) = (&outcome, requirement.explained) {
        let name = snapshot.securable(view).map_or(String::new(), |view| view.name().to_owned());
        let message = format!("permission denied to explain view {name}");
        let error = Error::new(ErrorKind::InsufficientPrivilege, message);
        return Err(Denial::Refused(error.with_detail("Its plan would show what the view reads.")));
    }
    match (outcome, requirement.on_behalf_of) {
        (Err(denial), Some(owner)) => Err(Denial::Refused(owner_lacks(snapshot, owner, denial))),
        (outcome, _) => outcome,
    }
}

fn refused(message: impl Into<String>) -> Denial {
    Denial::Refused(Error::new(ErrorKind::InsufficientPrivilege, message))
}

/// Who names a place reads and writes there with the server's credentials. The denial is the same whether
/// there is an external location or not.
fn create_table_at(
    access: &Access<'_>,
    place: Option<SecurableId>,
) -> std::result::Result<(), Denial> {
    let allowed = match place {
        Some(location) => access.has(location, Privilege::CreateExternalTable),
        None => access.is_admin(),
    };
    if allowed {
        return Ok(());
    }
    let message = "permission denied for the LOCATION of the table";
    Err(Denial::Refused(Error::new(ErrorKind::InsufficientPrivilege, message).with_detail(
        "There is no external location that covers it and on which you have the privilege CREATE \
         EXTERNAL TABLE.",
    )))
}

/// As for tables: the denial does not tell whether there is an external location.
fn read_files_at(
    access: &Access<'_>,
    place: Option<SecurableId>,
) -> std::result::Result<(), Denial> {
    let allowed = match place {
        Some(location) => access.has(location, Privilege::ReadFiles),
        None => access.is_admin(),
    };
    if allowed { Ok(()) } else { Err(unreadable_files()) }
}

/// Nor whether a table lies there.
fn unreadable_files() -> Denial {
    let error = Error::new(ErrorKind::InsufficientPrivilege, "permission denied for the files");
    Denial::Refused(error.with_detail(
        "There is no external location that covers them and on which you have the privilege READ \
         FILES, or they are those of a table that you do not own.",
    ))
}

/// What the owner of a view lacks says nothing to its reader but that the view cannot be read.
fn owner_lacks(snapshot: &Snapshot, owner: PrincipalId, denial: Denial) -> Error {
    let owner = snapshot.principal_by_id(owner).map_or("that is gone", |owner| owner.name.as_str());
    let cause = match denial {
        Denial::Missing { message, privileges } => {
            Error::new(ErrorKind::InsufficientPrivilege, message).with_detail(sentence(&privileges))
        }
        Denial::Refused(error) => error,
    };
    Error::new(
        ErrorKind::InsufficientPrivilege,
        "permission denied for a relation that a view reads",
    )
    .with_detail(format!("The view's owner \"{owner}\" lacks a privilege on it."))
    .caused_by(cause)
}

/// One of the privileges on the securable, and USE on all that contains it and on itself.
fn usable(
    snapshot: &Snapshot,
    access: &Access<'_>,
    id: SecurableId,
    privileges: &[Privilege],
) -> std::result::Result<(), Denial> {
    let Some(securable) = snapshot.securable(id).filter(|_| access.may_know(id)) else {
        return Err(Denial::Refused(unknown(snapshot, id)));
    };
    let first = Some(securable.clone());
    let mut missing = Vec::new();
    for container in std::iter::successors(first, |s| snapshot.securable(s.parent()?)) {
        let use_privilege = match &container {
            Securable::Catalog(_) => Privilege::UseCatalog,
            Securable::Schema(_) => Privilege::UseSchema,
            Securable::Relation(_)
            | Securable::StorageCredential(_)
            | Securable::ExternalLocation(_) => continue,
        };
        if !access.has(container.id(), use_privilege) {
            missing.push(named(use_privilege, &container));
        }
    }
    // From the outside in, as somebody would grant them.
    missing.reverse();
    if !privileges.iter().any(|privilege| access.has(id, *privilege)) {
        missing.extend(privileges.first().map(|privilege| named(*privilege, &securable)));
    }
    if missing.is_empty() {
        return Ok(());
    }
    let message = format!("permission denied for {} {}", kind_of(&securable), securable.name());
    Err(Denial::Missing { message, privileges: missing })
}

fn named(privilege: Privilege, on: &Securable) -> String {
    format!("{} on {} {}", privilege.name(), kind_of(on), on.name())
}

fn not_owner(snapshot: &Snapshot, access: &Access<'_>, id: SecurableId) -> Denial {
    match snapshot.securable(id).filter(|_| access.may_know(id)) {
        Some(known) => refused(format!("must be owner of {} {}", kind_of(&known), known.name())),
        None => Denial::Refused(unknown(snapshot, id)),
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
