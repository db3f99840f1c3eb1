//! Users and groups, as the metastore keeps them. It checks no password.

use std::collections::BTreeSet;

use crate::base::{Oid, PrincipalId};

/// Names that no user and no group can have: the first two mean everybody, and `SET ROLE none` ends a role.
pub const RESERVED_NAMES: &[&str] = &["public", "account users", "none"];

/// How everybody ([`PrincipalId::PUBLIC`]) is called where grants are shown.
pub const PUBLIC_NAME: &str = "PUBLIC";

/// A user or a group.
#[derive(Debug, Clone, PartialEq)]
pub struct Principal {
    pub id: PrincipalId,
    pub oid: Oid,
    pub name: String,
    pub kind: PrincipalKind,
    /// May everything in the metastore.
    pub admin: bool,
    /// The SCRAM verifier in PostgreSQL's form (`SCRAM-SHA-256$…`); `None` cannot log in by password.
    pub verifier: Option<String>,
    /// The groups that this principal is a direct member of.
    pub member_of: BTreeSet<PrincipalId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrincipalKind {
    User,
    Group,
}
