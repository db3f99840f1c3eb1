//! Constraints of tables: checks, which the table's log has, and keys, which inform only. Plain facts, as the
//! metastore keeps them; which of them may be, `draft` decides.

use crate::base::{Deferral, Oid, ReferentialRules, SecurableId};

use super::securable::Relation;

/// A constraint of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Constraint {
    pub id: SecurableId,
    /// `pg_constraint.oid`
    pub oid: Oid,
    /// Unique among those of the table.
    pub name: String,
    pub kind: ConstraintKind,
    pub deferral: Deferral,
    pub comment: Option<String>,
    /// The OID of the index that PostgreSQL would have for a primary or unique key; `None` for others.
    pub index: Option<Oid>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ConstraintKind {
    Check {
        /// As SQL.
        expression: String,
    },
    Key {
        primary: bool,
        columns: Vec<SecurableId>,
        rely: bool,
    },
    Foreign {
        columns: Vec<SecurableId>,
        /// The other table, which may be the same.
        relation: SecurableId,
        /// Its columns, in the order of `columns`; together a key of it.
        referenced: Vec<SecurableId>,
        rely: bool,
        rules: ReferentialRules,
    },
}

/// A constraint to make; the metastore gives the OIDs.
#[derive(Debug, Clone, PartialEq)]
pub struct NewConstraint {
    pub id: SecurableId,
    pub name: String,
    pub kind: ConstraintKind,
    pub deferral: Deferral,
}

/// A CHECK of a table, as its log has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    pub name: String,
    /// As SQL.
    pub expression: String,
}

impl ConstraintKind {
    /// The columns of a key, in its order; none for a check.
    pub fn columns(&self) -> &[SecurableId] {
        match self {
            ConstraintKind::Check { .. } => &[],
            ConstraintKind::Key { columns, .. } | ConstraintKind::Foreign { columns, .. } => {
                columns
            }
        }
    }

    /// The table that a foreign key refers to.
    pub fn referenced(&self) -> Option<SecurableId> {
        match self {
            ConstraintKind::Foreign { relation, .. } => Some(*relation),
            ConstraintKind::Check { .. } | ConstraintKind::Key { .. } => None,
        }
    }
}

impl Relation {
    /// The checks of the table.
    pub fn checks(&self) -> impl Iterator<Item = (&str, &str)> {
        self.constraints.iter().filter_map(|constraint| match &constraint.kind {
            ConstraintKind::Check { expression } => Some((constraint.name.as_str(), &**expression)),
            ConstraintKind::Key { .. } | ConstraintKind::Foreign { .. } => None,
        })
    }

    /// The primary and unique keys of the table.
    pub fn keys(&self) -> impl Iterator<Item = &Constraint> {
        self.constraints.iter().filter(|constraint| constraint.index.is_some())
    }

    /// The primary key of the table.
    pub fn primary_key(&self) -> Option<&Constraint> {
        self.keys().find(|key| matches!(key.kind, ConstraintKind::Key { primary: true, .. }))
    }

    /// The key over these very columns, in any order.
    pub fn key_over(&self, columns: &[SecurableId]) -> Option<&Constraint> {
        self.keys().find(|key| {
            let key = key.kind.columns();
            key.len() == columns.len() && key.iter().all(|column| columns.contains(column))
        })
    }
}
