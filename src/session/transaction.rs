//! The transaction's state, every transition in one place. It runs no statement.

use std::sync::Arc;

use chrono::Utc;

use crate::engine::Pins;

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
#[derive(Debug, Default)]
pub struct Transaction {
    block: Option<Block>,
    /// The statements of one message run as one transaction.
    implicit: Option<Implicit>,
}

#[derive(Debug)]
struct Block {
    started_at: i64,
    pins: Arc<Pins>,
    failed: bool,
    read_only: bool,
}

#[derive(Debug)]
struct Implicit {
    started_at: i64,
    pins: Arc<Pins>,
}

impl Transaction {
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

    /// Whether several statements of one message run as one transaction.
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

    /// The table versions that the transaction reads; fresh ones for a statement on its own.
    pub fn pins(&self) -> Arc<Pins> {
        let block = self.block.as_ref().map(|block| &block.pins);
        let pins = block.or_else(|| self.implicit.as_ref().map(|implicit| &implicit.pins));
        pins.map(Arc::clone).unwrap_or_default()
    }

    /// BEGIN. What an implicit transaction has read already, the block goes on reading.
    pub fn begin(&mut self, read_only: bool) {
        let pins = self.pins();
        let started_at = self.started_at().unwrap_or_else(|| Utc::now().timestamp_micros());
        self.block = Some(Block { started_at, pins, failed: false, read_only });
    }

    pub fn set_read_only(&mut self, read_only: bool) {
        if let Some(block) = &mut self.block {
            block.read_only = read_only;
        }
    }

    /// COMMIT or ROLLBACK.
    pub fn end(&mut self) {
        self.block = None;
        if let Some(implicit) = &mut self.implicit {
            // What follows in the same message is a new transaction.
            *implicit = Implicit::new();
        }
    }

    /// An error in a block ends all but the block itself.
    pub fn fail(&mut self) {
        if let Some(block) = &mut self.block {
            block.failed = true;
        }
    }

    /// The first of several statements in one message.
    pub fn begin_implicit(&mut self) {
        self.implicit.get_or_insert_with(Implicit::new);
    }

    pub fn end_implicit(&mut self) {
        self.implicit = None;
    }
}

impl Implicit {
    fn new() -> Self {
        Implicit { started_at: Utc::now().timestamp_micros(), pins: Arc::default() }
    }
}
