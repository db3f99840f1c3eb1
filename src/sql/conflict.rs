//! ON CONFLICT of an INSERT, as data. It knows no key.

use super::statement::{Assignment, ColumnName, Expression};

/// `ON CONFLICT`: what becomes of a row whose key the table has already.
#[derive(Debug, Clone)]
pub struct OnConflict {
    pub target: ConflictTarget,
    /// `None` is DO NOTHING.
    pub update: Option<ConflictUpdate>,
}

/// The key that is meant.
#[derive(Debug, Clone)]
pub enum ConflictTarget {
    /// Any that the table has.
    Any,
    Columns(Vec<ColumnName>),
    Constraint(ColumnName),
}

/// `DO UPDATE SET … [WHERE …]`, over the table's row and the one that was to be inserted, `excluded`.
#[derive(Debug, Clone)]
pub struct ConflictUpdate {
    pub assignments: Vec<Assignment>,
    pub predicate: Option<Expression>,
}
