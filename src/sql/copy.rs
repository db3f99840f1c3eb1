//! COPY between a table or query and the client, as written.

use super::statement::{ColumnName, Expression, Query};
use crate::base::name::ObjectName;

/// COPY; its options stay as written, since their meaning depends on direction and format.
#[derive(Debug, Clone)]
pub struct Copy {
    pub direction: CopyDirection,
    pub options: Vec<CopyOption>,
    /// `WHERE` of a COPY FROM: the rows that are taken.
    pub predicate: Option<Expression>,
}

#[derive(Debug, Clone)]
pub enum CopyDirection {
    /// `COPY … TO STDOUT`
    TableOut { table: ObjectName, columns: Vec<ColumnName> },
    /// `COPY (query) TO STDOUT`
    QueryOut(Query),
    /// `COPY … FROM STDIN`
    In { table: ObjectName, columns: Vec<ColumnName> },
}

/// One COPY option: `FORMAT csv`, `HEADER`, `FORCE_QUOTE (a, b)`. The name is lower case.
#[derive(Debug, Clone, PartialEq)]
pub struct CopyOption {
    pub name: String,
    pub value: CopyOptionValue,
    pub position: Option<usize>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum CopyOptionValue {
    /// The option alone.
    None,
    Text(String),
    /// `*`
    All,
    List(Vec<String>),
}
