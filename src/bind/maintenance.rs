//! OPTIMIZE, REORG, VACUUM, RESTORE and ANALYZE: the table that they name, and the expressions in them.

use std::sync::Arc;

use crate::base::{Error, ErrorKind, Result};
use crate::catalog::Relation;
use crate::sql::maintenance::{
    AnalyzeStatement, AnalyzedTable, MaintenanceAction, MaintenanceStatement, VacuumClauses,
};
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
}

/// Which tables ANALYZE is for.
#[derive(Debug, Clone)]
pub enum BoundAnalyze {
    Tables(Vec<Arc<Relation>>),
    /// All of the current database that the session may analyze.
    All,
}

impl Scope<'_> {
    pub(super) fn maintenance(&self, statement: MaintenanceStatement) -> Result<BoundStatement> {
        let table = match statement.action {
            MaintenanceAction::Restore(_) => self.changed_table(&statement.table)?,
            // The rows stay what they are.
            MaintenanceAction::Optimize { .. } | MaintenanceAction::Vacuum(_) => {
                self.table_of_rows(&statement.table)?
            }
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
        };
        Ok(BoundStatement::Maintenance(Box::new(BoundMaintenance { table, action, tag })))
    }

    pub(super) fn analyze(&self, statement: AnalyzeStatement) -> Result<BoundStatement> {
        if statement.tables.is_empty() {
            return Ok(BoundStatement::Analyze(BoundAnalyze::All));
        }
        let mut tables: Vec<Arc<Relation>> = Vec::with_capacity(statement.tables.len());
        for AnalyzedTable { name, columns } in statement.tables {
            let table = self.table_of_rows(&name)?;
            let is_unknown = |column: &&ColumnName| {
                table.columns.iter().all(|known| *known.field.name() != column.name)
            };
            if let Some(unknown) = columns.iter().find(is_unknown) {
                let (column, table) = (&unknown.name, &table.name);
                let message = format!("column \"{column}\" of relation \"{table}\" does not exist");
                return Err(Error::new(ErrorKind::UndefinedColumn, message).at_if(unknown.position));
            }
            if tables.iter().all(|known| known.id != table.id) {
                tables.push(table);
            }
        }
        Ok(BoundStatement::Analyze(BoundAnalyze::Tables(tables)))
    }
}
