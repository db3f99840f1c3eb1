//! Indexes as CREATE INDEX, ALTER INDEX and DROP INDEX name them. No data is kept for an index: it tells clients how
//! rows are looked for. It knows no table.

use super::statement::ColumnName;
use crate::base::name::ObjectName;

#[derive(Debug, Clone)]
pub struct CreateIndex {
    pub table: ObjectName,
    /// `None` where the user gave no name.
    pub name: Option<String>,
    pub if_not_exists: bool,
    pub unique: bool,
    pub nulls_not_distinct: bool,
    /// `btree`, `gin`, …
    pub method: String,
    pub keys: Vec<IndexPart>,
    /// The columns after INCLUDE.
    pub included: Vec<ColumnName>,
    /// The condition of a partial index.
    pub predicate: Option<IndexExpression>,
}

/// One part of an index's key.
#[derive(Debug, Clone)]
pub struct IndexPart {
    pub value: IndexPartValue,
    pub operator_class: Option<String>,
    pub descending: bool,
    pub nulls_first: bool,
}

#[derive(Debug, Clone)]
pub enum IndexPartValue {
    Column(ColumnName),
    Expression(IndexExpression),
}

/// An expression over the table's columns.
#[derive(Debug, Clone)]
pub struct IndexExpression {
    /// Without parentheses around it.
    pub text: String,
    /// What PostgreSQL calls a column of it, where it has a name for it: `lower`.
    pub name: Option<String>,
    /// The columns that it names.
    pub columns: Vec<String>,
}

/// `ALTER INDEX … RENAME TO`
#[derive(Debug, Clone)]
pub struct RenameIndex {
    pub name: ObjectName,
    pub if_exists: bool,
    pub to: String,
}

#[derive(Debug, Clone)]
pub struct DropIndex {
    pub names: Vec<ObjectName>,
    pub if_exists: bool,
}
