//! One unit of work: what a transaction reads and what it has changed so far, seen by nobody else. It never
//! commits by itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use datafusion::logical_expr::TableSource;

use crate::base::{Error, ErrorKind, Result, SecurableId};
use crate::catalog::{Change, Metastore, Snapshot};
use crate::delta::change::Isolation;
use crate::delta::{Moment, StagedLog, TableVersion, Tables};
use crate::storage::Location;

use super::temporary::Temporary;

/// A statement on its own, or a transaction of several.
///
/// A statement on its own changes tables and catalog at once. A transaction's changes are staged: commits
/// in logs of its own, changes of the catalog in a list.
#[derive(Default)]
pub struct Work {
    /// Each table's newest version of when the statement first asked for it.
    pins: Mutex<HashMap<SecurableId, Arc<TableVersion>>>,
    /// As of when a statement on its own reads.
    moment: OnceLock<Moment>,
    transaction: Option<Arc<Staged>>,
    isolation: Arc<Mutex<Isolation>>,
    temporary: Arc<Temporary>,
    /// The rows of the items of a WITH, as far as they have been planned or run; why they are none.
    with_items: Mutex<HashMap<usize, WithRows>>,
}

/// The rows of an item of WITH, or the name of one that gives none.
#[derive(Clone)]
pub(super) enum WithRows {
    Source(Arc<dyn TableSource>),
    None(String),
}

/// What a transaction has staged.
pub(super) struct Staged {
    pub tables: Arc<Tables>,
    catalog: Mutex<StagedCatalog>,
}

#[derive(Default)]
struct StagedCatalog {
    changes: Vec<Change>,
    /// The snapshot that the changes were put onto, and the same with them.
    preview: Option<(Arc<Snapshot>, Arc<Snapshot>)>,
}

/// A point in a transaction that it can go back to.
#[derive(Debug, Clone)]
pub struct Mark {
    tables: Vec<(Location, StagedLog)>,
    catalog_changes: usize,
}

impl Work {
    /// The work of a statement on its own.
    pub fn alone(temporary: &Arc<Temporary>) -> Self {
        Work { temporary: Arc::clone(temporary), ..Work::default() }
    }

    /// The work of a transaction.
    pub(super) fn transaction(tables: &Arc<Tables>, temporary: &Arc<Temporary>) -> Self {
        let staged =
            Staged { tables: Arc::new(tables.for_transaction()), catalog: Mutex::default() };
        Work { transaction: Some(Arc::new(staged)), ..Work::alone(temporary) }
    }

    /// The work of one statement of several parts, which read the versions that are kept here, whatever
    /// the others of them have changed.
    pub(super) fn of_parts(&self) -> Self {
        let isolation = Arc::clone(&self.isolation);
        let transaction = self.transaction.clone();
        Work { transaction, isolation, ..Work::alone(&self.temporary) }
    }

    pub(super) fn set_with_item(&self, item: usize, rows: WithRows) {
        held(&self.with_items).insert(item, rows);
    }

    /// The rows of an item of WITH.
    ///
    /// Errors: 0A000 when it gives none.
    pub(super) fn with_item(&self, item: usize) -> Result<Arc<dyn TableSource>> {
        match held(&self.with_items).get(&item) {
            Some(WithRows::Source(source)) => Ok(Arc::clone(source)),
            Some(WithRows::None(name)) => Err(Error::new(
                ErrorKind::FeatureNotSupported,
                format!("WITH query \"{name}\" does not have a RETURNING clause"),
            )),
            None => Err(Error::internal("an item of WITH has not run")),
        }
    }

    /// The session's temporary objects, without what the transaction has changed of them.
    pub(super) fn temporary(&self) -> &Arc<Temporary> {
        &self.temporary
    }

    pub(super) fn staged(&self) -> Option<&Staged> {
        self.transaction.as_deref()
    }

    /// Keeps a version for the rest of the statement, or gives the one that came first.
    pub(super) fn keep(&self, id: SecurableId, version: Arc<TableVersion>) -> Arc<TableVersion> {
        Arc::clone(held(&self.pins).entry(id).or_insert(version))
    }

    pub(super) fn kept(&self, id: SecurableId) -> Option<Arc<TableVersion>> {
        held(&self.pins).get(&id).cloned()
    }

    /// As of when the statement reads.
    pub(super) fn moment(&self, tables: &Tables) -> &Moment {
        self.moment.get_or_init(|| tables.visibility().now())
    }

    /// To be called before each statement of a transaction.
    pub(super) fn begin_statement(&self) {
        if let Some(staged) = &self.transaction
            && self.isolation() == Isolation::ReadCommitted
        {
            staged.tables.refresh();
        }
    }

    /// What is promised of what the work has read.
    pub(super) fn isolation(&self) -> Isolation {
        *held(&self.isolation)
    }

    pub fn set_isolation(&self, isolation: Isolation) {
        *held(&self.isolation) = isolation;
    }

    /// Whether it is that of a statement on its own.
    pub fn is_alone(&self) -> bool {
        self.transaction.is_none()
    }

    /// Whether there is something to commit.
    pub fn has_changes(&self) -> bool {
        self.transaction.as_ref().is_some_and(|staged| {
            let has_commits = staged
                .tables
                .staged()
                .is_some_and(|logs| logs.all().iter().any(|(_, log)| log.commits > 0));
            has_commits || !held(&staged.catalog).changes.is_empty()
        })
    }

    /// The catalog as the work sees it: the newest, with the transaction's own changes.
    ///
    /// An error when others have changed the catalog so that those do not go together with it.
    pub fn snapshot(&self, metastore: &Metastore) -> Result<Arc<Snapshot>> {
        let newest = self.temporary.snapshot(metastore);
        let Some(staged) = &self.transaction else { return Ok(newest) };
        let mut catalog = held(&staged.catalog);
        if catalog.changes.is_empty() {
            return Ok(newest);
        }
        if let Some((below, preview)) = &catalog.preview
            && Arc::ptr_eq(below, &newest)
        {
            return Ok(Arc::clone(preview));
        }
        let preview = metastore.preview(&newest, &catalog.changes)?;
        catalog.preview = Some((newest, Arc::clone(&preview)));
        Ok(preview)
    }

    /// A point to go back to.
    pub fn mark(&self) -> Mark {
        let Some(staged) = &self.transaction else {
            return Mark { tables: Vec::new(), catalog_changes: 0 };
        };
        Mark {
            tables: staged.tables.staged().map(|logs| logs.all()).unwrap_or_default(),
            catalog_changes: held(&staged.catalog).changes.len(),
        }
    }

    /// Undoes what was changed since a mark.
    pub async fn rewind(&self, mark: &Mark) -> Result<()> {
        let Some(staged) = &self.transaction else { return Ok(()) };
        {
            let mut catalog = held(&staged.catalog);
            catalog.changes.truncate(mark.catalog_changes);
            catalog.preview = None;
        }
        staged.tables.rewind(&mark.tables).await
    }
}

impl Staged {
    pub(super) fn catalog_changes(&self) -> Vec<Change> {
        held(&self.catalog).changes.clone()
    }

    /// Makes changes of the catalog all that the transaction has; `with_them` is what they make of `before`.
    pub(super) fn set_catalog_changes(
        &self,
        changes: Vec<Change>,
        before: Arc<Snapshot>,
        with_them: Arc<Snapshot>,
    ) {
        let mut catalog = held(&self.catalog);
        catalog.changes = changes;
        catalog.preview = Some((before, with_them));
    }
}

impl std::fmt::Debug for Work {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Work")
            .field("is_transaction", &self.transaction.is_some())
            .finish_non_exhaustive()
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
