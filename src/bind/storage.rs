//! Statements about storage credentials and external locations: which ones are meant.

use std::sync::Arc;

use super::bound::BoundStatement;
use super::scope::Scope;
use crate::base::secret::Secret;
use crate::base::{Error, ErrorKind, Result};
use crate::catalog::principal::Principal;
use crate::catalog::{ExternalLocation, Securable, StorageCredential};
use crate::sql::storage::{
    AlterExternalLocation, AlterStorageCredential, CreateExternalLocation, CreateStorageCredential,
    DropStorage, StorageKind, StorageStatement,
};
use crate::storage::Location;

/// CREATE, ALTER and DROP, with names resolved.
#[derive(Debug, Clone)]
pub enum BoundStorage {
    CreateCredential {
        create: CreateStorageCredential,
        existing: Option<Arc<StorageCredential>>,
    },
    AlterCredential {
        credential: Arc<StorageCredential>,
        action: BoundAlterCredential,
    },
    CreateLocation {
        name: String,
        if_not_exists: bool,
        existing: Option<Arc<ExternalLocation>>,
        place: Location,
        credential: Option<Arc<StorageCredential>>,
        comment: Option<String>,
    },
    AlterLocation {
        location: Arc<ExternalLocation>,
        action: BoundAlterLocation,
    },
    Drop {
        /// A storage credential or an external location.
        securable: Securable,
        force: bool,
        tag: &'static str,
    },
}

#[derive(Debug, Clone)]
pub enum BoundAlterCredential {
    Set(Vec<(String, Option<Secret>)>),
    RenameTo(String),
    OwnerTo(Arc<Principal>),
}

#[derive(Debug, Clone)]
pub enum BoundAlterLocation {
    SetUrl(Location),
    SetCredential(Arc<StorageCredential>),
    RenameTo(String),
    OwnerTo(Arc<Principal>),
}

/// SHOW and DESCRIBE.
#[derive(Debug, Clone)]
pub enum BoundShowStorage {
    All { kind: StorageKind, like: Option<String> },
    One(Securable),
}

impl Scope<'_> {
    pub(super) fn storage(&self, statement: StorageStatement) -> Result<BoundStatement> {
        let tag = statement.tag();
        let bound = match statement {
            StorageStatement::CreateCredential(create) => BoundStorage::CreateCredential {
                existing: self.snapshot.storage_credential(&create.name).cloned(),
                create,
            },
            StorageStatement::AlterCredential { name, action } => BoundStorage::AlterCredential {
                credential: self.storage_credential(&name)?,
                action: match action {
                    AlterStorageCredential::Set(options) => BoundAlterCredential::Set(options),
                    AlterStorageCredential::RenameTo(name) => BoundAlterCredential::RenameTo(name),
                    AlterStorageCredential::OwnerTo(owner) => {
                        BoundAlterCredential::OwnerTo(self.principal(&owner)?)
                    }
                },
            },
            StorageStatement::CreateLocation(create) => self.create_external_location(create)?,
            StorageStatement::AlterLocation { name, action } => BoundStorage::AlterLocation {
                location: self.external_location(&name)?,
                action: match action {
                    AlterExternalLocation::SetUrl(url) => {
                        BoundAlterLocation::SetUrl(Location::parse(&url)?)
                    }
                    AlterExternalLocation::SetCredential(credential) => {
                        BoundAlterLocation::SetCredential(self.storage_credential(&credential)?)
                    }
                    AlterExternalLocation::RenameTo(name) => BoundAlterLocation::RenameTo(name),
                    AlterExternalLocation::OwnerTo(owner) => {
                        BoundAlterLocation::OwnerTo(self.principal(&owner)?)
                    }
                },
            },
            StorageStatement::Drop(drop) => {
                let DropStorage { kind, name, if_exists, force } = drop;
                match self.storage_securable(kind, &name) {
                    Ok(securable) => BoundStorage::Drop { securable, force, tag },
                    Err(error) if if_exists => {
                        let notice = format!("{}, skipping", error.message());
                        return Ok(BoundStatement::Nothing { tag, notice: Some(notice) });
                    }
                    Err(error) => return Err(error),
                }
            }
        };
        Ok(BoundStatement::Storage(Box::new(bound)))
    }

    fn create_external_location(&self, create: CreateExternalLocation) -> Result<BoundStorage> {
        let credential = create.credential.as_deref();
        Ok(BoundStorage::CreateLocation {
            existing: self.snapshot.external_location(&create.name).cloned(),
            name: create.name,
            if_not_exists: create.if_not_exists,
            place: Location::parse(&create.url)?,
            credential: credential.map(|name| self.storage_credential(name)).transpose()?,
            comment: create.comment,
        })
    }

    /// The securable of a kind and a name, if it may be known of.
    pub(super) fn storage_securable(&self, kind: StorageKind, name: &str) -> Result<Securable> {
        match kind {
            StorageKind::Credential => {
                self.storage_credential(name).map(Securable::StorageCredential)
            }
            StorageKind::Location => self.external_location(name).map(Securable::ExternalLocation),
        }
    }

    fn storage_credential(&self, name: &str) -> Result<Arc<StorageCredential>> {
        let found = self.snapshot.storage_credential(name);
        let found = found.filter(|credential| self.sees(credential.id));
        found.cloned().ok_or_else(|| undefined_storage("storage credential", name))
    }

    fn external_location(&self, name: &str) -> Result<Arc<ExternalLocation>> {
        let found = self.snapshot.external_location(name);
        let found = found.filter(|location| self.sees(location.id));
        found.cloned().ok_or_else(|| undefined_storage("external location", name))
    }
}

/// 42704
pub fn undefined_storage(kind: &str, name: &str) -> Error {
    Error::new(ErrorKind::UndefinedObject, format!("{kind} \"{name}\" does not exist"))
}
