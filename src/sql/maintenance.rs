//! OPTIMIZE, REORG, VACUUM, RESTORE and ANALYZE as data: what is done to a table's files and versions.

use super::statement::{ColumnName, Expression, TimeTravelClause};
use crate::base::name::ObjectName;

/// What is to be done to a table.
#[derive(Debug, Clone)]
pub struct MaintenanceStatement {
    pub table: ObjectName,
    pub action: MaintenanceAction,
}

#[derive(Debug, Clone)]
pub enum MaintenanceAction {
    Optimize {
        /// `FULL`: files that are well as they are, too.
        full: bool,
        /// Over partition columns.
        predicate: Option<Box<Expression>>,
        zorder: Vec<ColumnName>,
        /// `REORG TABLE … APPLY (PURGE)`: only to be rid of deleted rows.
        purge: bool,
    },
    Vacuum(VacuumClauses),
    Restore(TimeTravelClause),
}

/// ANALYZE.
#[derive(Debug, Clone)]
pub struct AnalyzeStatement {
    /// None are all of the database.
    pub tables: Vec<AnalyzedTable>,
}

/// A table that is named; its columns are all counted, and must be there.
#[derive(Debug, Clone)]
pub struct AnalyzedTable {
    pub name: ObjectName,
    pub columns: Vec<ColumnName>,
}

/// What stands after `VACUUM table`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct VacuumClauses {
    /// Only files that the log tells of.
    pub lite: bool,
    pub retain_hours: Option<u32>,
    pub dry_run: bool,
}

impl MaintenanceAction {
    /// The statement's first word, which its command tag is too.
    pub fn tag(&self) -> &'static str {
        match self {
            MaintenanceAction::Optimize { purge: true, .. } => "REORG",
            MaintenanceAction::Optimize { .. } => "OPTIMIZE",
            MaintenanceAction::Vacuum(_) => "VACUUM",
            MaintenanceAction::Restore(_) => "RESTORE",
        }
    }
}
