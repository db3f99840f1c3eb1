//! OPTIMIZE, REORG, VACUUM and RESTORE: what is done to a table's files and versions, and the rows that tell
//! of it.

use std::sync::Arc;

use chrono::TimeDelta;

use crate::base::{Error, ErrorKind, PrincipalId, Result};
use crate::bind::BoundStatement;
use crate::bind::bound::{BoundExpression, BoundTimeTravel};
use crate::bind::maintenance::{BoundMaintenance, BoundMaintenanceAction};
use crate::catalog::Relation;
use crate::delta::change::{self, Optimization, Optimized, Vacuum};
use crate::sql::maintenance::VacuumClauses;
use crate::sql::statement::ColumnName;
use crate::storage::Location;

use super::open::{location_of, moment};
use super::output::OutputColumn;
use super::show::{self, Cell, Header, Kind, number};
use super::stream::RowStream;
use super::{Completion, Engine, Outcome, Request};

const OPTIMIZED: Header = &[
    ("path", Kind::Text),
    ("numFilesAdded", Kind::Number),
    ("numFilesRemoved", Kind::Number),
    ("numBytesAdded", Kind::Number),
    ("numBytesRemoved", Kind::Number),
    ("numDeletionVectorsRemoved", Kind::Number),
    ("totalConsideredFiles", Kind::Number),
    ("numCommits", Kind::Number),
];

const VACUUMED: Header = &[("path", Kind::Text)];

const RESTORED: Header = &[
    ("table_size_after_restore", Kind::Number),
    ("num_of_files_after_restore", Kind::Number),
    ("num_removed_files", Kind::Number),
    ("num_restored_files", Kind::Number),
    ("removed_files_size", Kind::Number),
    ("restored_files_size", Kind::Number),
];

/// The setting that a VACUUM with a short RETAIN needs off.
const RETENTION_CHECK: &str = "lakegate.vacuum_retention_check";

/// The columns of what a statement tells; `None` where it tells nothing.
pub(super) fn columns(action: &BoundMaintenanceAction) -> Result<Option<Arc<[OutputColumn]>>> {
    header(action).map(show::columns).transpose()
}

fn header(action: &BoundMaintenanceAction) -> Option<Header> {
    match action {
        BoundMaintenanceAction::Optimize { .. } => Some(OPTIMIZED),
        BoundMaintenanceAction::Vacuum(clauses) => clauses.dry_run.then_some(VACUUMED),
        BoundMaintenanceAction::Restore(_) => Some(RESTORED),
    }
}

impl Engine {
    pub(super) async fn maintain(
        self: &Arc<Self>,
        statement: BoundMaintenance,
        request: &Request,
    ) -> Result<Outcome> {
        let BoundMaintenance { table, action, tag } = statement;
        check_outside_transaction(request, tag)?;
        let header = header(&action);
        let _admitted = self.admission.enter().await?;
        let (engine, run_as) = (Arc::clone(self), request.clone());
        let rows = self
            .cpu
            .run(async move {
                match action {
                    BoundMaintenanceAction::Optimize { full, predicate, zorder, purge } => {
                        let predicate = predicate.map(|predicate| *predicate);
                        let wanted = Wanted { full, predicate, zorder, purge };
                        engine.optimize(&table, wanted, &run_as).await
                    }
                    BoundMaintenanceAction::Vacuum(clauses) => {
                        engine.vacuum(&table, clauses, &run_as).await
                    }
                    BoundMaintenanceAction::Restore(to) => {
                        engine.restore(&table, to, &run_as).await
                    }
                }
            })
            .await?;
        let Some(header) = header else { return Ok(Completion::new(tag).into()) };
        let rows = RowStream::ready(show::columns(header)?, vec![show::batch(header, rows)?]);
        Ok(Outcome::Rows { rows, tag })
    }

    /// Vacuums all tables of the database that the principal may vacuum, one after another.
    pub(super) async fn vacuum_all(
        self: &Arc<Self>,
        principal: PrincipalId,
        request: &Request,
    ) -> Result<Completion> {
        check_outside_transaction(request, "VACUUM")?;
        let statement = |table| BoundStatement::Maintenance(Box::new(plain_vacuum(table)));
        let vacuum = |table| async { self.maintain(plain_vacuum(table), request).await.map(drop) };
        let warnings = self.on_all_tables("vacuum", principal, request, statement, vacuum).await?;
        Ok(Completion { warnings, ..Completion::new("VACUUM") })
    }

    async fn optimize(
        &self,
        table: &Relation,
        wanted: Wanted,
        request: &Request,
    ) -> Result<Vec<Vec<Cell>>> {
        let location = location_of(table)?;
        let version = self.schema_of(table, request).await?;
        let state = self.context.statement(&request.facts);
        let named = (table.name.as_str(), &version);
        let predicate = self.predicate(&state, request, named, wanted.predicate).await?;
        let wanted = Optimization {
            predicate,
            order: wanted.zorder.into_iter().map(|column| column.name).collect(),
            full: wanted.full,
            purge: wanted.purge,
            target_file_bytes: self.limits.data_file_bytes,
            files_min: 2,
        };
        let ctx = self.change_context(state, request, None);
        let done = change::optimize(&ctx, &location, &wanted).await?;
        let Optimized { files_added, files_removed, bytes_added, bytes_removed, .. } = done;
        Ok(vec![vec![
            Cell::Text(location.url().to_string()),
            number(files_added),
            number(files_removed),
            number(bytes_added),
            number(bytes_removed),
            number(done.deletion_vectors_removed),
            number(done.files_considered),
            number(done.commits),
        ]])
    }

    async fn vacuum(
        &self,
        table: &Relation,
        clauses: VacuumClauses,
        request: &Request,
    ) -> Result<Vec<Vec<Cell>>> {
        let location = location_of(table)?;
        let check = request.facts.settings.get(RETENTION_CHECK);
        let wanted = Vacuum {
            retention: clauses.retain_hours.map(|hours| TimeDelta::hours(i64::from(hours))),
            is_retention_checked: check.is_none_or(|check| check.value != "off"),
            lite: clauses.lite,
            dry_run: clauses.dry_run,
            clones: self.clones_of(table)?,
        };
        let ctx = self.change_context(self.context.statement(&request.facts), request, None);
        let vacuumed = change::vacuum(&ctx, &location, &wanted).await?;
        let paths = vacuumed.files.into_iter();
        let root = location.url().as_str().trim_end_matches('/');
        Ok(paths.map(|path| vec![Cell::Text(format!("{root}/{path}"))]).collect())
    }

    /// Where the shallow clones of a table lie.
    pub(super) fn clones_of(&self, table: &Relation) -> Result<Vec<Location>> {
        let location = location_of(table)?;
        let snapshot = self.metastore.snapshot();
        snapshot.clones_of(location.url().as_str()).map(|clone| location_of(clone)).collect()
    }

    async fn restore(
        &self,
        table: &Relation,
        to: BoundTimeTravel,
        request: &Request,
    ) -> Result<Vec<Vec<Cell>>> {
        let location = location_of(table)?;
        let state = self.context.statement(&request.facts);
        let to = moment(&to, &state)?;
        let ctx = self.change_context(state, request, None);
        let restored = change::restore(&ctx, &location, to).await?;
        let newest = self.tables_of(&request.work).open(&location).await?;
        let snapshot = request.work.snapshot(&self.metastore)?;
        if let Some(change) = self.columns_change(table, &newest, &snapshot)? {
            self.change_metastore(&[change], request).await?;
        }
        Ok(vec![restored.named().into_iter().map(|(_, count)| number(count)).collect()])
    }
}

/// `VACUUM table`
fn plain_vacuum(table: Arc<Relation>) -> BoundMaintenance {
    let action = BoundMaintenanceAction::Vacuum(VacuumClauses::default());
    BoundMaintenance { table, action, tag: "VACUUM" }
}

/// 25001
fn check_outside_transaction(request: &Request, tag: &str) -> Result<()> {
    match request.work.staged() {
        None => Ok(()),
        Some(_) => Err(Error::new(
            ErrorKind::ActiveSqlTransaction,
            format!("{tag} cannot run inside a transaction block"),
        )),
    }
}

/// What OPTIMIZE or REORG asks for.
struct Wanted {
    full: bool,
    predicate: Option<BoundExpression>,
    zorder: Vec<ColumnName>,
    purge: bool,
}
