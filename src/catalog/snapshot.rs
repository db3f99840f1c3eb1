//! The immutable view of the metastore that one statement is planned against: look-ups by id, OID, name and
//! parent, without IO. It never changes after it is made and never decides who may see what.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::base::{Oid, PrincipalId, SecurableId};

use super::grant::{Grant, Privilege};
use super::principal::Principal;
use super::securable::{Catalog, Relation, Schema};

/// All that the metastore holds at one revision.
#[derive(Debug, Default)]
pub struct Snapshot {
    revision: u64,
    catalogs: HashMap<SecurableId, Arc<Catalog>>,
    schemas: HashMap<SecurableId, Arc<Schema>>,
    relations: HashMap<SecurableId, Arc<Relation>>,
    principals: HashMap<PrincipalId, Arc<Principal>>,
    grants: HashMap<SecurableId, BTreeSet<(PrincipalId, Privilege)>>,

    catalog_names: BTreeMap<String, SecurableId>,
    schema_names: HashMap<SecurableId, BTreeMap<String, SecurableId>>,
    relation_names: HashMap<SecurableId, BTreeMap<String, SecurableId>>,
    principal_names: BTreeMap<String, PrincipalId>,
    oids: HashMap<Oid, SecurableId>,
    principal_oids: HashMap<Oid, PrincipalId>,
}

/// The raw facts of a snapshot, as read from the metastore.
#[derive(Debug, Default)]
pub struct Facts {
    pub revision: u64,
    pub catalogs: Vec<Catalog>,
    pub schemas: Vec<Schema>,
    pub relations: Vec<Relation>,
    pub principals: Vec<Principal>,
    pub grants: Vec<Grant>,
}

/// Any securable, found by id.
#[derive(Debug, Clone)]
pub enum Securable {
    Catalog(Arc<Catalog>),
    Schema(Arc<Schema>),
    Relation(Arc<Relation>),
}

impl Snapshot {
    /// Builds the indexes over `facts`.
    pub fn new(facts: Facts) -> Self {
        let mut snapshot = Snapshot { revision: facts.revision, ..Snapshot::default() };
        for catalog in facts.catalogs {
            snapshot.catalog_names.insert(catalog.name.clone(), catalog.id);
            snapshot.oids.insert(catalog.oid, catalog.id);
            snapshot.catalogs.insert(catalog.id, Arc::new(catalog));
        }
        for schema in facts.schemas {
            let siblings = snapshot.schema_names.entry(schema.catalog).or_default();
            siblings.insert(schema.name.clone(), schema.id);
            snapshot.oids.insert(schema.oid, schema.id);
            snapshot.schemas.insert(schema.id, Arc::new(schema));
        }
        for relation in facts.relations {
            let siblings = snapshot.relation_names.entry(relation.schema).or_default();
            siblings.insert(relation.name.clone(), relation.id);
            snapshot.oids.insert(relation.oid, relation.id);
            snapshot.relations.insert(relation.id, Arc::new(relation));
        }
        for principal in facts.principals {
            snapshot.principal_names.insert(principal.name.clone(), principal.id);
            snapshot.principal_oids.insert(principal.oid, principal.id);
            snapshot.principals.insert(principal.id, Arc::new(principal));
        }
        for Grant { securable, principal, privilege } in facts.grants {
            snapshot.grants.entry(securable).or_default().insert((principal, privilege));
        }
        snapshot
    }

    /// Grows with every change of the metastore.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    pub fn catalog(&self, name: &str) -> Option<&Arc<Catalog>> {
        self.catalogs.get(self.catalog_names.get(name)?)
    }

    pub fn catalog_by_id(&self, id: SecurableId) -> Option<&Arc<Catalog>> {
        self.catalogs.get(&id)
    }

    pub fn schema(&self, catalog: SecurableId, name: &str) -> Option<&Arc<Schema>> {
        self.schemas.get(self.schema_names.get(&catalog)?.get(name)?)
    }

    pub fn schema_by_id(&self, id: SecurableId) -> Option<&Arc<Schema>> {
        self.schemas.get(&id)
    }

    pub fn relation(&self, schema: SecurableId, name: &str) -> Option<&Arc<Relation>> {
        self.relations.get(self.relation_names.get(&schema)?.get(name)?)
    }

    pub fn relation_by_id(&self, id: SecurableId) -> Option<&Arc<Relation>> {
        self.relations.get(&id)
    }

    /// Every catalog, by name.
    pub fn catalogs(&self) -> impl Iterator<Item = &Arc<Catalog>> {
        self.catalog_names.values().filter_map(|id| self.catalogs.get(id))
    }

    /// The schemas of a catalog, by name.
    pub fn schemas_of(&self, catalog: SecurableId) -> impl Iterator<Item = &Arc<Schema>> {
        let names = self.schema_names.get(&catalog);
        names.into_iter().flat_map(|names| names.values()).filter_map(|id| self.schemas.get(id))
    }

    /// The tables and views of a schema, by name.
    pub fn relations_of(&self, schema: SecurableId) -> impl Iterator<Item = &Arc<Relation>> {
        let names = self.relation_names.get(&schema);
        names.into_iter().flat_map(|names| names.values()).filter_map(|id| self.relations.get(id))
    }

    pub fn securable(&self, id: SecurableId) -> Option<Securable> {
        if let Some(relation) = self.relations.get(&id) {
            return Some(Securable::Relation(Arc::clone(relation)));
        }
        if let Some(schema) = self.schemas.get(&id) {
            return Some(Securable::Schema(Arc::clone(schema)));
        }
        self.catalogs.get(&id).map(|catalog| Securable::Catalog(Arc::clone(catalog)))
    }

    /// The catalog, schema, table or view with this OID.
    pub fn securable_by_oid(&self, oid: Oid) -> Option<Securable> {
        self.securable(*self.oids.get(&oid)?)
    }

    pub fn principal(&self, name: &str) -> Option<&Arc<Principal>> {
        self.principals.get(self.principal_names.get(name)?)
    }

    pub fn principal_by_id(&self, id: PrincipalId) -> Option<&Arc<Principal>> {
        self.principals.get(&id)
    }

    pub fn principal_by_oid(&self, oid: Oid) -> Option<&Arc<Principal>> {
        self.principals.get(self.principal_oids.get(&oid)?)
    }

    /// Every user and group, by name.
    pub fn principals(&self) -> impl Iterator<Item = &Arc<Principal>> {
        self.principal_names.values().filter_map(|id| self.principals.get(id))
    }

    /// The grants made directly on a securable.
    pub fn grants_on(
        &self,
        securable: SecurableId,
    ) -> impl Iterator<Item = (PrincipalId, Privilege)> {
        self.grants.get(&securable).into_iter().flatten().copied()
    }

    /// Whether this very grant exists, not looking at containers or groups.
    pub fn has_grant(
        &self,
        securable: SecurableId,
        principal: PrincipalId,
        privilege: Privilege,
    ) -> bool {
        self.grants.get(&securable).is_some_and(|grants| grants.contains(&(principal, privilege)))
    }

    /// The principal and every group it is in, directly or through groups.
    pub fn identities_of(&self, principal: PrincipalId) -> BTreeSet<PrincipalId> {
        let mut identities = BTreeSet::from([principal]);
        let mut open = vec![principal];
        while let Some(id) = open.pop() {
            let groups = self.principals.get(&id).into_iter().flat_map(|p| p.member_of.iter());
            open.extend(groups.copied().filter(|group| identities.insert(*group)));
        }
        identities
    }
}

impl Securable {
    pub fn id(&self) -> SecurableId {
        match self {
            Securable::Catalog(catalog) => catalog.id,
            Securable::Schema(schema) => schema.id,
            Securable::Relation(relation) => relation.id,
        }
    }

    pub fn name(&self) -> &str {
        match self {
            Securable::Catalog(catalog) => &catalog.name,
            Securable::Schema(schema) => &schema.name,
            Securable::Relation(relation) => &relation.name,
        }
    }

    pub fn owner(&self) -> PrincipalId {
        match self {
            Securable::Catalog(catalog) => catalog.owner,
            Securable::Schema(schema) => schema.owner,
            Securable::Relation(relation) => relation.owner,
        }
    }

    /// The container: a schema's catalog, a relation's schema.
    pub fn parent(&self) -> Option<SecurableId> {
        match self {
            Securable::Catalog(_) => None,
            Securable::Schema(schema) => Some(schema.catalog),
            Securable::Relation(relation) => Some(relation.schema),
        }
    }
}
