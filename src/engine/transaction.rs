//! The end of transactions: everything that one has staged becomes visible at once, or nothing of it. It runs
//! no statement.
//!
//! One table without changes of the catalog is one commit in that table's log. Otherwise the metastore is
//! where it is decided: a journal says that the commits which are about to be written do not count, and goes
//! in the same SQL transaction that makes the changes of the catalog. A crash before that is undone at the
//! next start. Meanwhile readers of this endpoint see the tables as they were.

use std::sync::Arc;

use uuid::Uuid;

use crate::base::{Error, ErrorKind, Result};
use crate::catalog::{Change, OpenCommit};
use crate::delta::Tables;
use crate::delta::change::{
    self, Isolation, NetChange, check_unchanged, commit_net, discard_staged, published, undo,
};
use crate::storage::Location;

use super::temporary::Temporary;
use super::work::{Staged, Work};
use super::{Engine, Request};

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
            let outcome = engine.commit_staged(staged, work.temporary()).await;
            if outcome.is_err() {
                engine.discard(staged).await;
            }
            outcome
        });
        ending.await.map_err(|cause| {
            let message = "the end of the transaction was interrupted";
            Error::new(ErrorKind::StatementCompletionUnknown, message).caused_by(cause)
        })?
    }

    /// Gives up what the transaction has changed.
    pub async fn roll_back(&self, work: &Work) {
        if let Some(staged) = work.staged() {
            self.discard(staged).await;
        }
    }

    async fn commit_staged(&self, staged: &Staged, temporary: &Temporary) -> Result<()> {
        let Some(logs) = staged.tables.staged() else { return Ok(()) };
        let isolation = staged.isolation();
        let before = temporary.snapshot(&self.metastore);
        let parted = self.part(temporary, &staged.catalog_changes(), &before)?;
        let changes = &parted.lasting;
        let nets = NetChange::of(logs).await?;
        let mut leases = Vec::with_capacity(nets.len());
        for net in &nets {
            // Ordered by location, so that two transactions never wait for each other.
            leases.push(self.tables.lease(&net.location).await);
        }
        if isolation == Isolation::Serializable {
            for (location, log) in logs.all() {
                if let (Some(base), 0) = (log.base, log.commits) {
                    check_unchanged(&self.tables, &location, base).await?;
                }
            }
        }
        match (nets.as_slice(), changes.is_empty()) {
            ([], true) => {}
            ([], false) => drop(self.metastore.apply(changes).await?),
            ([net], true) if net.base.is_some() => {
                let version = commit_net(&self.tables, net, isolation, Uuid::new_v4()).await?;
                self.tidy(net, version).await;
            }
            (nets, _) => self.commit_together(nets, changes, isolation).await?,
        }
        drop(leases);
        self.forget_dropped(changes, &before)?;
        self.settle(temporary, parted).await;
        Ok(())
    }

    /// Several tables, or tables and the catalog, at once.
    async fn commit_together(
        &self,
        nets: &[NetChange],
        changes: &[Change],
        isolation: Isolation,
    ) -> Result<()> {
        let mut hidden = Vec::with_capacity(nets.len());
        for net in nets {
            // What cannot be committed is found before anything is written.
            let next = change::next_version(&self.tables, net, isolation).await?;
            hidden.push((net.location.clone(), next));
        }
        self.metastore.preview(&self.metastore.snapshot(), changes)?;
        let id = Uuid::new_v4();
        let open = nets.iter().map(|net| OpenCommit {
            id,
            location: net.location.url().to_string(),
            base: net.base,
        });
        self.metastore.begin_commit(&open.collect::<Vec<_>>()).await?;
        let hidden = self.tables.hide(hidden);
        let mut versions = Vec::with_capacity(nets.len());
        let outcome = async {
            for net in nets {
                versions.push(commit_net(&self.tables, net, isolation, id).await?);
            }
            self.metastore.commit(changes, id).await
        };
        if let Err(error) = outcome.await {
            let has_ended = match self.metastore.open_commits().await {
                Ok(open) => !open.iter().any(|open| open.id == id),
                // Nobody can tell now; the journal will at the next start.
                Err(_) => return Err(completion_unknown().caused_by(error)),
            };
            if !has_ended {
                self.take_back(nets.iter().map(|net| (net.location.clone(), net.base)), id).await;
                return Err(error);
            }
        }
        drop(hidden);
        for (net, version) in nets.iter().zip(versions) {
            self.tidy(net, version).await;
        }
        Ok(())
    }

    /// After a table's commit, what need not hold it up. Nothing of it fails the transaction.
    async fn tidy(&self, net: &NetChange, version: u64) {
        discard_staged(&self.tables, &net.location, &net.discarded).await;
        if let Err(error) = published(&self.tables, &net.location, version).await {
            tracing::warn!(?error, "a table could not be read after a commit");
        }
    }

    /// Undoes the commits of one id in their tables. What cannot be undone now stays in the journal.
    async fn take_back(&self, tables: impl Iterator<Item = (Location, Option<u64>)>, id: Uuid) {
        let mut complete = true;
        for (location, base) in tables {
            if let Err(error) = undo(&self.tables, &location, base, id).await {
                complete = false;
                tracing::error!(?error, commit = %id, "a commit could not be taken back yet");
            }
        }
        if complete && let Err(error) = self.metastore.forget_commit(id).await {
            tracing::error!(?error, commit = %id, "the journal keeps a commit that was taken back");
        }
    }

    /// Takes back what a crash has cut off between the tables' logs and the metastore. To be called before
    /// the first statement.
    pub async fn recover(&self) -> Result<()> {
        for OpenCommit { id, location, base } in self.metastore.open_commits().await? {
            tracing::info!(commit = %id, "a commit that did not end is taken back");
            let location = Location::parse(&location)?;
            undo(&self.tables, &location, base, id).await?;
        }
        for open in self.metastore.open_commits().await? {
            self.metastore.forget_commit(open.id).await?;
        }
        Ok(())
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
        self.settle(temporary, parted).await;
        Ok(())
    }
}

fn completion_unknown() -> Error {
    Error::new(
        ErrorKind::StatementCompletionUnknown,
        "it is not known whether the transaction was committed",
    )
    .with_hint("Look at the tables before running it again.")
}
