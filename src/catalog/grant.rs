//! Grants as stored facts, and the names of privileges. What they add up to, `governance` decides.

use crate::base::{PrincipalId, SecurableId};

/// One privilege on one securable for one principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Grant {
    pub securable: SecurableId,
    pub principal: PrincipalId,
    pub privilege: Privilege,
}

/// Declares each privilege with the name that Unity Catalog gives it.
macro_rules! privileges {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// What may be granted. A privilege on a container counts for all that is and will be in it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Privilege {
            $($(#[$doc])* $variant,)*
        }

        impl Privilege {
            /// Every privilege.
            pub const ALL: &'static [Privilege] = &[$(Privilege::$variant,)*];

            /// The name in SQL and in the metastore.
            pub const fn name(self) -> &'static str {
                match self { $(Privilege::$variant => $name,)* }
            }

            /// The privilege of this name, upper case.
            pub fn from_name(name: &str) -> Option<Privilege> {
                match name { $($name => Some(Privilege::$variant),)* _ => None }
            }
        }
    };
}

privileges! {
    /// Prerequisite for all in a catalog; gives no data.
    UseCatalog = "USE CATALOG",
    /// Prerequisite for all in a schema; gives no data.
    UseSchema = "USE SCHEMA",
    /// Read rows.
    Select = "SELECT",
    /// Insert, update, delete, merge, truncate.
    Modify = "MODIFY",
    /// Create schemas in a catalog, tables and views in a schema.
    Create = "CREATE",
    /// Create schemas in a catalog.
    CreateSchema = "CREATE SCHEMA",
    /// Create tables and views in a schema.
    CreateTable = "CREATE TABLE",
    /// Make tables at a place inside an external location.
    CreateExternalTable = "CREATE EXTERNAL TABLE",
    /// Make external locations that use a storage credential.
    CreateExternalLocation = "CREATE EXTERNAL LOCATION",
    /// Read files of an external location that are no table's.
    ReadFiles = "READ FILES",
    /// Write such files.
    WriteFiles = "WRITE FILES",
    /// All of the above, those to come included.
    AllPrivileges = "ALL PRIVILEGES",
}
