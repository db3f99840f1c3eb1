//! Access privilege inquiry functions, answered from the rights that statements are held to.
//! <https://www.postgresql.org/docs/16/functions-info.html#FUNCTIONS-INFO-ACCESS>

use crate::base::{Error, ErrorKind, Oid, PrincipalId, SecurableId};
use crate::catalog::{Privilege, Securable};
use crate::engine::system::cell::Cell;
use crate::engine::system::recorded::{INFORMATION_SCHEMA, PG_CATALOG, SYSTEM_ROLE};
use crate::engine::system::visible::{Named, Visible};
use crate::governance::access::Access;

use crate::bind::scope::undefined_catalog;

use super::define::*;
use super::object_name::relation_of_name;

const OBJECT: Parameter = Parameter::NameOrOid;

pub const FUNCTIONS: &[Function] = &[
    Function::stable("has_table_privilege", &[OBJECT, OBJECT, A_TEXT], BOOL, on_table).optional(1),
    Function::stable("has_any_column_privilege", &[OBJECT, OBJECT, A_TEXT], BOOL, on_table)
        .optional(1),
    Function::stable("has_column_privilege", &[OBJECT, OBJECT, OBJECT, A_TEXT], BOOL, on_column)
        .optional(1),
    Function::stable("has_schema_privilege", &[OBJECT, OBJECT, A_TEXT], BOOL, on_schema)
        .optional(1),
    Function::stable("has_database_privilege", &[OBJECT, OBJECT, A_TEXT], BOOL, on_database)
        .optional(1),
    // Functions, types and languages are the system's: everybody may use them.
    Function::immutable("has_function_privilege", &[OBJECT, OBJECT, A_TEXT], BOOL, always)
        .optional(1),
    Function::immutable("has_type_privilege", &[OBJECT, OBJECT, A_TEXT], BOOL, always).optional(1),
    Function::immutable("has_language_privilege", &[OBJECT, OBJECT, A_TEXT], BOOL, always)
        .optional(1),
    // What does not exist, nobody may use.
    Function::immutable("has_sequence_privilege", &[OBJECT, OBJECT, A_TEXT], BOOL, never)
        .optional(1),
    Function::immutable("has_tablespace_privilege", &[OBJECT, OBJECT, A_TEXT], BOOL, never)
        .optional(1),
    Function::immutable("has_server_privilege", &[OBJECT, OBJECT, A_TEXT], BOOL, never).optional(1),
    Function::immutable(
        "has_foreign_data_wrapper_privilege",
        &[OBJECT, OBJECT, A_TEXT],
        BOOL,
        never,
    )
    .optional(1),
    Function::stable("pg_has_role", &[OBJECT, OBJECT, A_TEXT], BOOL, has_role).optional(1),
];

fn always<'a>(_: &Call<'_>, _: &'a [Cell<'a>]) -> Result<Cell<'a>, Error> {
    Ok(true.into())
}

fn never<'a>(_: &Call<'_>, _: &'a [Cell<'a>]) -> Result<Cell<'a>, Error> {
    Ok(false.into())
}

fn on_table<'a>(call: &Call<'_>, arguments: &'a [Cell<'a>]) -> Result<Cell<'a>, Error> {
    let inquiry = Inquiry::read(call, arguments, 2)?;
    let [object, privileges] = inquiry.rest else { return Ok(Cell::Null) };
    inquiry.relation(object, privileges)
}

fn on_column<'a>(call: &Call<'_>, arguments: &'a [Cell<'a>]) -> Result<Cell<'a>, Error> {
    // Privileges are on whole tables; which column is asked about makes no difference.
    let inquiry = Inquiry::read(call, arguments, 3)?;
    let [object, _, privileges] = inquiry.rest else { return Ok(Cell::Null) };
    inquiry.relation(object, privileges)
}

fn on_schema<'a>(call: &Call<'_>, arguments: &'a [Cell<'a>]) -> Result<Cell<'a>, Error> {
    let inquiry = Inquiry::read(call, arguments, 2)?;
    let [object, privileges] = inquiry.rest else { return Ok(Cell::Null) };
    let visible = inquiry.visible;
    let asked = privilege_list(privileges)?;
    let oid = match object {
        Cell::Text(name) => visible.schema_oid(name).ok_or_else(|| {
            let message = format!("schema \"{name}\" does not exist");
            Error::new(ErrorKind::InvalidSchemaName, message)
        })?,
        other => oid_of(other),
    };
    if matches!(oid, PG_CATALOG | INFORMATION_SCHEMA) {
        return Ok(asked.iter().any(|privilege| privilege == "USAGE").into());
    }
    let Some(Securable::Schema(schema)) = known_by_oid(visible, oid) else {
        return Ok(Cell::Null);
    };
    let mut any = false;
    for privilege in &asked {
        any |= match privilege.as_str() {
            "USAGE" => inquiry.holds(schema.id, &[Privilege::UseSchema]),
            "CREATE" => inquiry.holds(schema.id, &[Privilege::Create, Privilege::CreateTable]),
            other => return Err(unrecognized(other)),
        };
    }
    Ok(any.into())
}

fn on_database<'a>(call: &Call<'_>, arguments: &'a [Cell<'a>]) -> Result<Cell<'a>, Error> {
    let inquiry = Inquiry::read(call, arguments, 2)?;
    let [object, privileges] = inquiry.rest else { return Ok(Cell::Null) };
    let visible = inquiry.visible;
    let catalog = match object {
        Cell::Text(name) => {
            let found = visible.snapshot().catalog(name);
            match found.filter(|catalog| visible.access.may_know(catalog.id)) {
                Some(catalog) => catalog.id,
                None => return Err(undefined_catalog(name)),
            }
        }
        other => match known_by_oid(visible, oid_of(other)) {
            Some(Securable::Catalog(catalog)) => catalog.id,
            _ => return Ok(Cell::Null),
        },
    };
    let mut any = false;
    for privilege in &privilege_list(privileges)? {
        any |= match privilege.as_str() {
            "CONNECT" => inquiry.holds(catalog, &[Privilege::UseCatalog]),
            "CREATE" => inquiry.holds(catalog, &[Privilege::Create, Privilege::CreateSchema]),
            // Whoever may use the catalog may have temporary objects in it.
            "TEMPORARY" | "TEMP" => inquiry.holds(catalog, &[Privilege::UseCatalog]),
            other => return Err(unrecognized(other)),
        };
    }
    Ok(any.into())
}

/// What has this OID, if the one who asks may know of it.
fn known_by_oid(visible: &Visible<'_>, oid: Oid) -> Option<Securable> {
    let found = visible.snapshot().securable_by_oid(oid)?;
    visible.access.may_know(found.id()).then_some(found)
}

fn has_role<'a>(call: &Call<'_>, arguments: &'a [Cell<'a>]) -> Result<Cell<'a>, Error> {
    let inquiry = Inquiry::read(call, arguments, 2)?;
    let [object, _] = inquiry.rest else { return Ok(Cell::Null) };
    let snapshot = inquiry.visible.snapshot();
    let role = match object {
        Cell::Text(name) => snapshot.principal(name).ok_or_else(|| undefined_role(name))?,
        other => match snapshot.principal_by_oid(oid_of(other)) {
            Some(role) => role,
            None => return Ok(false.into()),
        },
    };
    Ok((inquiry.access().is_admin() || inquiry.access().is(role.id)).into())
}

/// One question: whose privileges, and the arguments about the object.
struct Inquiry<'c, 'v, 'a> {
    visible: &'c Visible<'v>,
    /// The rights of another user than the one who asks.
    other: Option<Access<'v>>,
    rest: &'a [Cell<'a>],
}

impl<'c, 'v, 'a> Inquiry<'c, 'v, 'a> {
    /// Reads the arguments: the last `count`, and before them the user when one is named.
    fn read(call: &'c Call<'v>, arguments: &'a [Cell<'a>], count: usize) -> Result<Self, Error> {
        let visible = call.visible()?;
        let (user, rest) = arguments.split_at(arguments.len().saturating_sub(count));
        let other = match user {
            [] => None,
            [user, ..] => {
                let named = user_of(visible, user)?;
                let mine = visible.facts.principal == Some(named);
                (!mine).then(|| Access::new(visible.snapshot(), named))
            }
        };
        Ok(Inquiry { visible, other, rest })
    }

    fn access(&self) -> &Access<'v> {
        self.other.as_ref().unwrap_or(&self.visible.access)
    }

    fn holds(&self, id: SecurableId, privileges: &[Privilege]) -> bool {
        privileges.iter().any(|&privilege| self.access().has(id, privilege))
    }

    fn relation(&self, object: &Cell<'_>, privileges: &Cell<'_>) -> Result<Cell<'a>, Error> {
        let named = match object {
            Cell::Text(name) => Some(relation_of_name(self.visible, name)?),
            other => self.visible.named_by_oid(oid_of(other)),
        };
        let Some(named) = named else { return Ok(Cell::Null) };
        let mut any = false;
        for privilege in &privilege_list(privileges)? {
            any |= match (privilege.as_str(), &named) {
                ("SELECT", Named::System(_)) => true,
                ("SELECT", Named::User(_, relation)) => {
                    self.holds(relation.id, &[Privilege::Select])
                }
                ("INSERT" | "UPDATE" | "DELETE" | "TRUNCATE", Named::User(_, relation)) => {
                    self.holds(relation.id, &[Privilege::Modify])
                }
                ("REFERENCES" | "TRIGGER", Named::User(_, relation)) => {
                    self.access().manages(relation.id)
                }
                (
                    "INSERT" | "UPDATE" | "DELETE" | "TRUNCATE" | "REFERENCES" | "TRIGGER",
                    Named::System(_) | Named::Index(..) | Named::Sequence(..),
                )
                | ("SELECT", Named::Index(..) | Named::Sequence(..)) => false,
                (other, _) => return Err(unrecognized(other)),
            };
        }
        Ok(any.into())
    }
}

fn user_of(visible: &Visible<'_>, user: &Cell<'_>) -> Result<PrincipalId, Error> {
    let snapshot = visible.snapshot();
    match user {
        Cell::Text(name) if *name == "public" => Ok(PrincipalId::PUBLIC),
        Cell::Text(name) => {
            snapshot.principal(name).map(|user| user.id).ok_or_else(|| undefined_role(name))
        }
        other => {
            let oid = oid_of(other);
            let missing = || {
                let message = format!("role with OID {oid} does not exist");
                Error::new(ErrorKind::UndefinedObject, message)
            };
            match oid {
                SYSTEM_ROLE => Ok(PrincipalId(uuid::Uuid::nil())),
                _ => snapshot.principal_by_oid(oid).map(|user| user.id).ok_or_else(missing),
            }
        }
    }
}

/// The privileges of a comma-separated list, upper case, grant options left out.
fn privilege_list(privileges: &Cell<'_>) -> Result<Vec<String>, Error> {
    let Cell::Text(privileges) = privileges else { return Ok(Vec::new()) };
    let one = |privilege: &str| {
        let privilege = privilege.trim().to_uppercase();
        privilege.strip_suffix(" WITH GRANT OPTION").map_or(privilege.clone(), str::to_owned)
    };
    Ok(privileges.split(',').map(one).collect())
}

fn oid_of(cell: &Cell<'_>) -> Oid {
    match cell {
        Cell::Int8(oid) => Oid(u32::try_from(*oid).unwrap_or_default()),
        _ => Oid::INVALID,
    }
}

fn unrecognized(privilege: &str) -> Error {
    let message = format!("unrecognized privilege type: \"{privilege}\"");
    Error::new(ErrorKind::InvalidParameterValue, message)
}

fn undefined_role(name: &str) -> Error {
    Error::new(ErrorKind::UndefinedObject, format!("role \"{name}\" does not exist"))
}
