//! What ALTER TABLE can change of the Delta table itself, as data. It knows no table.

use datafusion::arrow::datatypes::Field;

use super::key::KeyConstraint;
use super::statement::{CheckConstraint, ColumnDefinition, ColumnName};

/// One change; those of a statement are made together.
#[derive(Debug, Clone)]
pub enum TableChange {
    SetProperties(Vec<(String, String)>),
    UnsetProperties {
        keys: Vec<String>,
        if_exists: bool,
    },
    AddColumns {
        columns: Vec<AddedColumn>,
        if_not_exists: bool,
    },
    DropColumns {
        columns: Vec<ColumnName>,
        if_exists: bool,
        /// The views that need them and the foreign keys that refer to them go too.
        cascade: bool,
    },
    RenameColumn {
        column: ColumnName,
        to: String,
    },
    MoveColumn {
        column: ColumnName,
        place: ColumnPlace,
    },
    /// The field has the new type, with PostgreSQL's as metadata; its name is the column's.
    SetType {
        column: ColumnName,
        field: Field,
    },
    SetNotNull(ColumnName),
    DropNotNull(ColumnName),
    /// An expression as text; `None` drops the default.
    SetDefault {
        column: ColumnName,
        expression: Option<String>,
    },
    /// Databricks' `ALTER COLUMN c COMMENT 'text'`.
    CommentColumn {
        column: ColumnName,
        comment: Option<String>,
    },
    AddCheck(CheckConstraint),
    AddKey(KeyConstraint),
    DropConstraint {
        name: DroppedConstraint,
        if_exists: bool,
        cascade: bool,
    },
    /// `CLUSTER BY NONE` names no columns.
    ClusterBy(Vec<ColumnName>),
}

/// Which constraint goes.
#[derive(Debug, Clone, PartialEq)]
pub enum DroppedConstraint {
    Named(String),
    /// Databricks' `DROP PRIMARY KEY`.
    PrimaryKey,
    /// Databricks' `DROP FOREIGN KEY (a, b)`: those that these columns have.
    ForeignKey(Vec<ColumnName>),
}

/// A column to add, and where: last without a place.
#[derive(Debug, Clone)]
pub struct AddedColumn {
    pub definition: ColumnDefinition,
    pub place: Option<ColumnPlace>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ColumnPlace {
    First,
    After(ColumnName),
}
