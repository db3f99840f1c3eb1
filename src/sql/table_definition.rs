//! CREATE TABLE as data: its columns and constraints, where its rows come from, and what becomes of a temporary one.
//! It reads no text.

use datafusion::arrow::datatypes::Field;

use super::files::FilesFormat;
use super::key::KeyConstraint;
use super::session_statement::Execute;
use super::statement::{ColumnName, Query, TimeTravelClause};
use crate::base::name::{ObjectName, first_free};

#[derive(Debug, Clone)]
pub struct CreateTable {
    pub name: ObjectName,
    /// `TEMPORARY`: what becomes of its rows at COMMIT.
    pub temporary: Option<OnCommit>,
    pub or_replace: bool,
    pub if_not_exists: bool,
    /// Empty with `query`, or with a `location` that holds a table already.
    pub columns: Vec<ColumnDefinition>,
    /// Table and column CHECK constraints.
    pub checks: Vec<CheckConstraint>,
    /// Table and column keys.
    pub keys: Vec<KeyConstraint>,
    pub partitioned_by: Vec<ColumnName>,
    /// The URL or path as written.
    pub location: Option<String>,
    /// TBLPROPERTIES, in order.
    pub properties: Vec<(String, String)>,
    pub comment: Option<String>,
    /// `AS query`
    pub query: Option<Query>,
    /// `AS EXECUTE statement`: the session puts the prepared query in its place.
    pub execute: Option<Execute>,
    /// `(name, …) AS query`: names for the first columns of the query.
    pub column_names: Vec<ColumnName>,
    /// The text of the query, for a materialized view.
    pub materialized: Option<String>,
    /// `WITH NO DATA`: the columns of the query, and none of its rows.
    pub no_data: bool,
    /// `CLUSTER BY (…)`
    pub cluster_by: Vec<ColumnName>,
    /// `CLONE source`
    pub clone_of: Option<CloneOf>,
    /// `USING CSV OPTIONS (…)`; `None` for a Delta table.
    pub files: Option<FilesFormat>,
}

/// What COMMIT does with a temporary table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnCommit {
    PreserveRows,
    DeleteRows,
    Drop,
}

/// The table that a new one is a copy of.
#[derive(Debug, Clone, PartialEq)]
pub struct CloneOf {
    pub source: ObjectName,
    pub at: Option<TimeTravelClause>,
    /// Whether the files stay where they are.
    pub shallow: bool,
}

/// A column to make: its Arrow type carries length and PostgreSQL type as field metadata.
#[derive(Debug, Clone)]
pub struct ColumnDefinition {
    pub field: Field,
    /// `GENERATED ALWAYS AS (expression)`, as text.
    pub generated: Option<String>,
    /// `DEFAULT expression`, as text.
    pub default: Option<String>,
    pub identity: Option<IdentityColumn>,
    pub comment: Option<String>,
    pub position: Option<usize>,
}

/// `GENERATED … AS IDENTITY`: the table numbers its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdentityColumn {
    pub start: i64,
    pub step: i64,
    /// `BY DEFAULT`: a statement may give the values itself.
    pub by_default: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct CheckConstraint {
    /// `None` where the user gave no name.
    pub name: Option<String>,
    /// The expression as text.
    pub expression: String,
    /// The only column that it is about, if it is about one.
    pub column: Option<String>,
}

impl CheckConstraint {
    /// The name that the user gave it, or the first one that is free of those that PostgreSQL makes.
    pub fn name_in(&self, table: &str, is_free: impl Fn(&str) -> bool) -> String {
        if let Some(name) = &self.name {
            return name.clone();
        }
        let wanted = match &self.column {
            Some(column) => format!("{table}_{column}_check"),
            None => format!("{table}_check"),
        };
        first_free(&wanted, is_free)
    }
}
