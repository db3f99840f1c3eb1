//! The things that can be owned and granted on: catalogs, schemas, tables, views. Plain facts, as the
//! metastore keeps them.

use std::sync::Arc;

use datafusion::arrow::datatypes::Field;
use serde::{Deserialize, Serialize};

use crate::base::{Oid, PrincipalId, SecurableId};

use super::constraint::Constraint;
use super::index::Index;

/// A catalog: PostgreSQL's database.
#[derive(Debug, Clone, PartialEq)]
pub struct Catalog {
    pub id: SecurableId,
    pub oid: Oid,
    pub name: String,
    pub owner: PrincipalId,
    pub comment: Option<String>,
    /// Microseconds since 1970-01-01 UTC.
    pub created_at: i64,
}

/// A schema: PostgreSQL's namespace.
#[derive(Debug, Clone, PartialEq)]
pub struct Schema {
    pub id: SecurableId,
    pub oid: Oid,
    pub catalog: SecurableId,
    pub name: String,
    pub owner: PrincipalId,
    pub comment: Option<String>,
    /// Microseconds since 1970-01-01 UTC.
    pub created_at: i64,
}

/// A table or a view.
#[derive(Debug, Clone, PartialEq)]
pub struct Relation {
    pub id: SecurableId,
    pub oid: Oid,
    pub schema: SecurableId,
    pub name: String,
    pub owner: PrincipalId,
    pub comment: Option<String>,
    /// In attribute number order. For a table: as of the newest version that this metastore has seen.
    pub columns: Arc<[Column]>,
    /// In OID order.
    pub constraints: Arc<[Constraint]>,
    /// Those that were declared, in OID order.
    pub indexes: Arc<[Index]>,
    pub kind: RelationKind,
    /// Microseconds since 1970-01-01 UTC.
    pub created_at: i64,
}

#[derive(Debug, Clone, PartialEq)]
pub enum RelationKind {
    Table(Table),
    View(View),
    MaterializedView(MaterializedView),
}

/// A materialized view: the rows of its query as of its last REFRESH, in a managed table that nothing else changes.
#[derive(Debug, Clone, PartialEq)]
pub struct MaterializedView {
    /// Where the rows lie.
    pub table: Table,
    pub view: View,
    /// Whether it has rows to read: not before the first REFRESH where it was made WITH NO DATA.
    pub populated: bool,
}

/// A Delta table, or files of another format that are read as one.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// The URL of the table's root.
    pub location: String,
    /// Whether DROP removes its files.
    pub managed: bool,
    pub partition_columns: Vec<String>,
    /// `None` for a Delta table.
    pub foreign: Option<ForeignFormat>,
    /// The URLs of the roots of other tables that files of this one lie below: it is a shallow clone.
    pub sources: Vec<String>,
}

/// What the files of a table are, where they are no Delta table's. Nobody writes them here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ForeignFormat {
    /// `PARQUET`, `CSV`, `JSON`.
    pub name: String,
    /// Names and values as written, in order.
    pub options: Vec<(String, String)>,
}

/// A view: a query, and the names it was written under.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// The query's text.
    pub definition: String,
    /// The catalog that was current when the view was made.
    pub catalog: String,
    /// The search path that was current when the view was made.
    pub search_path: Vec<String>,
}

/// A column of a table or view.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Stays when the column is renamed; tags and masks are keyed by it.
    pub id: SecurableId,
    /// `pg_attribute.attnum`: from 1, never used again after a drop.
    pub number: i16,
    /// Name, type and nullability; the metadata keys of `base::datatype` carry PostgreSQL's type.
    pub field: Field,
    pub comment: Option<String>,
    /// Where its values come from when a statement does not give them; `None` is NULL.
    pub source: Option<ColumnSource>,
}

/// What makes the values of a table's column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnSource {
    /// DEFAULT, as SQL.
    Default(String),
    /// `GENERATED ALWAYS AS (expression)`, as SQL.
    Generated(String),
    /// The table numbers its rows.
    Identity { start: i64, step: i64, by_default: bool },
}

impl ColumnSource {
    /// The SQL of a default or a generated column.
    pub fn expression(&self) -> Option<&str> {
        match self {
            ColumnSource::Default(sql) | ColumnSource::Generated(sql) => Some(sql),
            ColumnSource::Identity { .. } => None,
        }
    }
}

impl Relation {
    /// The table that the relation's rows lie in, a materialized view's too; `None` for a view.
    pub fn as_table(&self) -> Option<&Table> {
        self.kind.as_table()
    }

    /// The query behind the relation, a materialized view's too; `None` for a table.
    pub fn as_view(&self) -> Option<&View> {
        match &self.kind {
            RelationKind::Table(_) => None,
            RelationKind::View(view) => Some(view),
            RelationKind::MaterializedView(materialized) => Some(&materialized.view),
        }
    }

    /// The materialized view that the relation is.
    pub fn as_materialized(&self) -> Option<&MaterializedView> {
        match &self.kind {
            RelationKind::MaterializedView(materialized) => Some(materialized),
            RelationKind::Table(_) | RelationKind::View(_) => None,
        }
    }

    /// `table`, `view` or `materialized view`, for messages.
    pub fn kind_name(&self) -> &'static str {
        match self.kind {
            RelationKind::Table(_) => "table",
            RelationKind::View(_) => "view",
            RelationKind::MaterializedView(_) => "materialized view",
        }
    }
}

impl RelationKind {
    /// See [`Relation::as_table`].
    pub fn as_table(&self) -> Option<&Table> {
        match self {
            RelationKind::Table(table) => Some(table),
            RelationKind::View(_) => None,
            RelationKind::MaterializedView(materialized) => Some(&materialized.table),
        }
    }

    /// See [`Relation::as_table`].
    pub(super) fn as_table_mut(&mut self) -> Option<&mut Table> {
        match self {
            RelationKind::Table(table) => Some(table),
            RelationKind::View(_) => None,
            RelationKind::MaterializedView(materialized) => Some(&mut materialized.table),
        }
    }
}
