//! Changes of storage credentials and external locations, checked against the facts of the draft.

use std::sync::Arc;

use crate::base::{Error, ErrorKind, Result, SecurableId};

use super::{
    ExternalLocation, ExternalPlace, NewExternalLocation, NewStorageCredential, StorageChange,
    StorageCredential,
};
use crate::catalog::draft::{Draft, check_name, gone, overlap};

impl Draft {
    pub(in crate::catalog) fn apply_storage(&mut self, change: &StorageChange) -> Result<()> {
        match change {
            StorageChange::CreateCredential(new) => self.create_credential(new),
            StorageChange::SetCredential { id, options } => {
                let found = self.snapshot().storage_credential_by_id(*id).map(Arc::clone);
                let found = found
                    .ok_or_else(|| gone(ErrorKind::UndefinedObject, "storage credential", id))?;
                let options = options.clone();
                let credential = StorageCredential { options, ..StorageCredential::clone(&found) };
                self.snapshot_mut().put_storage_credential(credential);
                Ok(())
            }
            StorageChange::CreateLocation(new) => self.create_location(new),
            StorageChange::SetLocation { id, place } => {
                self.check_place(*id, place)?;
                let found = self.snapshot().external_locations().find(|found| found.id == *id);
                let found = found
                    .map(Arc::clone)
                    .ok_or_else(|| gone(ErrorKind::UndefinedObject, "external location", id))?;
                let place = place.clone();
                let location = ExternalLocation { place, ..ExternalLocation::clone(&found) };
                self.snapshot_mut().put_external_location(location);
                Ok(())
            }
        }
    }

    fn create_credential(&mut self, new: &NewStorageCredential) -> Result<()> {
        self.check_credential_name(&new.name)?;
        self.principal(new.owner)?;
        let credential = StorageCredential {
            id: new.id,
            oid: self.take_oid()?,
            name: new.name.clone(),
            owner: new.owner,
            comment: new.comment.clone(),
            created_at: self.now(),
            options: new.options.clone(),
        };
        self.snapshot_mut().put_storage_credential(credential);
        Ok(())
    }

    fn create_location(&mut self, new: &NewExternalLocation) -> Result<()> {
        self.check_location_name(&new.name)?;
        self.check_place(new.id, &new.place)?;
        self.principal(new.owner)?;
        let location = ExternalLocation {
            id: new.id,
            oid: self.take_oid()?,
            name: new.name.clone(),
            owner: new.owner,
            comment: new.comment.clone(),
            created_at: self.now(),
            place: new.place.clone(),
        };
        self.snapshot_mut().put_external_location(location);
        Ok(())
    }

    /// Every place has one credential: no external location lies in another.
    fn check_place(&self, id: SecurableId, place: &ExternalPlace) -> Result<()> {
        let mut others = self.snapshot().external_locations().filter(|other| other.id != id);
        if others.any(|other| overlap(&other.place.url, &place.url)) {
            let message = "the URL overlaps that of another external location";
            return Err(Error::new(ErrorKind::InvalidObjectDefinition, message)
                .with_hint("Choose a URL that no external location lies in or under."));
        }
        match place.credential {
            Some(credential) if self.snapshot().storage_credential_by_id(credential).is_none() => {
                Err(gone(ErrorKind::UndefinedObject, "storage credential", credential))
            }
            _ => Ok(()),
        }
    }

    pub(in crate::catalog) fn check_credential_name(&self, name: &str) -> Result<()> {
        let taken = self.snapshot().storage_credential(name).is_some();
        check_name(name, taken, "storage credential", ErrorKind::DuplicateObject)
    }

    pub(in crate::catalog) fn check_location_name(&self, name: &str) -> Result<()> {
        let taken = self.snapshot().external_location(name).is_some();
        check_name(name, taken, "external location", ErrorKind::DuplicateObject)
    }

    /// 2BP01 for a storage credential that an external location still uses.
    pub(in crate::catalog) fn check_unused(&self, credential: &StorageCredential) -> Result<()> {
        let locations = self.snapshot().external_locations();
        let users = locations.filter(|l| l.place.credential == Some(credential.id)).count();
        if users == 0 {
            return Ok(());
        }
        let name = &credential.name;
        let message = format!(
            "storage credential \"{name}\" cannot be dropped because external locations use it"
        );
        Err(Error::new(ErrorKind::DependentObjectsStillExist, message)
            .with_hint("Drop them first, or give them another storage credential."))
    }
}
