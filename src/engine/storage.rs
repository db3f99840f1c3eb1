//! Storage credentials and external locations: statements to changes of the metastore, and what the stores
//! are told of them. Secrets are sealed before they leave this file, and opened for the stores only.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use crate::base::seal::SealingKey;
use crate::base::secret::Secret;
use crate::base::{Error, ErrorKind, PrincipalId, Result, SecurableId};
use crate::bind::storage::{
    BoundAlterCredential, BoundAlterLocation, BoundShowStorage, BoundStorage,
};
use crate::catalog::storage::{
    CredentialOptions, ExternalPlace, NewExternalLocation, NewStorageCredential,
};
use crate::catalog::{
    Change, ExternalLocation, Securable, Snapshot, StorageChange, StorageCredential,
};
use crate::governance::Access;
use crate::sql::storage::{CreateStorageCredential, StorageKind};
use crate::storage::{Credential, Location, Provider};

use super::{Completion, Engine, Request};

impl Engine {
    pub(super) async fn change_storage(
        &self,
        statement: BoundStorage,
        principal: PrincipalId,
        request: &Request,
    ) -> Result<Completion> {
        if request.work.staged().is_some() {
            // The stores follow the metastore at once.
            return Err(Error::unsupported(
                "a change of storage credentials or external locations in a transaction",
            )
            .with_hint("Run the statement on its own (autocommit)."));
        }
        let snapshot = self.metastore.snapshot();
        let (changes, tag) = match statement {
            BoundStorage::CreateCredential { create, existing } => {
                let tag = "CREATE STORAGE CREDENTIAL";
                if create.if_not_exists && existing.is_some() {
                    return Ok(skipped(tag, "storage credential", &create.name));
                }
                (vec![self.new_credential(create, principal)?], tag)
            }
            BoundStorage::AlterCredential { credential, action } => {
                let id = credential.id;
                let change = match action {
                    BoundAlterCredential::Set(options) => {
                        self.changed_credential(&credential, options, &snapshot)?
                    }
                    BoundAlterCredential::RenameTo(name) => Change::Rename { id, name },
                    BoundAlterCredential::OwnerTo(owner) => {
                        Change::SetOwner { id, owner: owner.id }
                    }
                };
                (vec![change], "ALTER STORAGE CREDENTIAL")
            }
            BoundStorage::CreateLocation {
                name,
                if_not_exists,
                existing,
                place,
                credential,
                comment,
            } => {
                let tag = "CREATE EXTERNAL LOCATION";
                if if_not_exists && existing.is_some() {
                    return Ok(skipped(tag, "external location", &name));
                }
                let place = self.checked_place(&place, credential.as_deref())?;
                let id = SecurableId::generate();
                let new = NewExternalLocation { id, name, owner: principal, comment, place };
                (vec![Change::Storage(StorageChange::CreateLocation(new))], tag)
            }
            BoundStorage::AlterLocation { location, action } => {
                let change = self.altered_location(&location, action, &snapshot)?;
                (vec![change], "ALTER EXTERNAL LOCATION")
            }
            BoundStorage::Drop { securable, force, tag } => {
                if let Securable::ExternalLocation(location) = &securable
                    && !force
                {
                    check_without_tables(&snapshot, location, None)?;
                }
                (vec![Change::Drop { id: securable.id() }], tag)
            }
        };
        self.metastore.apply(&changes).await?;
        self.refresh_places()?;
        Ok(Completion::new(tag))
    }

    /// Tells the stores which credential reaches which place, as of the newest snapshot. F0000 when the key
    /// does not open a secret.
    pub(super) fn refresh_places(&self) -> Result<()> {
        // Whoever comes last looks last.
        let _turn = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let snapshot = self.metastore.snapshot();
        let mut opened: BTreeMap<SecurableId, Arc<Credential>> = BTreeMap::new();
        for credential in snapshot.storage_credentials() {
            opened.insert(credential.id, Arc::new(self.opened(credential)?));
        }
        let mut places = Vec::new();
        if let Some(provider) = Provider::of(self.managed_root.scheme()) {
            let credential = Arc::new(Credential::from_environment(provider));
            places.push((self.managed_root.clone(), credential));
        }
        for location in snapshot.external_locations() {
            let credential = location.place.credential.and_then(|id| opened.get(&id));
            if let Some(credential) = credential {
                places.push((Location::parse(&location.place.url)?, Arc::clone(credential)));
            }
        }
        self.stores.set_places(places);
        Ok(())
    }

    fn new_credential(
        &self,
        create: CreateStorageCredential,
        owner: PrincipalId,
    ) -> Result<Change> {
        let provider = Provider::from_name(&create.provider).ok_or_else(|| {
            let message = format!("there is no storage credential of type \"{}\"", create.provider);
            Error::new(ErrorKind::InvalidParameterValue, message)
                .with_hint("The types are s3, azure and gcs.")
        })?;
        let id = SecurableId::generate();
        let credential = Credential::new(provider, create.options)?;
        let options = sealed(&self.key, id, &credential)?;
        let (name, comment) = (create.name, create.comment);
        let new = NewStorageCredential { id, name, owner, comment, options };
        Ok(Change::Storage(StorageChange::CreateCredential(new)))
    }

    fn changed_credential(
        &self,
        credential: &StorageCredential,
        changes: Vec<(String, Option<Secret>)>,
        snapshot: &Snapshot,
    ) -> Result<Change> {
        let old = self.opened(credential)?;
        let mut options: BTreeMap<String, Secret> = old
            .plain_options()
            .chain(old.secret_options())
            .map(|(name, value)| (name.to_owned(), Secret::new(value)))
            .collect();
        for (name, value) in changes {
            match value {
                Some(value) => options.insert(name, value),
                None => options.remove(&name),
            };
        }
        let new = Credential::new(old.provider(), options)?;
        for location in snapshot.external_locations() {
            if location.place.credential == Some(credential.id) {
                self.stores.check(&Location::parse(&location.place.url)?, &new)?;
            }
        }
        let options = sealed(&self.key, credential.id, &new)?;
        Ok(Change::Storage(StorageChange::SetCredential { id: credential.id, options }))
    }

    fn altered_location(
        &self,
        location: &ExternalLocation,
        action: BoundAlterLocation,
        snapshot: &Snapshot,
    ) -> Result<Change> {
        let id = location.id;
        let credential = location.place.credential;
        let credential = credential.and_then(|id| snapshot.storage_credential_by_id(id));
        let place = match action {
            BoundAlterLocation::RenameTo(name) => return Ok(Change::Rename { id, name }),
            BoundAlterLocation::OwnerTo(owner) => {
                return Ok(Change::SetOwner { id, owner: owner.id });
            }
            BoundAlterLocation::SetUrl(place) => {
                check_without_tables(snapshot, location, Some(place.url().as_str()))?;
                self.checked_place(&place, credential.map(|credential| &**credential))?
            }
            BoundAlterLocation::SetCredential(credential) => {
                let place = Location::parse(&location.place.url)?;
                self.checked_place(&place, Some(&credential))?
            }
        };
        Ok(Change::Storage(StorageChange::SetLocation { id, place }))
    }

    /// A place that can be opened with the credential and holds no managed tables.
    fn checked_place(
        &self,
        place: &Location,
        credential: Option<&StorageCredential>,
    ) -> Result<ExternalPlace> {
        if place.covers(&self.managed_root) || self.managed_root.covers(place) {
            let message = "the URL overlaps the place of the managed tables";
            return Err(Error::new(ErrorKind::InvalidObjectDefinition, message));
        }
        match (Provider::of(place.scheme()), credential) {
            (None, None) => {}
            (Some(_), Some(credential)) => self.stores.check(place, &self.opened(credential)?)?,
            (Some(_), None) => {
                let message = "an external location in an object store needs a storage credential";
                return Err(Error::new(ErrorKind::InvalidObjectDefinition, message)
                    .with_hint("Add WITH (STORAGE CREDENTIAL name)."));
            }
            (None, Some(_)) => {
                let message = "an external location on a file system has no storage credential";
                return Err(Error::new(ErrorKind::InvalidObjectDefinition, message));
            }
        }
        let url = place.url().to_string();
        Ok(ExternalPlace { url, credential: credential.map(|credential| credential.id) })
    }

    fn opened(&self, credential: &StorageCredential) -> Result<Credential> {
        let StorageCredential { id, options, .. } = credential;
        let unreadable = || Error::new(ErrorKind::DataCorrupted, "a storage credential is damaged");
        let provider = Provider::from_name(&options.provider).ok_or_else(unreadable)?;
        let mut all: BTreeMap<String, Secret> =
            options.plain.iter().map(|(k, v)| (k.clone(), Secret::new(v.clone()))).collect();
        if let Some(sealed) = &options.sealed {
            let text = self.key.open(sealed, &context(*id))?;
            let secrets: BTreeMap<String, String> =
                serde_json::from_slice(&text).map_err(|_| unreadable())?;
            all.extend(secrets.into_iter().map(|(k, v)| (k, Secret::new(v))));
        }
        Credential::new(provider, all)
    }
}

/// The options as the metastore keeps them.
fn sealed(key: &SealingKey, id: SecurableId, credential: &Credential) -> Result<CredentialOptions> {
    let secrets: BTreeMap<&str, &str> = credential.secret_options().collect();
    let sealed = if secrets.is_empty() {
        None
    } else {
        let text = serde_json::to_vec(&secrets).map(zeroize::Zeroizing::new);
        let text = text.map_err(|_| Error::internal("options cannot be written as JSON"))?;
        Some(key.seal(&text, &context(id))?)
    };
    let plain = credential.plain_options();
    Ok(CredentialOptions {
        provider: credential.provider().name().to_owned(),
        plain: plain.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        sealed,
    })
}

/// What the secrets of a storage credential are sealed for.
fn context(id: SecurableId) -> String {
    format!("storage credential {id}")
}

fn skipped(tag: &str, kind: &str, name: &str) -> Completion {
    let notice = format!("{kind} \"{name}\" already exists, skipping");
    Completion::with_notices(tag, vec![notice])
}

/// 2BP01 when tables lie in the external location and would not lie in the new one.
fn check_without_tables(
    snapshot: &Snapshot,
    location: &ExternalLocation,
    new: Option<&str>,
) -> Result<()> {
    let url = &location.place.url;
    let stays = |table: &str| new.is_some_and(|new| table.starts_with(new));
    let tables = snapshot.relations().filter_map(|relation| relation.as_table());
    let leaving = tables
        .filter(|table| !table.managed && table.location.starts_with(url))
        .filter(|table| !stays(&table.location))
        .count();
    if leaving == 0 {
        return Ok(());
    }
    let name = &location.name;
    let message = format!("tables lie in external location \"{name}\"");
    Err(Error::new(ErrorKind::DependentObjectsStillExist, message)
        .with_detail(format!("There are {leaving} of them."))
        .with_hint("Drop the tables first, or use DROP EXTERNAL LOCATION … FORCE."))
}

/// The names of the columns of SHOW.
pub(super) fn show_kind(show: &BoundShowStorage) -> Option<StorageKind> {
    match show {
        BoundShowStorage::All { kind, .. } => Some(*kind),
        BoundShowStorage::One(_) => None,
    }
}

/// The rows of SHOW STORAGE CREDENTIALS, SHOW EXTERNAL LOCATIONS and DESCRIBE of one.
pub(super) fn show_rows(
    show: &BoundShowStorage,
    snapshot: &Snapshot,
    access: &Access<'_>,
) -> Vec<Vec<String>> {
    let comment = |comment: &Option<String>| comment.clone().unwrap_or_default();
    match show {
        BoundShowStorage::All { kind: StorageKind::Credential, like } => snapshot
            .storage_credentials()
            .filter(|credential| access.may_know(credential.id))
            .filter(|credential| super::show::is_like(&credential.name, like.as_deref()))
            .map(|credential| vec![credential.name.clone(), comment(&credential.comment)])
            .collect(),
        BoundShowStorage::All { kind: StorageKind::Location, like } => snapshot
            .external_locations()
            .filter(|location| access.may_know(location.id))
            .filter(|location| super::show::is_like(&location.name, like.as_deref()))
            .map(|location| {
                let url = location.place.url.clone();
                vec![location.name.clone(), url, comment(&location.comment)]
            })
            .collect(),
        BoundShowStorage::One(securable) => description(securable, snapshot),
    }
}

fn description(securable: &Securable, snapshot: &Snapshot) -> Vec<Vec<String>> {
    let owner = snapshot.principal_by_id(securable.owner());
    let owner = owner.map_or("", |owner| owner.name.as_str());
    let mut rows = vec![("Name", securable.name()), ("Owner", owner)];
    match securable {
        Securable::StorageCredential(credential) => {
            rows.push(("Comment", credential.comment.as_deref().unwrap_or("")));
            rows.push(("Type", &credential.options.provider));
            let plain = credential.options.plain.iter();
            rows.extend(plain.map(|(name, value)| (name.as_str(), value.as_str())));
        }
        Securable::ExternalLocation(location) => {
            rows.push(("Comment", location.comment.as_deref().unwrap_or("")));
            rows.push(("URL", &location.place.url));
            let credential = location.place.credential;
            let credential = credential.and_then(|id| snapshot.storage_credential_by_id(id));
            rows.push(("Storage Credential", credential.map_or("", |found| &found.name)));
        }
        Securable::Catalog(_) | Securable::Schema(_) | Securable::Relation(_) => {}
    }
    rows.into_iter().map(|(name, value)| vec![name.to_owned(), value.to_owned()]).collect()
}
