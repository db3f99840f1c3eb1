//! The transaction's state, every transition in one place. It runs no statement and commits nothing.

use std::sync::Arc;

use chrono::Utc;

use crate::base::{Error, ErrorKind, Result};
use crate::engine::{Mark, Temporary, Work};

use super::settings::SettingsMark;

/// What ReadyForQuery tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransactionStatus {
    /// Outside of a transaction block.
    Idle,
    /// In a transaction block.
    Active,
    /// In a transaction block that an error has ended, until ROLLBACK.
    Failed,
}

/// A session's transaction.
#[derive(Debug)]
pub struct Transaction {
    temporary: Arc<Temporary>,
    block: Option<Block>,
    /// The statements of one message, or up to a Sync, run as one transaction.
    implicit: Option<Implicit>,
}

#[derive(Debug)]
struct Block {
    started_at: i64,
    work: Arc<Work>,
    failed: bool,
    read_only: bool,
    /// The oldest first; a name may come twice, and means the newest then.
    savepoints: Vec<Savepoint>,
}

/// A point in a block to go back to.
#[derive(Debug, Clone)]
pub struct Savepoint {
    pub name: String,
    pub work: Mark,
    pub settings: SettingsMark,
    /// How many channel actions and advisory locks the transaction had.
    pub actions: usize,
    pub locks: usize,
}

#[derive(Debug)]
struct Implicit {
    started_at: i64,
    work: Arc<Work>,
}

impl Transaction {
    /// No transaction, in a session with these temporary objects.
    pub fn new(temporary: &Arc<Temporary>) -> Self {
        Transaction { temporary: Arc::clone(temporary), block: None, implicit: None }
    }

    pub fn status(&self) -> TransactionStatus {
        match &self.block {
            None => TransactionStatus::Idle,
            Some(Block { failed: true, .. }) => TransactionStatus::Failed,
            Some(_) => TransactionStatus::Active,
        }
    }

    /// Whether BEGIN has opened a block.
    pub fn in_block(&self) -> bool {
        self.block.is_some()
    }

    /// Whether several statements run as one transaction without a block.
    pub fn is_implicit(&self) -> bool {
        self.implicit.is_some()
    }

    pub fn is_read_only(&self) -> bool {
        self.block.as_ref().is_some_and(|block| block.read_only)
    }

    /// When the transaction began: microseconds since 1970-01-01 UTC.
    pub fn started_at(&self) -> Option<i64> {
        let block = self.block.as_ref().map(|block| block.started_at);
        block.or_else(|| self.implicit.as_ref().map(|implicit| implicit.started_at))
    }

    /// What the transaction reads and has changed; new work for a statement on its own.
    pub fn work(&self) -> Arc<Work> {
        let block = self.block.as_ref().map(|block| &block.work);
        let work = block.or_else(|| self.implicit.as_ref().map(|implicit| &implicit.work));
        work.map(Arc::clone).unwrap_or_else(|| Arc::new(Work::alone(&self.temporary)))
    }

    /// BEGIN, with new work. What an implicit transaction has done already belongs to the block.
    pub fn begin(&mut self, read_only: bool, new: impl FnOnce() -> Arc<Work>) {
        let work = match &self.implicit {
            Some(implicit) => Arc::clone(&implicit.work),
            None => new(),
        };
        let started_at = self.started_at().unwrap_or_else(|| Utc::now().timestamp_micros());
        let savepoints = Vec::new();
        self.block = Some(Block { started_at, work, failed: false, read_only, savepoints });
    }

    pub fn set_read_only(&mut self, read_only: bool) {
        if let Some(block) = &mut self.block {
            block.read_only = read_only;
        }
    }

    /// COMMIT or ROLLBACK. What follows in the same message is a new transaction, with new work.
    pub fn end(&mut self, new: impl FnOnce() -> Arc<Work>) {
        self.block = None;
        if let Some(implicit) = &mut self.implicit {
            *implicit = Implicit::new(new());
        }
    }

    /// An error in a block ends all but the block itself.
    pub fn fail(&mut self) {
        if let Some(block) = &mut self.block {
            block.failed = true;
        }
    }

    /// The first of several statements that are one transaction.
    pub fn begin_implicit(&mut self, new: impl FnOnce() -> Arc<Work>) {
        self.implicit.get_or_insert_with(|| Implicit::new(new()));
    }

    /// The work of the implicit transaction, which ends, unless a block has taken it.
    pub fn end_implicit(&mut self) -> Option<Arc<Work>> {
        let work = self.implicit.take()?.work;
        self.block.is_none().then_some(work)
    }

    /// How many savepoints stand.
    pub fn savepoints(&self) -> usize {
        self.block.as_ref().map_or(0, |block| block.savepoints.len())
    }

    /// SAVEPOINT. 25P01 outside of a block.
    pub fn save(&mut self, savepoint: Savepoint) -> Result<()> {
        self.open_block("SAVEPOINT")?.savepoints.push(savepoint);
        Ok(())
    }

    /// RELEASE SAVEPOINT: forgets it and those after it. 3B001 when there is none of the name.
    pub fn release(&mut self, name: &str) -> Result<()> {
        let block = self.open_block("RELEASE SAVEPOINT")?;
        let at = position(&block.savepoints, name)?;
        block.savepoints.truncate(at);
        Ok(())
    }

    /// ROLLBACK TO SAVEPOINT: the point to go back to. The block is well again; later savepoints are gone.
    pub fn back_to(&mut self, name: &str) -> Result<Savepoint> {
        let block = self.open_block("ROLLBACK TO SAVEPOINT")?;
        let at = position(&block.savepoints, name)?;
        block.savepoints.truncate(at + 1);
        let found = block.savepoints.last().cloned();
        block.failed = false;
        found.ok_or_else(|| Error::internal("a savepoint was lost"))
    }

    fn open_block(&mut self, statement: &str) -> Result<&mut Block> {
        self.block.as_mut().ok_or_else(|| {
            Error::new(
                ErrorKind::NoActiveSqlTransaction,
                format!("{statement} can only be used in transaction blocks"),
            )
        })
    }
}

fn position(savepoints: &[Savepoint], name: &str) -> Result<usize> {
    savepoints.iter().rposition(|savepoint| savepoint.name == name).ok_or_else(|| {
        let message = format!("savepoint \"{name}\" does not exist");
        Error::new(ErrorKind::InvalidSavepointSpecification, message)
    })
}

impl Implicit {
    fn new(work: Arc<Work>) -> Self {
        Implicit { started_at: Utc::now().timestamp_micros(), work }
    }
}
