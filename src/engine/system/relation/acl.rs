//! Grants in PostgreSQL's words: `aclitem` texts and privilege names. It decides nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::{PrincipalId, SecurableId};
use crate::catalog::Privilege;

use super::super::cell::Cell;
use super::super::visible::Visible;

/// What kind of object an ACL stands on: PostgreSQL has other letters for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AclKind {
    Database,
    Schema,
    Relation,
}

/// PostgreSQL's table privileges by their names, with the letters of `aclitem`.
pub const TABLE_PRIVILEGES: &[(&str, char)] = &[
    ("INSERT", 'a'),
    ("SELECT", 'r'),
    ("UPDATE", 'w'),
    ("DELETE", 'd'),
    ("TRUNCATE", 'D'),
    ("REFERENCES", 'x'),
    ("TRIGGER", 't'),
];

/// The PostgreSQL privileges on a relation that one of ours comes to.
pub fn privilege_names(privilege: Privilege) -> &'static [&'static str] {
    match privilege {
        Privilege::Select => &["SELECT"],
        Privilege::Modify => &["INSERT", "UPDATE", "DELETE", "TRUNCATE"],
        Privilege::AllPrivileges => &["INSERT", "SELECT", "UPDATE", "DELETE", "TRUNCATE"],
        Privilege::UseCatalog
        | Privilege::UseSchema
        | Privilege::Create
        | Privilege::CreateSchema
        | Privilege::CreateTable
        | Privilege::CreateExternalTable
        | Privilege::CreateExternalLocation
        | Privilege::ReadFiles
        | Privilege::WriteFiles => &[],
    }
}

/// The grants on a securable as `aclitem[]`, those to others only for whoever manages it; NULL where there
/// are none, which says: the owner's only.
pub fn acl(
    visible: &Visible<'_>,
    id: SecurableId,
    owner: PrincipalId,
    kind: AclKind,
) -> Cell<'static> {
    let mut granted: BTreeMap<PrincipalId, BTreeSet<char>> = BTreeMap::new();
    let manages = visible.access.manages(id);
    let shown = |grantee| manages || visible.access.is(grantee);
    for (grantee, privilege) in visible.snapshot().grants_on(id).filter(|(to, _)| shown(*to)) {
        granted.entry(grantee).or_default().extend(letters(privilege, kind).chars());
    }
    if granted.is_empty() {
        return Cell::Null;
    }
    granted.entry(owner).or_default().extend(letters(Privilege::AllPrivileges, kind).chars());
    let grantor = role(visible, owner);
    let item = |(grantee, letters): (&PrincipalId, &BTreeSet<char>)| {
        let order = "rawdDxtXUCcT";
        let letters: String = order.chars().filter(|letter| letters.contains(letter)).collect();
        format!("{}={letters}/{grantor}", role(visible, *grantee))
    };
    Cell::Texts(granted.iter().map(item).collect())
}

fn letters(privilege: Privilege, kind: AclKind) -> &'static str {
    match (privilege, kind) {
        (Privilege::Select, _) => "r",
        (Privilege::Modify, _) => "awdD",
        (Privilege::UseSchema, _) => "U",
        (Privilege::UseCatalog, _) => "c",
        (Privilege::Create | Privilege::CreateSchema | Privilege::CreateTable, _) => "C",
        // Of what PostgreSQL has nothing like.
        (
            Privilege::CreateExternalTable
            | Privilege::CreateExternalLocation
            | Privilege::ReadFiles
            | Privilege::WriteFiles,
            _,
        ) => "",
        (Privilege::AllPrivileges, AclKind::Database) => "Cc",
        (Privilege::AllPrivileges, AclKind::Schema) => "UC",
        (Privilege::AllPrivileges, AclKind::Relation) => "rawdD",
    }
}

/// A role's name as `aclitem` quotes it; everybody has none.
fn role(visible: &Visible<'_>, id: PrincipalId) -> String {
    if id == PrincipalId::PUBLIC {
        return String::new();
    }
    let name = visible.snapshot().principal_by_id(id).map_or("", |principal| &principal.name);
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}
