//! What grants and ownership add up to for one principal: the rules of inheritance. It reads stored facts
//! and makes no decision about a statement.

use std::collections::BTreeSet;

use crate::base::{PrincipalId, SecurableId};
use crate::catalog::{Privilege, Securable, Snapshot};

/// One principal's rights under one snapshot.
///
/// Rules (Unity Catalog's): a privilege on a container counts for all that is in it; the owner may
/// everything on the object; the owner of a container may manage what is in it; an admin may everything.
#[derive(Debug, Clone)]
pub struct Access<'a> {
    snapshot: &'a Snapshot,
    identities: BTreeSet<PrincipalId>,
    admin: bool,
}

impl<'a> Access<'a> {
    /// The rights of `principal`: its own, its groups' and everybody's.
    pub fn new(snapshot: &'a Snapshot, principal: PrincipalId) -> Self {
        let mut identities = snapshot.identities_of(principal);
        let admin = identities
            .iter()
            .any(|id| snapshot.principal_by_id(*id).is_some_and(|principal| principal.admin));
        // Who has been dropped is not even everybody.
        if snapshot.principal_by_id(principal).is_some() {
            identities.insert(PrincipalId::PUBLIC);
        }
        Access { snapshot, identities, admin }
    }

    /// Whether the principal is an admin of the metastore.
    pub fn is_admin(&self) -> bool {
        self.admin
    }

    /// Whether the principal is `other` or in it.
    pub fn is(&self, other: PrincipalId) -> bool {
        self.identities.contains(&other)
    }

    /// Whether the principal owns the securable or something that contains it.
    pub fn manages(&self, id: SecurableId) -> bool {
        self.admin || self.lineage(id).any(|securable| self.is(securable.owner()))
    }

    /// Whether the principal holds the privilege: as owner, or by a grant on the securable or on
    /// something that contains it. USE on the containers is asked for apart.
    pub fn has(&self, id: SecurableId, privilege: Privilege) -> bool {
        self.manages(id)
            || self.lineage(id).any(|securable| {
                self.holds(securable.id(), |granted| {
                    granted == privilege || granted == Privilege::AllPrivileges
                })
            })
    }

    /// Whether the principal may learn that the securable exists.
    ///
    /// A table or view is known to whoever manages it or holds a privilege on it or on what contains it; a
    /// schema or catalog also to whoever holds one on something in it. USE CATALOG alone tells of the catalog,
    /// and of nothing in it.
    pub fn may_know(&self, id: SecurableId) -> bool {
        if self.manages(id) || self.lineage(id).any(|securable| self.is_revealed(securable.id())) {
            return true;
        }
        match self.snapshot.securable(id) {
            None
            | Some(
                Securable::Relation(_)
                | Securable::StorageCredential(_)
                | Securable::ExternalLocation(_),
            ) => false,
            Some(Securable::Schema(schema)) => self.knows_a_relation_of(schema.id),
            Some(Securable::Catalog(catalog)) => {
                self.holds(catalog.id, |_| true)
                    || self.snapshot.schemas_of(catalog.id).any(|schema| {
                        self.is(schema.owner)
                            || self.is_revealed(schema.id)
                            || self.knows_a_relation_of(schema.id)
                    })
            }
        }
    }

    fn knows_a_relation_of(&self, schema: SecurableId) -> bool {
        let mut relations = self.snapshot.relations_of(schema);
        relations.any(|relation| self.is(relation.owner) || self.is_revealed(relation.id))
    }

    /// Whether a grant on this very securable tells of it and of all that is in it.
    fn is_revealed(&self, id: SecurableId) -> bool {
        self.holds(id, |privilege| privilege != Privilege::UseCatalog)
    }

    fn holds(&self, id: SecurableId, wanted: impl Fn(Privilege) -> bool) -> bool {
        let mut grants = self.snapshot.grants_on(id);
        grants.any(|(grantee, privilege)| self.is(grantee) && wanted(privilege))
    }

    /// The securable and what contains it, from the inside out.
    fn lineage(&self, id: SecurableId) -> impl Iterator<Item = Securable> {
        let first = self.snapshot.securable(id);
        std::iter::successors(first, |securable| self.snapshot.securable(securable.parent()?))
    }
}
