//! The immutable view of the metastore that one statement is planned against: look-ups by id, OID, name and
//! parent, without IO. It never changes after it is made and never decides who may see what.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::base::{Oid, PrincipalId, SecurableId};

use super::grant::{Grant, Privilege};
use super::index::TableIndex;
use super::principal::{PUBLIC_NAME, Principal};
use super::securable::{Catalog, Relation, Schema};
use super::storage::{ExternalLocation, StorageCredential, StorageFacts};
use super::temporary::TemporaryPlace;

/// All that the metastore holds at one revision. Facts and the indexes below a parent are shared with the
/// snapshots before and after, so that a clone costs one pointer for each of them.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Snapshot {
    revision: u64,
    catalogs: HashMap<SecurableId, Arc<Catalog>>,
    schemas: HashMap<SecurableId, Arc<Schema>>,
    relations: HashMap<SecurableId, Arc<Relation>>,
    principals: HashMap<PrincipalId, Arc<Principal>>,
    grants: HashMap<SecurableId, Arc<BTreeSet<(PrincipalId, Privilege)>>>,
    pub(super) storage: Arc<StorageFacts>,
    pub(super) temporary: Option<TemporaryPlace>,

    catalog_names: BTreeMap<String, SecurableId>,
    schema_names: NamesByParent,
    relation_names: NamesByParent,
    principal_names: BTreeMap<String, PrincipalId>,
    oids: HashMap<Oid, SecurableId>,
    /// The tables of constraints and indexes.
    constraint_oids: HashMap<Oid, SecurableId>,
    /// The tables with foreign keys, by the tables that these refer to.
    referring: HashMap<SecurableId, BTreeSet<SecurableId>>,
    principal_oids: HashMap<Oid, PrincipalId>,
}

/// The ids of what a parent holds, by name; a parent that holds nothing has no entry.
type NamesByParent = HashMap<SecurableId, Arc<BTreeMap<String, SecurableId>>>;

/// The raw facts of a snapshot, as read from the metastore.
#[derive(Debug, Default)]
pub struct Facts {
    pub revision: u64,
    pub catalogs: Vec<Catalog>,
    pub schemas: Vec<Schema>,
    pub relations: Vec<Relation>,
    pub principals: Vec<Principal>,
    pub grants: Vec<Grant>,
    pub storage_credentials: Vec<StorageCredential>,
    pub external_locations: Vec<ExternalLocation>,
}

/// Any securable, found by id.
#[derive(Debug, Clone)]
pub enum Securable {
    Catalog(Arc<Catalog>),
    Schema(Arc<Schema>),
    Relation(Arc<Relation>),
    StorageCredential(Arc<StorageCredential>),
    ExternalLocation(Arc<ExternalLocation>),
}

impl Snapshot {
    /// Builds the indexes over `facts`.
    pub fn new(facts: Facts) -> Self {
        let mut snapshot = Snapshot { revision: facts.revision, ..Snapshot::default() };
        facts.catalogs.into_iter().for_each(|catalog| snapshot.put_catalog(catalog));
        facts.schemas.into_iter().for_each(|schema| snapshot.put_schema(schema));
        facts.relations.into_iter().for_each(|relation| snapshot.put_relation(relation));
        facts.principals.into_iter().for_each(|principal| snapshot.put_principal(principal));
        let credentials = facts.storage_credentials.into_iter();
        credentials.for_each(|credential| snapshot.put_storage_credential(credential));
        let locations = facts.external_locations.into_iter();
        locations.for_each(|location| snapshot.put_external_location(location));
        facts.grants.into_iter().for_each(|grant| snapshot.put_grant(grant));
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

    /// Every table and view, in no order.
    pub fn relations(&self) -> impl Iterator<Item = &Arc<Relation>> {
        self.relations.values()
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
        if let Some(catalog) = self.catalogs.get(&id) {
            return Some(Securable::Catalog(Arc::clone(catalog)));
        }
        if let Some(location) = self.storage.locations.get(&id) {
            return Some(Securable::ExternalLocation(Arc::clone(location)));
        }
        let credential = self.storage.credentials.get(&id);
        credential.map(|credential| Securable::StorageCredential(Arc::clone(credential)))
    }

    /// The catalog, schema, table or view with this OID.
    pub fn securable_by_oid(&self, oid: Oid) -> Option<Securable> {
        self.securable(*self.oids.get(&oid)?)
    }

    /// The table that the constraint or index with this OID belongs to.
    pub fn relation_by_constraint_oid(&self, oid: Oid) -> Option<&Arc<Relation>> {
        self.relations.get(self.constraint_oids.get(&oid)?)
    }

    /// The tables with foreign keys that refer to a table.
    pub fn referring_to(&self, relation: SecurableId) -> impl Iterator<Item = &Arc<Relation>> {
        let referring = self.referring.get(&relation).into_iter().flatten();
        referring.filter_map(|id| self.relations.get(id))
    }

    /// Whether a table, a view or an index in the schema has the name.
    pub fn is_relation_name_taken(&self, schema: SecurableId, name: &str) -> bool {
        self.relation(schema, name).is_some() || self.index(schema, name).is_some()
    }

    /// The index of this name in a schema, with its table.
    pub fn index(
        &self,
        schema: SecurableId,
        name: &str,
    ) -> Option<(&Arc<Relation>, TableIndex<'_>)> {
        self.relations_of(schema).find_map(|table| {
            let index = table.all_indexes().find(|index| index.name() == name)?;
            Some((table, index))
        })
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
        self.grants.get(&securable).into_iter().flat_map(|grants| grants.iter()).copied()
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

    /// What grants to `principal` are shown under; `None` when it does not exist.
    pub fn grantee_name(&self, principal: PrincipalId) -> Option<&str> {
        if principal == PrincipalId::PUBLIC {
            return Some(PUBLIC_NAME);
        }
        self.principals.get(&principal).map(|principal| principal.name.as_str())
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

/// How the next snapshot is made out of a clone of the last: a fact is put in place of the one with its
/// id, and every index follows. Whether the fact may be, `draft` has decided.
impl Snapshot {
    pub(super) fn set_revision(&mut self, revision: u64) {
        self.revision = revision;
    }

    pub(super) fn put_catalog(&mut self, catalog: Catalog) {
        if let Some(old) = self.catalogs.get(&catalog.id) {
            self.catalog_names.remove(&old.name);
        }
        self.catalog_names.insert(catalog.name.clone(), catalog.id);
        self.oids.insert(catalog.oid, catalog.id);
        self.catalogs.insert(catalog.id, Arc::new(catalog));
    }

    pub(super) fn put_schema(&mut self, schema: Schema) {
        if let Some(old) = self.schemas.get(&schema.id) {
            remove_name(&mut self.schema_names, old.catalog, &old.name);
        }
        put_name(&mut self.schema_names, schema.catalog, &schema.name, schema.id);
        self.oids.insert(schema.oid, schema.id);
        self.schemas.insert(schema.id, Arc::new(schema));
    }

    pub(super) fn put_relation(&mut self, relation: Relation) {
        if let Some(old) = self.relations.get(&relation.id).map(Arc::clone) {
            remove_name(&mut self.relation_names, old.schema, &old.name);
            self.forget_constraints(&old);
        }
        for constraint in relation.constraints.iter() {
            for oid in std::iter::once(constraint.oid).chain(constraint.index) {
                self.constraint_oids.insert(oid, relation.id);
            }
            if let Some(referenced) = constraint.kind.referenced() {
                self.referring.entry(referenced).or_default().insert(relation.id);
            }
        }
        for index in relation.indexes.iter() {
            self.constraint_oids.insert(index.oid, relation.id);
        }
        put_name(&mut self.relation_names, relation.schema, &relation.name, relation.id);
        self.oids.insert(relation.oid, relation.id);
        self.relations.insert(relation.id, Arc::new(relation));
    }

    fn forget_constraints(&mut self, relation: &Relation) {
        for index in relation.indexes.iter() {
            self.constraint_oids.remove(&index.oid);
        }
        for constraint in relation.constraints.iter() {
            for oid in std::iter::once(constraint.oid).chain(constraint.index) {
                self.constraint_oids.remove(&oid);
            }
            if let Some(referenced) = constraint.kind.referenced()
                && let Some(referring) = self.referring.get_mut(&referenced)
            {
                referring.remove(&relation.id);
                if referring.is_empty() {
                    self.referring.remove(&referenced);
                }
            }
        }
    }

    pub(super) fn put_oid(&mut self, oid: Oid, id: SecurableId) {
        self.oids.insert(oid, id);
    }

    pub(super) fn put_principal(&mut self, principal: Principal) {
        if let Some(old) = self.principals.get(&principal.id) {
            self.principal_names.remove(&old.name);
        }
        self.principal_names.insert(principal.name.clone(), principal.id);
        self.principal_oids.insert(principal.oid, principal.id);
        self.principals.insert(principal.id, Arc::new(principal));
    }

    pub(super) fn put_grant(&mut self, grant: Grant) {
        let grants = self.grants.entry(grant.securable).or_default();
        Arc::make_mut(grants).insert((grant.principal, grant.privilege));
    }

    /// Removes a securable and the grants on it; what it contains must be gone already.
    pub(super) fn remove_securable(&mut self, securable: &Securable) {
        let id = securable.id();
        match securable {
            Securable::Catalog(catalog) => {
                self.catalogs.remove(&id);
                self.catalog_names.remove(&catalog.name);
                self.oids.remove(&catalog.oid);
            }
            Securable::Schema(schema) => {
                self.schemas.remove(&id);
                remove_name(&mut self.schema_names, schema.catalog, &schema.name);
                self.oids.remove(&schema.oid);
            }
            Securable::Relation(relation) => {
                self.relations.remove(&id);
                remove_name(&mut self.relation_names, relation.schema, &relation.name);
                self.oids.remove(&relation.oid);
                self.forget_constraints(relation);
            }
            Securable::StorageCredential(credential) => {
                Arc::make_mut(&mut self.storage).credentials.remove(&id);
                self.oids.remove(&credential.oid);
            }
            Securable::ExternalLocation(location) => {
                Arc::make_mut(&mut self.storage).locations.remove(&id);
                self.oids.remove(&location.oid);
            }
        }
        self.grants.remove(&id);
    }

    /// Removes a principal and the grants to it; its memberships on the other side must be gone already.
    pub(super) fn remove_principal(&mut self, principal: &Principal) {
        self.principals.remove(&principal.id);
        self.principal_names.remove(&principal.name);
        self.principal_oids.remove(&principal.oid);
        self.grants.retain(|_, grants| {
            if grants.iter().any(|(grantee, _)| *grantee == principal.id) {
                Arc::make_mut(grants).retain(|(grantee, _)| *grantee != principal.id);
            }
            !grants.is_empty()
        });
    }

    pub(super) fn remove_grant(&mut self, removed: Grant) {
        if self.has_grant(removed.securable, removed.principal, removed.privilege)
            && let Some(grants) = self.grants.get_mut(&removed.securable)
        {
            Arc::make_mut(grants).remove(&(removed.principal, removed.privilege));
            if grants.is_empty() {
                self.grants.remove(&removed.securable);
            }
        }
    }
}

fn put_name(names: &mut NamesByParent, parent: SecurableId, name: &str, id: SecurableId) {
    Arc::make_mut(names.entry(parent).or_default()).insert(name.to_owned(), id);
}

fn remove_name(names: &mut NamesByParent, parent: SecurableId, name: &str) {
    if let Some(siblings) = names.get_mut(&parent) {
        Arc::make_mut(siblings).remove(name);
        if siblings.is_empty() {
            names.remove(&parent);
        }
    }
}

impl Securable {
    pub fn id(&self) -> SecurableId {
        match self {
            Securable::Catalog(catalog) => catalog.id,
            Securable::Schema(schema) => schema.id,
            Securable::Relation(relation) => relation.id,
            Securable::StorageCredential(credential) => credential.id,
            Securable::ExternalLocation(location) => location.id,
        }
    }

    pub fn name(&self) -> &str {
        match self {
            Securable::Catalog(catalog) => &catalog.name,
            Securable::Schema(schema) => &schema.name,
            Securable::Relation(relation) => &relation.name,
            Securable::StorageCredential(credential) => &credential.name,
            Securable::ExternalLocation(location) => &location.name,
        }
    }

    pub fn owner(&self) -> PrincipalId {
        match self {
            Securable::Catalog(catalog) => catalog.owner,
            Securable::Schema(schema) => schema.owner,
            Securable::Relation(relation) => relation.owner,
            Securable::StorageCredential(credential) => credential.owner,
            Securable::ExternalLocation(location) => location.owner,
        }
    }

    /// The container: a schema's catalog, a relation's schema.
    pub fn parent(&self) -> Option<SecurableId> {
        match self {
            Securable::Catalog(_)
            | Securable::StorageCredential(_)
            | Securable::ExternalLocation(_) => None,
            Securable::Schema(schema) => Some(schema.catalog),
            Securable::Relation(relation) => Some(relation.schema),
        }
    }
}
