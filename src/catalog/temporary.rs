//! One session's temporary objects: a schema with tables and views that the metastore does not hold. They are laid
//! over its snapshots, so that whoever reads one of those with them finds them in their place, and nobody
//! else can find them at all. It keeps no session and removes no file.

use std::sync::Arc;

use crate::base::{Oid, PrincipalId, SecurableId};

use super::metastore::{PROVISIONAL_OID, microseconds_now};
use super::securable::{Catalog, Relation, Schema};
use super::snapshot::Snapshot;

/// A schema of temporary objects and what is in it.
#[derive(Debug, Clone)]
pub struct TemporaryObjects {
    schema: Schema,
    relations: Vec<Arc<Relation>>,
    /// The first OID that none of them has had.
    next_oid: u64,
}

/// Where a snapshot has its temporary objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TemporaryPlace {
    pub schema: SecurableId,
    pub next_oid: u64,
}

impl TemporaryObjects {
    /// An empty schema in a catalog.
    pub fn new(catalog: &Catalog, name: String, owner: PrincipalId) -> Self {
        let schema = Schema {
            id: SecurableId::generate(),
            oid: Oid(PROVISIONAL_OID),
            catalog: catalog.id,
            name,
            owner,
            comment: None,
            created_at: microseconds_now(),
        };
        TemporaryObjects { schema, relations: Vec::new(), next_oid: u64::from(PROVISIONAL_OID) + 1 }
    }

    /// Those of a snapshot.
    pub fn of(snapshot: &Snapshot) -> Option<Self> {
        let schema = snapshot.temporary_schema()?;
        let relations = snapshot.relations_of(schema.id).map(Arc::clone).collect();
        let next_oid = snapshot.temporary?.next_oid;
        Some(TemporaryObjects { schema: Schema::clone(schema), relations, next_oid })
    }

    /// The tables and views.
    pub fn relations(&self) -> &[Arc<Relation>] {
        &self.relations
    }

    /// A snapshot of the metastore with them.
    pub fn over(&self, snapshot: &Snapshot) -> Snapshot {
        let mut snapshot = snapshot.clone();
        snapshot.temporary =
            Some(TemporaryPlace { schema: self.schema.id, next_oid: self.next_oid });
        snapshot.put_schema(self.schema.clone());
        for relation in &self.relations {
            snapshot.put_relation(Relation::clone(relation));
        }
        snapshot
    }
}

impl Snapshot {
    /// The schema of the temporary objects of the session that the snapshot is for.
    pub fn temporary_schema(&self) -> Option<&Arc<Schema>> {
        self.schema_by_id(self.temporary?.schema)
    }

    /// Whether a schema is the one of the temporary objects.
    pub fn is_temporary_schema(&self, schema: SecurableId) -> bool {
        self.temporary.is_some_and(|place| place.schema == schema)
    }

    /// The OID of the next thing that a transaction makes, until it is committed.
    pub(super) fn provisional_oid(&self) -> u64 {
        self.temporary.map_or(u64::from(PROVISIONAL_OID), |place| place.next_oid)
    }
}
