//! One statement of either protocol: what the transaction lets through, who runs it, and what becomes of the
//! transaction after it.

use std::sync::Arc;

use datafusion::common::ScalarValue;

use crate::base::{Error, ErrorKind, Result};
use crate::engine::Outcome;
use crate::sql::Statement;
use crate::sql::statement::SessionStatement;

use super::{Execution, Rows, Session, TransactionStatus};

/// Where a statement of a simple query stands among the others of its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub first: bool,
    pub last: bool,
}

impl Session {
    /// Starts a statement; `formats` are the result formats of Bind. Its rows are read by whoever gets the [`Execution`]; dropping it stops them.
    pub async fn execute(
        &mut self,
        statement: Statement,
        text: &Arc<str>,
        parameters: Vec<ScalarValue>,
        formats: Vec<i16>,
    ) -> Result<Execution> {
        self.check_transaction(&statement)?;
        let statement = match statement {
            Statement::Session(SessionStatement::Execute(execute)) => {
                return self.execute_prepared(execute, text, formats).await;
            }
            Statement::Session(session) => return self.command(session, text).await,
            statement => statement,
        };
        let request = self.request(text, parameters, formats);
        let engine = Arc::clone(&self.shared.engine);
        let outcome = engine.run(statement, &request).await?;
        let execution = match outcome {
            Outcome::Rows { rows, tag } => Execution::Rows(Rows::new(rows, tag)),
            Outcome::Done(completion) => {
                completion.notices.iter().for_each(|notice| self.notice(notice.clone()));
                Execution::Done(completion)
            }
            Outcome::CopyOut { rows, options } => Execution::CopyOut { rows, options },
            Outcome::CopyIn(target) => Execution::CopyIn(target),
        };
        self.running = Some(request);
        Ok(execution)
    }

    /// To be called when a statement and all its rows are done.
    pub fn statement_succeeded(&mut self) -> Result<()> {
        match self.running.take() {
            Some(request) => self.take_assignments(&request),
            None => Ok(()),
        }
    }

    /// To be called when a statement, or the sending of its rows, has failed.
    pub fn statement_failed(&mut self) {
        self.running = None;
        self.transaction.fail();
        if self.transaction.status() == TransactionStatus::Failed {
            self.portals.clear();
        }
    }

    /// The statements of one simple query are one transaction.
    pub fn begin_script(&mut self, statements: usize) {
        if statements > 1 {
            self.transaction.begin_implicit();
            if !self.transaction.in_block() {
                self.settings.begin_transaction();
            }
        }
    }

    /// The end of a simple query's text, or the Sync of the extended protocol.
    pub fn end_script(&mut self, succeeded: bool) {
        let was_implicit = self.transaction.is_implicit();
        self.transaction.end_implicit();
        if !self.transaction.in_block() {
            self.portals.clear();
            if was_implicit && succeeded {
                self.settings.commit_transaction();
            } else if was_implicit {
                self.settings.roll_back_transaction();
                self.style = self.settings.text_style();
            }
        }
    }

    fn check_transaction(&self, statement: &Statement) -> Result<()> {
        if self.transaction.status() == TransactionStatus::Failed && !ends_transaction(statement) {
            return Err(aborted());
        }
        let Some(changing) = statement.changing() else { return Ok(()) };
        if self.transaction.is_read_only() || self.settings.is_on("default_transaction_read_only") {
            return Err(Error::new(
                ErrorKind::ReadOnlySqlTransaction,
                format!("cannot execute {changing} in a read-only transaction"),
            ));
        }
        if self.transaction.in_block() {
            return Err(Error::unsupported(format!("{changing} inside a transaction block"))
                .with_detail("A change is committed by itself; a rollback could not undo it.")
                .with_hint("COMMIT first, and run the statement on its own (autocommit)."));
        }
        if self.transaction.is_implicit() && !self.script_is_at_its_end {
            return Err(Error::unsupported(format!("{changing} before other statements of one query message"))
                .with_detail(
                    "The statements of one message are one transaction, and a change is committed by itself.",
                )
                .with_hint("Send the statements one at a time."));
        }
        Ok(())
    }

    /// To be told before each statement of a script: whether it is the last one. Only the last may change
    /// something, since nothing after it can fail.
    pub fn at_place(&mut self, place: Place) {
        self.script_is_at_its_end = place.last;
    }
}

/// 25P02
pub(super) fn aborted() -> Error {
    Error::new(
        ErrorKind::InFailedSqlTransaction,
        "current transaction is aborted, commands ignored until end of transaction block",
    )
}

fn ends_transaction(statement: &Statement) -> bool {
    matches!(
        statement,
        Statement::Session(SessionStatement::Commit { .. } | SessionStatement::Rollback { .. })
    )
}
