//! Keys of tables as CREATE TABLE and ALTER TABLE declare them. Nothing enforces them: they tell readers and
//! planners what the rows are. It knows no table.

use super::statement::ColumnName;
use crate::base::name::ObjectName;
use crate::base::{Deferral, ReferentialRules};

/// `PRIMARY KEY`, `UNIQUE` or `FOREIGN KEY … REFERENCES`.
#[derive(Debug, Clone)]
pub struct KeyConstraint {
    /// `None` where the user gave no name.
    pub name: Option<String>,
    pub columns: Vec<ColumnName>,
    pub kind: KeyKind,
    /// `RELY`: whoever declares it vouches for it.
    pub rely: bool,
    pub deferral: Deferral,
    /// Whether `NOT ENFORCED` is said.
    pub not_enforced: bool,
}

#[derive(Debug, Clone)]
pub enum KeyKind {
    Primary,
    Unique,
    /// The columns are empty for the primary key of the other table.
    Foreign {
        table: ObjectName,
        columns: Vec<ColumnName>,
        rules: ReferentialRules,
    },
}
