//! OPTIMIZE, REORG, VACUUM, RESTORE and ANALYZE: the table that they name, and the expressions in them.

use std::sync::Arc;

use crate::base::Result;
use crate::catalog::Relation;
use crate::sql::maintenance::{MaintenanceAction, MaintenanceStatement, VacuumClauses};
use crate::sql::statement::ColumnName;

use super::bound::{BoundExpression, BoundStatement, BoundTimeTravel};
use super::query::time_travel;
use super::scope::Scope;

/// What is to be done to a table.
#[derive(Debug, Clone)]
pub struct BoundMaintenance {
    pub table: Arc<Relation>,
    pub action: BoundMaintenanceAction,
    /// The statement's command tag.
    pub tag: &'static str,
}

#[derive(Debug, Clone)]
pub enum BoundMaintenanceAction {
    Optimize {
        full: bool,
        predicate: Option<Box<BoundExpression>>,
        zorder: Vec<ColumnName>,
        purge: bool,
    },
    Vacuum(VacuumClauses),
    Restore(BoundTimeTravel),
    Analyze,
}

impl Scope<'_> {
    pub(super) fn maintenance(&self, statement: MaintenanceStatement) -> Result<BoundStatement> {
        let table = match statement.action {
            MaintenanceAction::Restore(_) => self.changed_table(&statement.table)?,
            // The rows stay what they are.
            MaintenanceAction::Optimize { .. }
            | MaintenanceAction::Vacuum(_)
            | MaintenanceAction::Analyze => self.table_of_rows(&statement.table)?,
        };
        let tag = statement.action.tag();
        let action = match statement.action {
            MaintenanceAction::Optimize { full, predicate, zorder, purge } => {
                let predicate = predicate.map(|predicate| self.expression(*predicate));
                let predicate = predicate.transpose()?.map(Box::new);
                BoundMaintenanceAction::Optimize { full, predicate, zorder, purge }
            }
            MaintenanceAction::Vacuum(clauses) => BoundMaintenanceAction::Vacuum(clauses),
            MaintenanceAction::Restore(to) => BoundMaintenanceAction::Restore(time_travel(to)),
            MaintenanceAction::Analyze => BoundMaintenanceAction::Analyze,
        };
        Ok(BoundStatement::Maintenance(Box::new(BoundMaintenance { table, action, tag })))
    }
}
