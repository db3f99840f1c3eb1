//! Identifiers that stay when names change. It never looks anything up.

use std::fmt;
use uuid::Uuid;

/// The lasting identity of a catalog, schema, table or view: grants, tags and policies are keyed by
/// it, so a rename keeps them. Version 7, so that ids sort by age.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct SecurableId(pub Uuid);

/// The lasting identity of a user or group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PrincipalId(pub Uuid);

/// PostgreSQL's object identifier: what clients see. Below [`Oid::FIRST_NORMAL`] lie the system's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Oid(pub u32);

impl SecurableId {
    pub fn generate() -> Self {
        SecurableId(Uuid::now_v7())
    }
}

impl PrincipalId {
    /// PUBLIC, that is everybody, as a grantee. No user or group has this id.
    pub const PUBLIC: PrincipalId = PrincipalId(Uuid::max());

    pub fn generate() -> Self {
        PrincipalId(Uuid::now_v7())
    }
}

impl Oid {
    /// No object.
    pub const INVALID: Oid = Oid(0);
    /// The first OID that user objects get (PostgreSQL's `FirstNormalObjectId`).
    pub const FIRST_NORMAL: Oid = Oid(16384);
}

impl fmt::Display for SecurableId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for PrincipalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
