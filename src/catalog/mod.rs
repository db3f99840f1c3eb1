//! What exists: catalogs, schemas, tables, views, principals, grants, and the metastore that keeps them.
//! It never opens a table and never decides who may do what.

pub mod change;
pub mod constraint;
pub mod grant;
pub mod index;
pub mod principal;
pub mod securable;
pub mod snapshot;
pub mod storage;
pub mod metastore;
pub mod loose;
pub mod table_statistics;
pub mod temporary;
pub mod maintenance;
mod journal;
mod draft;
mod draft_constraint;
mod draft_index;
mod write;
mod load;
mod constraint_store;
mod index_store;
mod column_source;
pub mod column_type;
mod sqlite;

#[cfg(test)]
mod tests;

pub use change::Change;
pub use constraint::{Check, Constraint, ConstraintKind, NewConstraint};
pub use grant::{Grant, Privilege};
pub use index::{IndexDefinition, IndexKey, IndexedValue, NewIndex, TableIndex};
pub use journal::OpenCommit;
pub use loose::{LooseLocation, LooseReason};
pub use metastore::Metastore;
pub use securable::{
    Catalog, Column, ColumnSource, ForeignFormat, MaterializedView, Relation, RelationKind, Schema,
    Table, View,
};
pub use snapshot::{Securable, Snapshot};
pub use sqlite::url_of;
pub use storage::{ExternalLocation, StorageChange, StorageCredential};
pub use temporary::TemporaryObjects;
