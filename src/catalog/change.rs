//! Changes of the metastore as data: what DDL, GRANT and user statements come down to. A list of them is
//! applied in one transaction, wholly or not at all.

use crate::base::{PrincipalId, SecurableId};

use super::constraint::{Check, NewConstraint};
use super::grant::Grant;
use super::index::NewIndex;
use super::principal::PrincipalKind;
use super::securable::{Column, RelationKind};
use super::storage::StorageChange;

/// One change. Ids of new things are made by the caller, OIDs by the metastore.
#[derive(Debug, Clone)]
pub enum Change {
    CreateCatalog(NewCatalog),
    CreateSchema(NewSchema),
    /// A managed table's location must have been staged; the staging ends with this change.
    CreateRelation(NewRelation),
    /// New content for a table or view that keeps its id, OID, grants and owner: CREATE OR REPLACE,
    /// ALTER VIEW AS. The old files of a managed table whose location changes become loose.
    ReplaceRelation {
        id: SecurableId,
        kind: RelationKind,
        columns: Vec<Column>,
        comment: Option<String>,
        /// In place of all that it had; foreign keys that refer to the old ones go. Its declared
        /// indexes go.
        constraints: Vec<NewConstraint>,
    },
    /// The columns and checks that a newer version of the table has. A key goes with any of its columns.
    SetColumns {
        id: SecurableId,
        columns: Vec<Column>,
        partition_columns: Vec<String>,
        checks: Vec<Check>,
    },
    /// Whether a materialized view has rows to read.
    SetPopulated {
        id: SecurableId,
        populated: bool,
    },
    /// A key that informs only.
    AddConstraint {
        relation: SecurableId,
        constraint: NewConstraint,
    },
    /// With the foreign keys that refer to it. The caller has checked CASCADE.
    DropConstraint {
        relation: SecurableId,
        constraint: SecurableId,
    },
    /// An index that informs only.
    AddIndex {
        relation: SecurableId,
        index: NewIndex,
    },
    DropIndex {
        relation: SecurableId,
        index: SecurableId,
    },
    /// Of a declared index, or of a key and its index.
    RenameIndex {
        relation: SecurableId,
        /// The id of the index or of the constraint.
        index: SecurableId,
        name: String,
    },
    /// Of a constraint or a declared index.
    SetPartComment {
        relation: SecurableId,
        part: SecurableId,
        comment: Option<String>,
    },
    Rename {
        id: SecurableId,
        name: String,
    },
    /// Moves a relation to another schema.
    SetSchema {
        id: SecurableId,
        schema: SecurableId,
    },
    SetOwner {
        id: SecurableId,
        owner: PrincipalId,
    },
    SetComment {
        id: SecurableId,
        comment: Option<String>,
    },
    SetColumnComment {
        relation: SecurableId,
        column: SecurableId,
        comment: Option<String>,
    },
    /// With all that is in it; files of managed tables become loose. The caller has checked CASCADE.
    Drop {
        id: SecurableId,
    },

    /// Of a storage credential or an external location.
    Storage(StorageChange),

    CreatePrincipal(NewPrincipal),
    RenamePrincipal {
        id: PrincipalId,
        name: String,
    },
    SetVerifier {
        id: PrincipalId,
        verifier: Option<String>,
    },
    SetAdmin {
        id: PrincipalId,
        admin: bool,
    },
    /// Refused with 2BP01 while it owns something; its grants go with it.
    DropPrincipal {
        id: PrincipalId,
    },
    AddMember {
        group: PrincipalId,
        member: PrincipalId,
    },
    RemoveMember {
        group: PrincipalId,
        member: PrincipalId,
    },

    /// Without effect when it is there already.
    Grant(Grant),
    /// Without effect when it is not there.
    Revoke(Grant),
}

#[derive(Debug, Clone)]
pub struct NewCatalog {
    pub id: SecurableId,
    pub name: String,
    pub owner: PrincipalId,
    pub comment: Option<String>,
}

#[derive(Debug, Clone)]
pub struct NewSchema {
    pub id: SecurableId,
    pub catalog: SecurableId,
    pub name: String,
    pub owner: PrincipalId,
    pub comment: Option<String>,
}

#[derive(Debug, Clone)]
pub struct NewRelation {
    pub id: SecurableId,
    pub schema: SecurableId,
    pub name: String,
    pub owner: PrincipalId,
    pub comment: Option<String>,
    pub kind: RelationKind,
    pub columns: Vec<Column>,
    pub constraints: Vec<NewConstraint>,
}

#[derive(Debug, Clone)]
pub struct NewPrincipal {
    pub id: PrincipalId,
    pub name: String,
    pub kind: PrincipalKind,
    pub admin: bool,
    pub verifier: Option<String>,
}
