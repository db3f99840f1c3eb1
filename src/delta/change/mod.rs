//! Changes of Delta tables, by location: rows and metadata, each change one commit. It knows no names and
//! no users, and never decides what may be changed.
//!
//! A change of rows is a DataFusion plan whose rows say what becomes of them (`rows`). The sink checks
//! the table's rules and writes data files; the commit puts them into the log. deltalake's own
//! operations are not used: they take simple expressions only, and their conflict checker lets
//! conflicting changes pass.
//!
//! A change that is dropped before its commit leaves the table as it was: every task that it started
//! ends with it, and data files that it has written are in no version. VACUUM removes them.

mod alter;
mod alter_columns;
mod alter_rows;
mod append;
mod clone;
mod commit;
mod compaction;
mod conflict;
mod convert;
mod create;
mod error;
mod identity;
mod load;
mod merge;
mod net;
mod net_feed;
mod optimize;
mod owed;
mod protocol;
mod provenance;
mod restore;
mod returned;
mod rewrite;
mod rows;
mod rules;
mod shape;
mod sink;
mod subquery;
mod target;
mod touched;
mod transaction;
mod vacuum;
mod vector;
mod widening;
mod zorder;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use datafusion::execution::context::SessionState;

use super::Tables;

pub use super::check::CHECK_PREFIX;
#[cfg(test)]
pub use alter::add_columns;
pub use alter::{Alteration, NewColumn, Place, Upgrade, alter};
pub use append::{append, overwrite, replace_where, truncate};
pub use clone::{CloneSource, clone_table};
pub use commit::checkpoints_written;
pub use compaction::Optimization;
pub use conflict::Isolation;
pub use convert::{ConvertedFile, convert};
pub use create::{NewIdentity, NewTable, create, create_as, replace};
pub use identity::{Identity, numbered, only_default, without_last_number};
pub use load::{Loading, load};
pub use merge::{MergeAction, MergeClause, MergeKind, MergePlan, merge};
pub use net::NetChange;
pub use net_feed::record_net_feeds;
pub use optimize::{Optimized, optimize};
pub use restore::restore;
pub use returned::{Returned, cast_rows};
pub use rewrite::{RowPredicate, delete, update};
pub use rules::column_default;
pub use transaction::{check_unchanged, commit_net, discard_staged, next_version, published, undo};
pub use vacuum::{Vacuum, clean_log, vacuum};
pub use widening::ENABLE_TYPE_WIDENING;

/// What changes run with: the engine's planner state, so that memory bounds, spill and object stores are
/// the engine's.
#[derive(Clone)]
pub struct ChangeContext {
    pub state: Arc<SessionState>,
    pub tables: Arc<Tables>,
    pub committer: Committer,
    /// The version that the statement was planned on, when its plan reads the changed table elsewhere
    /// too. Another newest version is then 40001, and the statement is to be planned anew.
    pub planned_version: Option<u64>,
    /// What is promised of what the statement reads.
    pub isolation: Isolation,
    /// Where the changed rows are kept, if the statement gives them back.
    pub returned: Option<Arc<Returned>>,
}

/// What the log keeps of who made a commit.
#[derive(Debug, Clone, Default)]
pub struct Committer {
    pub user_name: Option<String>,
    /// The statement's id in the audit log.
    pub statement_id: Option<String>,
}

/// What a change did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Changed {
    pub inserted: u64,
    pub updated: u64,
    pub deleted: u64,
    /// The table's version with the change: the one before it if there was nothing to change.
    pub version: u64,
}

impl Changed {
    /// The number of rows in the command tag.
    pub fn rows(&self) -> u64 {
        self.inserted + self.updated + self.deleted
    }
}
