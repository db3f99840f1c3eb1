//! What an INSERT does with rows and numbers that the table has already, as data. It knows no key.

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

/// Whose values identity columns take where a statement gives some.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overriding {
    /// The statement's, also where the column is GENERATED ALWAYS.
    System,
    /// The table's own.
    User,
}

/// Which rows go when new ones come.
#[derive(Debug, Clone)]
pub enum Replaced {
    None,
    /// `INSERT OVERWRITE`
    All,
    /// `INSERT INTO … REPLACE WHERE`; the new rows are such rows too.
    Where(Box<Expression>),
}
