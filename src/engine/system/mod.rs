//! The system relations: `pg_catalog` and `information_schema` of PostgreSQL 16 over the statement's snapshot
//! of the metastore. No table is opened and no object store is asked.
//!
//! A small set of native relations (`lakegate_catalog`, in `relation/`) turns the snapshot into typed rows;
//! every relation that clients know is a view over them, one SQL file each in `sql/`, or PostgreSQL's own rows
//! (`recorded_rows`). The native relations
//! hold no facts: they read them from the statement's options when they run, so that plans of system views
//! can be kept and shared. Column lists, types and OIDs are PostgreSQL's own, recorded in `sql/system`.

mod asked;
pub mod cell;
pub mod field;
mod join_lookup;
mod lookup;
pub mod recorded;
mod recorded_rows;
mod relation;
mod rows;
pub mod sequence;
mod source;
mod table;
mod view;
pub mod visible;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use datafusion::catalog::TableProvider;

pub use source::{ViewPlanner, source};
pub use view::SystemView;

use table::{NativeTable, RowSource};

/// The schema of the native relations; only the system views name it.
pub const NATIVE_SCHEMA: &str = "lakegate_catalog";

/// What a system relation is made of.
#[derive(Debug, Clone)]
pub enum SystemRelation {
    /// A provider that serves every session.
    Native(Arc<dyn TableProvider>),
    /// SQL to be planned with the same planner as users' queries, and kept.
    View(&'static SystemView),
}

/// Whether clients find a system relation of this name.
pub fn exists(schema: &str, name: &str) -> bool {
    (SystemCatalog::SCHEMAS.contains(&schema) || SystemCatalog::OWN_SCHEMAS.contains(&schema))
        && SystemCatalog::resolve(schema, name).is_some()
}

/// The system relations by name.
#[derive(Debug)]
pub struct SystemCatalog;

static SYSTEM_RELATIONS: LazyLock<HashMap<(&'static str, &'static str), SystemRelation>> =
    LazyLock::new(|| {
        let native = relation::NATIVE_RELATIONS
            .iter()
            .map(|native| ((NATIVE_SCHEMA, native.name), native_table(RowSource::Facts(native))));
        let recorded = recorded_rows::RECORDED_ROWS.iter().map(|recorded| {
            (("pg_catalog", recorded.name), native_table(RowSource::Recorded(recorded)))
        });
        let views = view::SYSTEM_VIEWS
            .iter()
            .map(|view| ((view.schema, view.name), SystemRelation::View(view)));
        native.chain(recorded).chain(views).collect()
    });

fn native_table(source: RowSource) -> SystemRelation {
    SystemRelation::Native(Arc::new(NativeTable::new(source)))
}

impl SystemCatalog {
    /// The schemas that clients may name.
    pub const SCHEMAS: &[&str] = &["pg_catalog", "information_schema"];

    /// The schemas of the catalog `system`: what PostgreSQL has no place for.
    pub const OWN_SCHEMAS: &[&str] = &["storage"];

    /// The system relation of this name; an unqualified name is looked up as `pg_catalog` first.
    pub fn resolve(schema: &str, name: &str) -> Option<SystemRelation> {
        let schema = match schema {
            "storage" if name == "maintenance" => NATIVE_SCHEMA,
            schema => schema,
        };
        SYSTEM_RELATIONS.get(&(schema, name)).cloned()
    }

    /// Every system relation with its schema and name.
    #[cfg(test)]
    pub fn all() -> impl Iterator<Item = (&'static str, &'static str, SystemRelation)> {
        SYSTEM_RELATIONS.iter().map(|(&(schema, name), relation)| (schema, name, relation.clone()))
    }
}
