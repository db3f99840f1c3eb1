//! Commits of several tables, or of tables and the catalog, at once. It stages nothing.
//!
//! The metastore is where it is decided: a journal says that the commits which are about to be written do not
//! count, and goes in the same SQL transaction that makes the changes of the catalog. What does not get there is
//! taken back, after a crash at the next start. Until then readers of this endpoint see the tables as they were.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;
use uuid::Uuid;

use super::Engine;
use super::open::location_of_table;
use super::transaction::Failure;
use crate::base::{Error, ErrorKind, Result};
use crate::catalog::{Change, OpenCommit};
use crate::delta::HiddenCommits;
use crate::delta::change::{self, Isolation, NetChange, commit_net, undo};
use crate::storage::Location;

/// How soon, at first, it is tried again to take back what the storage did not let be taken back.
const SETTLE_EVERY_MIN: Duration = Duration::from_millis(200);

/// The longest time between two such attempts. Whoever writes to the tables waits for as long after the storage
/// works again.
const SETTLE_EVERY_MAX: Duration = Duration::from_secs(3);

/// A joint commit that has begun.
struct Begun {
    id: Uuid,
    /// Those that it is not taken back from yet, with the versions that they had before.
    tables: Vec<(Location, Option<u64>)>,
    /// Whether the storage may still make one of its commits.
    is_awaited: bool,
}

impl Engine {
    /// Makes all changes visible, or none. The leases of the tables are held until it is known which.
    pub(super) async fn commit_together(
        self: &Arc<Self>,
        nets: &[NetChange],
        changes: &[Change],
        promised: impl Fn(&NetChange) -> Isolation,
        leases: Vec<OwnedMutexGuard<()>>,
    ) -> Result<(), Failure> {
        let mut hidden = Vec::with_capacity(nets.len());
        for net in nets {
            // What cannot be committed is found before anything is written.
            let next = change::next_version(&self.tables, net, promised(net)).await?;
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
        let hidden = self.tables.visibility().hide(hidden);
        let mut versions = Vec::with_capacity(nets.len());
        let outcome = async {
            for net in nets {
                versions.push(commit_net(&self.tables, net, promised(net), id).await?);
            }
            self.metastore.commit(changes, id).await
        };
        if let Err(error) = outcome.await {
            let is_awaited = error.kind() == ErrorKind::StatementCompletionUnknown;
            let tables = nets.iter().map(|net| (net.location.clone(), net.base)).collect();
            self.settle(Begun { id, tables, is_awaited }, error, hidden, leases).await?;
        } else {
            drop(hidden);
        }
        for (net, version) in nets.iter().zip(versions) {
            self.tidy(net, version).await;
        }
        Ok(())
    }

    /// Finds out whether a joint commit has happened after all, and takes it back if not. While that cannot be
    /// done, its tables stay as they were for readers, and belong to no writer.
    async fn settle(
        self: &Arc<Self>,
        mut begun: Begun,
        error: Error,
        hidden: HiddenCommits,
        leases: Vec<OwnedMutexGuard<()>>,
    ) -> Result<(), Failure> {
        let is_over = match self.has_ended(begun.id).await {
            Ok(true) => return Ok(()),
            Ok(false) => self.take_back(&mut begun).await.is_ok(),
            Err(_) => {
                let error = completion_unknown().caused_by(error);
                self.settle_later(begun, (hidden, leases));
                return Err(error.into());
            }
        };
        // The metastore has decided: it does not count, whatever the storage still has of it.
        let error = if begun.is_awaited { rolled_back().caused_by(error) } else { error };
        if !is_over {
            self.settle_later(begun, (hidden, leases));
        }
        Err(Failure { error, keeps_files: !is_over })
    }

    fn settle_later(
        self: &Arc<Self>,
        mut begun: Begun,
        held: (HiddenCommits, Vec<OwnedMutexGuard<()>>),
    ) {
        let engine = Arc::clone(self);
        tokio::spawn(async move {
            let mut pause = SETTLE_EVERY_MIN;
            loop {
                tokio::time::sleep(pause).await;
                let is_over = match engine.has_ended(begun.id).await {
                    Ok(true) => true,
                    Ok(false) => engine.take_back(&mut begun).await.is_ok(),
                    Err(_) => false,
                };
                if is_over {
                    break;
                }
                pause = pause.saturating_mul(2).min(SETTLE_EVERY_MAX);
            }
            drop(held);
        });
    }

    /// Whether the journal has a joint commit no more: then it counts.
    async fn has_ended(&self, id: Uuid) -> Result<bool> {
        Ok(!self.metastore.open_commits().await?.iter().any(|open| open.id == id))
    }

    /// Undoes the commits of one id in their tables. Until all of them are undone, they stay in the journal.
    async fn take_back(&self, begun: &mut Begun) -> Result<()> {
        let Begun { id, tables, is_awaited } = begun;
        let mut undone = Ok(());
        let mut left = Vec::new();
        for (location, base) in tables.drain(..) {
            if let Err(error) = undo(&self.tables, &location, base, *id, *is_awaited).await {
                tracing::error!(?error, commit = %id, "a commit could not be taken back yet");
                undone = Err(error);
                left.push((location, base));
            }
        }
        *tables = left;
        undone?;
        self.metastore.forget_commit(*id).await
    }

    /// Takes back what a crash has cut off between the tables' logs and the metastore. To be called before
    /// the first statement.
    pub async fn recover(&self) -> Result<()> {
        let mut cut_off: HashMap<Uuid, Begun> = HashMap::new();
        let snapshot = self.metastore.snapshot();
        for OpenCommit { id, location, base } in self.metastore.open_commits().await? {
            let new = || Begun { id, tables: Vec::new(), is_awaited: true };
            let begun = cut_off.entry(id).or_insert_with(new);
            let mut known = snapshot.relations().filter_map(|relation| relation.as_table());
            let known = known.find(|table| table.location == location);
            let location = known.map_or_else(|| Location::parse(&location), location_of_table)?;
            begun.tables.push((location, base));
        }
        for begun in cut_off.values_mut() {
            tracing::info!(commit = %begun.id, "a commit that did not end is taken back");
            self.take_back(begun).await?;
        }
        Ok(())
    }
}

fn rolled_back() -> Error {
    Error::new(ErrorKind::IoError, "the storage does not tell whether it has made a commit")
        .with_detail("The transaction was rolled back.")
        .with_hint("Run it again.")
}

fn completion_unknown() -> Error {
    Error::new(
        ErrorKind::StatementCompletionUnknown,
        "it is not known whether the transaction was committed",
    )
    .with_hint("Look at the tables before running it again.")
}
