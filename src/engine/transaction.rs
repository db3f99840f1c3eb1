//! The end of transactions: everything that one has staged becomes visible at once, or nothing of it. It runs
//! no statement.
//!
//! One table without changes of the catalog is one commit in that table's log; `joint_commit` does the rest.

use std::sync::Arc;

use uuid::Uuid;

use crate::base::{Error, ErrorKind, Result};
use crate::catalog::Change;
use crate::delta::change::{
    ChangeContext, Committer, Isolation, NetChange, check_unchanged, commit_net, discard_staged,
    published, record_net_feeds,
};
use crate::delta::{StagedLog, Tables};

use super::facts::Facts;
use super::temporary::Temporary;
use super::work::{Staged, Work};
use super::{Engine, Request};

/// How often a statement on its own is run when others change what it changes.
const ATTEMPTS_MAX: usize = 5;

/// Why a transaction was not committed.
pub(super) struct Failure {
    pub error: Error,
    /// Whether its files may still be in a version of a table.
    pub keeps_files: bool,
}

/// What a transaction promises of one table: of one whose rows it has locked, that nobody has changed it.
fn promised(isolation: Isolation, log: StagedLog) -> Isolation {
    if log.locked { Isolation::Serializable } else { isolation }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure { keeps_files: error.kind() == ErrorKind::StatementCompletionUnknown, error }
    }
}

impl Engine {
    /// The work of a new transaction of a session with these temporary objects.
    pub fn begin(&self, temporary: &Arc<Temporary>) -> Arc<Work> {
        Arc::new(Work::transaction(&self.tables, temporary))
    }

    /// Makes everything that the transaction has changed visible, or nothing of it. Once called it goes on to
    /// its end, whether or not the caller waits.
    ///
    /// Errors: 40001 when others have changed what it was based on; those of the catalog's changes when names
    /// have been taken meanwhile.
    pub async fn commit(self: &Arc<Self>, work: Arc<Work>) -> Result<()> {
        if !work.has_changes() {
            return Ok(());
        }
        let engine = Arc::clone(self);
        let ending = tokio::spawn(async move {
            let Some(staged) = work.staged() else { return Ok(()) };
            let outcome = engine.commit_staged(staged, &work).await;
            let Err(failure) = outcome else { return Ok(()) };
            if !failure.keeps_files {
                engine.discard(staged).await;
            }
            Err(failure.error)
        });
        ending.await.map_err(|cause| {
            let message = "the end of the transaction was interrupted";
            Error::new(ErrorKind::StatementCompletionUnknown, message).caused_by(cause)
        })?
    }

    /// Runs changes that are one: in the transaction that there is, or else in one of their own, which is begun
    /// again when others have changed the same.
    ///
    /// Errors: 40001 when others do so again and again.
    pub(super) async fn as_one<T, F>(
        self: &Arc<Self>,
        request: &Request,
        changes: impl Fn(Request) -> F,
    ) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        if request.work.staged().is_some() {
            return changes(request.clone()).await;
        }
        let mut attempt = 1;
        loop {
            let work = self.begin(request.work.temporary());
            work.set_isolation(request.work.isolation());
            let within = Request { work: Arc::clone(&work), ..request.clone() };
            let outcome = match changes(within).await {
                Ok(outcome) => self.commit(work).await.map(|()| outcome),
                Err(error) => {
                    self.roll_back(&work).await;
                    Err(error)
                }
            };
            match outcome {
                Err(error)
                    if error.kind() == ErrorKind::SerializationFailure
                        && attempt < ATTEMPTS_MAX =>
                {
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }

    /// Gives up what the transaction has changed.
    pub async fn roll_back(&self, work: &Work) {
        if let Some(staged) = work.staged() {
            self.discard(staged).await;
        }
    }

    async fn commit_staged(self: &Arc<Self>, staged: &Staged, work: &Work) -> Result<(), Failure> {
        let Some(logs) = staged.tables.staged() else { return Ok(()) };
        let (isolation, temporary) = (work.isolation(), work.temporary());
        let before = temporary.snapshot(&self.metastore);
        let parted = self.part(temporary, &staged.catalog_changes(), &before)?;
        let changes = &parted.lasting;
        let nets = self.with_net_feeds(NetChange::of(logs).await?, staged).await?;
        // All in one order, so that two transactions never wait for each other.
        let mut leases = Vec::new();
        for (location, log) in logs.all() {
            let is_read_only = log.commits == 0;
            // Of two that each read what the other one writes, the later one has to see it.
            if is_read_only && promised(isolation, log) != Isolation::Serializable {
                continue;
            }
            leases.push(self.tables.lease(&location).await);
            if let (Some(base), true) = (log.base, is_read_only) {
                check_unchanged(&self.tables, &location, base).await?;
            }
        }
        let promised = |net: &NetChange| {
            logs.get(&net.location).map_or(isolation, |log| promised(isolation, log))
        };
        match (nets.as_slice(), changes.is_empty()) {
            ([], true) => {}
            ([], false) => drop(self.metastore.apply(changes).await?),
            ([net], true) if net.base.is_some() => {
                let version = commit_net(&self.tables, net, promised(net), Uuid::new_v4()).await?;
                self.tidy(net, version).await;
                drop(leases);
            }
            (nets, _) => self.commit_together(nets, changes, promised, leases).await?,
        }
        self.forget_dropped(changes, &before)?;
        self.keep_temporary(temporary, parted).await;
        Ok(())
    }

    /// The same changes, each with change data that tells of all of it.
    async fn with_net_feeds(
        &self,
        mut nets: Vec<NetChange>,
        staged: &Staged,
    ) -> Result<Vec<NetChange>> {
        if !nets.iter().any(NetChange::has_feeds) {
            return Ok(nets);
        }
        let ctx = ChangeContext {
            state: Arc::new(self.context.statement(&Facts::default())),
            tables: Arc::clone(&staged.tables),
            committer: Committer::default(),
            planned_version: None,
            isolation: Isolation::ReadCommitted,
            returned: None,
        };
        let recorded = async move { record_net_feeds(&ctx, &mut nets).await.map(|()| nets) };
        self.cpu.run(recorded).await
    }

    /// After a table's commit, what need not hold it up. Nothing of it fails the transaction.
    pub(super) async fn tidy(&self, net: &NetChange, version: u64) {
        discard_staged(&self.tables, &net.location, &net.discarded).await;
        if let Err(error) = published(&self.tables, &net.location, version).await {
            tracing::warn!(?error, "a table could not be read after a commit");
        }
    }

    /// Removes the files that a transaction has written for nothing.
    async fn discard(&self, staged: &Staged) {
        let Some(logs) = staged.tables.staged() else { return };
        let Ok(nets) = NetChange::of(logs).await else { return };
        for net in nets {
            discard_staged(&self.tables, &net.location, &net.written()).await;
            if net.base.is_none()
                && let Err(error) =
                    self.metastore.abandon_location(net.location.url().as_str()).await
            {
                tracing::warn!(
                    ?error,
                    "files of a table that was not made stay until the next start"
                );
            }
        }
    }

    /// The tables as a statement sees them.
    pub(super) fn tables_of<'a>(&'a self, work: &'a Work) -> &'a Arc<Tables> {
        work.staged().map_or(&self.tables, |staged| &staged.tables)
    }

    /// Changes the catalog: at once, or with the transaction.
    pub(super) async fn change_metastore(
        &self,
        changes: &[Change],
        request: &Request,
    ) -> Result<()> {
        let temporary = request.work.temporary();
        let before = temporary.snapshot(&self.metastore);
        if let Some(staged) = request.work.staged() {
            let mut all = staged.catalog_changes();
            all.extend_from_slice(changes);
            // Said now, not at COMMIT.
            self.part(temporary, &all, &before)?;
            let with_them = self.metastore.preview(&before, &all)?;
            staged.set_catalog_changes(all, before, with_them);
            return Ok(());
        }
        let parted = self.part(temporary, changes, &before)?;
        if !parted.lasting.is_empty() {
            self.metastore.apply(&parted.lasting).await?;
            self.forget_dropped(&parted.lasting, &before)?;
        }
        self.keep_temporary(temporary, parted).await;
        Ok(())
    }
}
