//! Statements about storage credentials and external locations, as data.

use crate::base::secret::Secret;

/// CREATE and ALTER; DROP, too, for it has a word that other drops have not.
#[derive(Debug, Clone)]
pub enum StorageStatement {
    CreateCredential(CreateStorageCredential),
    AlterCredential { name: String, action: AlterStorageCredential },
    CreateLocation(CreateExternalLocation),
    AlterLocation { name: String, action: AlterExternalLocation },
    Drop(DropStorage),
}

#[derive(Debug, Clone)]
pub struct CreateStorageCredential {
    pub name: String,
    pub if_not_exists: bool,
    /// The value of the option `type`.
    pub provider: String,
    /// The other options, names in lower case.
    pub options: Vec<(String, Secret)>,
    pub comment: Option<String>,
}

#[derive(Debug, Clone)]
pub enum AlterStorageCredential {
    /// `SET (option 'value', …)`; without a value, `NULL`, the option goes.
    Set(Vec<(String, Option<Secret>)>),
    RenameTo(String),
    OwnerTo(String),
}

#[derive(Debug, Clone)]
pub struct CreateExternalLocation {
    pub name: String,
    pub if_not_exists: bool,
    /// As written.
    pub url: String,
    pub credential: Option<String>,
    pub comment: Option<String>,
}

#[derive(Debug, Clone)]
pub enum AlterExternalLocation {
    SetUrl(String),
    SetCredential(String),
    RenameTo(String),
    OwnerTo(String),
}

#[derive(Debug, Clone)]
pub struct DropStorage {
    pub kind: StorageKind,
    pub name: String,
    pub if_exists: bool,
    /// `FORCE`: also while tables lie there.
    pub force: bool,
}

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StorageKind {
    Credential,
    Location,
}

impl StorageStatement {
    /// What the statement is called in errors and tags.
    pub fn tag(&self) -> &'static str {
        match self {
            StorageStatement::CreateCredential(_) => "CREATE STORAGE CREDENTIAL",
            StorageStatement::AlterCredential { .. } => "ALTER STORAGE CREDENTIAL",
            StorageStatement::CreateLocation(_) => "CREATE EXTERNAL LOCATION",
            StorageStatement::AlterLocation { .. } => "ALTER EXTERNAL LOCATION",
            StorageStatement::Drop(DropStorage { kind: StorageKind::Credential, .. }) => {
                "DROP STORAGE CREDENTIAL"
            }
            StorageStatement::Drop(DropStorage { kind: StorageKind::Location, .. }) => {
                "DROP EXTERNAL LOCATION"
            }
        }
    }
}
