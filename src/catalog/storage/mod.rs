//! Storage credentials and external locations: plain facts, and the changes of them. Secrets are here in
//! sealed form only; this room has no key.

mod draft;
pub(super) mod load;
pub(super) mod write;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::{Oid, PrincipalId, SecurableId};

use super::draft::overlap;
use super::securable::{Relation, Table};
use super::snapshot::Snapshot;

/// What an object store is opened with.
#[derive(Debug, Clone, PartialEq)]
pub struct StorageCredential {
    pub id: SecurableId,
    pub oid: Oid,
    pub name: String,
    pub owner: PrincipalId,
    pub comment: Option<String>,
    /// Microseconds since 1970-01-01 UTC.
    pub created_at: i64,
    pub options: CredentialOptions,
}

/// The options of a storage credential.
#[derive(Debug, Clone, PartialEq)]
pub struct CredentialOptions {
    /// `s3`, `azure` or `gcs`.
    pub provider: String,
    /// Those that may be shown.
    pub plain: BTreeMap<String, String>,
    /// The others, as a JSON object, sealed.
    pub sealed: Option<Vec<u8>>,
}

/// A place that tables may lie in, and the credential that reaches it.
#[derive(Debug, Clone, PartialEq)]
pub struct ExternalLocation {
    pub id: SecurableId,
    pub oid: Oid,
    pub name: String,
    pub owner: PrincipalId,
    pub comment: Option<String>,
    /// Microseconds since 1970-01-01 UTC.
    pub created_at: i64,
    pub place: ExternalPlace,
}

/// Where an external location lies.
#[derive(Debug, Clone, PartialEq)]
pub struct ExternalPlace {
    /// The canonical URL, with a slash at its end.
    pub url: String,
    /// `None` on a file system.
    pub credential: Option<SecurableId>,
}

#[derive(Debug, Clone)]
pub struct NewStorageCredential {
    pub id: SecurableId,
    pub name: String,
    pub owner: PrincipalId,
    pub comment: Option<String>,
    pub options: CredentialOptions,
}

#[derive(Debug, Clone)]
pub struct NewExternalLocation {
    pub id: SecurableId,
    pub name: String,
    pub owner: PrincipalId,
    pub comment: Option<String>,
    pub place: ExternalPlace,
}

/// Changes of storage credentials and external locations. Renames, owners, comments, grants and drops are
/// those of every securable.
#[derive(Debug, Clone)]
pub enum StorageChange {
    CreateCredential(NewStorageCredential),
    SetCredential {
        id: SecurableId,
        options: CredentialOptions,
    },
    CreateLocation(NewExternalLocation),
    /// The caller has seen that no table loses its place.
    SetLocation {
        id: SecurableId,
        place: ExternalPlace,
    },
}

/// All of them at one revision; there are few, and no index but the id.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct StorageFacts {
    pub credentials: BTreeMap<SecurableId, Arc<StorageCredential>>,
    pub locations: BTreeMap<SecurableId, Arc<ExternalLocation>>,
}

impl Snapshot {
    /// Every storage credential, by age.
    pub fn storage_credentials(&self) -> impl Iterator<Item = &Arc<StorageCredential>> {
        self.storage.credentials.values()
    }

    pub fn storage_credential(&self, name: &str) -> Option<&Arc<StorageCredential>> {
        self.storage_credentials().find(|credential| credential.name == name)
    }

    pub fn storage_credential_by_id(&self, id: SecurableId) -> Option<&Arc<StorageCredential>> {
        self.storage.credentials.get(&id)
    }

    /// Every external location, by age.
    pub fn external_locations(&self) -> impl Iterator<Item = &Arc<ExternalLocation>> {
        self.storage.locations.values()
    }

    pub fn external_location(&self, name: &str) -> Option<&Arc<ExternalLocation>> {
        self.external_locations().find(|location| location.name == name)
    }

    /// The external location that a place lies in: a canonical URL with a slash at its end.
    pub fn external_location_of(&self, url: &str) -> Option<&Arc<ExternalLocation>> {
        self.external_locations().find(|location| url.starts_with(&location.place.url))
    }

    /// Whether a table at a place would share files with another: with a managed one, or, inside an
    /// external location, with any. Who may make tables there must not come to those of others by it.
    pub fn overlaps_another_table(&self, id: SecurableId, table: &Table) -> bool {
        let shares_nothing = table.managed || self.external_location_of(&table.location).is_some();
        let others = self.relations().filter(|relation| relation.id != id);
        others.filter_map(|relation| relation.as_table()).any(|other| {
            (shares_nothing || other.managed) && overlap(&table.location, &other.location)
        })
    }

    /// The shallow clones that read files of the table at a location.
    pub fn clones_of(&self, location: &str) -> impl Iterator<Item = &Arc<Relation>> {
        self.relations().filter(move |relation| {
            let table = relation.as_table();
            table.is_some_and(|table| table.sources.iter().any(|source| source == location))
        })
    }

    pub(super) fn put_storage_credential(&mut self, credential: StorageCredential) {
        self.put_oid(credential.oid, credential.id);
        let facts = Arc::make_mut(&mut self.storage);
        facts.credentials.insert(credential.id, Arc::new(credential));
    }

    pub(super) fn put_external_location(&mut self, location: ExternalLocation) {
        self.put_oid(location.oid, location.id);
        let facts = Arc::make_mut(&mut self.storage);
        facts.locations.insert(location.id, Arc::new(location));
    }
}
