//! One statement of either protocol: what the transaction lets through, who runs it, and what becomes of the
//! transaction after it.

use std::sync::Arc;

use crate::base::value::Parameter;
use crate::base::{Error, ErrorKind, Result};
use crate::engine::Outcome;
use crate::sql::Statement;
use crate::sql::statement::SessionStatement;

use super::{Execution, Rows, Session, TransactionStatus};

/// PostgreSQL's SQLSTATE of a warning.
const WARNING: &str = "01000";

impl Session {
    /// Starts a statement; `formats` are the result formats of Bind. Its rows are read by whoever gets the [`Execution`]; dropping it stops them.
    pub async fn execute(
        &mut self,
        statement: Statement,
        text: &Arc<str>,
        parameters: Vec<Parameter>,
        formats: Vec<i16>,
    ) -> Result<Execution> {
        self.check_transaction(&statement)?;
        let statement = match statement {
            Statement::CreateTable(mut create) if create.execute.is_some() => {
                let parameters = self.fill_in(&mut create, text)?;
                let statement = Statement::CreateTable(create);
                return Box::pin(self.execute(statement, text, parameters, formats)).await;
            }
            Statement::Session(SessionStatement::Execute(execute)) => {
                return self.execute_prepared(execute, text, formats).await;
            }
            Statement::Session(session) => return self.command(session, text, parameters).await,
            Statement::SetConstraints(set) => {
                self.in_block("SET CONSTRAINTS");
                Statement::SetConstraints(set)
            }
            statement => statement,
        };
        self.make_room_for_temporary(&statement)?;
        let request = self.request(text, parameters, formats)?;
        let engine = Arc::clone(&self.shared.engine);
        let outcome = engine.run(statement, &request).await?;
        let execution = match outcome {
            Outcome::Rows { rows, tag } => Execution::Rows(Rows::new(rows, tag)),
            Outcome::Done(completion) => {
                completion.notices.iter().for_each(|notice| self.notice(notice.clone()));
                for warning in &completion.warnings {
                    self.warning(WARNING, warning.clone());
                }
                Execution::Done(completion)
            }
            Outcome::CopyOut { rows, options } => Execution::CopyOut { rows, options },
            Outcome::CopyIn(target) => Execution::CopyIn(target),
        };
        self.running = Some(request);
        Ok(execution)
    }

    /// To be called when a statement and all its rows are done, before the client is told so. The last
    /// statement of a text commits what all of them have changed.
    pub async fn statement_succeeded(&mut self) -> Result<()> {
        if let Some(request) = self.running.take() {
            self.take_assignments(&request)?;
        }
        if self.is_last && self.transaction.is_implicit() {
            return self.commit_implicit().await;
        }
        if !self.transaction.in_block() && !self.transaction.is_implicit() {
            self.listening.check_room(self.shared.registry.channels())?;
            self.end_temporary().await?;
            self.transaction_over(true);
        }
        Ok(())
    }

    /// To be called when a statement, or the sending of its rows, has failed.
    pub fn statement_failed(&mut self) {
        self.running = None;
        self.transaction.fail();
        if self.transaction.status() == TransactionStatus::Failed {
            self.portals.roll_back_to(self.transaction.savepoints());
        }
        if !self.transaction.in_block() && !self.transaction.is_implicit() {
            self.transaction_over(false);
        }
    }

    /// Gives back the transaction's advisory locks, and does what it has asked for of channels, or forgets it.
    pub(super) fn transaction_over(&mut self, committed: bool) {
        self.shared.engine.locks().rewind(self.login.backend_pid, 0);
        match committed {
            true => self.listening.commit(self.shared.registry.channels()),
            false => self.listening.rewind(0),
        }
    }

    /// Commits what several statements have done without a block, unless a block has taken it over.
    async fn commit_implicit(&mut self) -> Result<()> {
        if !self.transaction.in_block() {
            self.prepare_commit().await?;
            self.end_temporary().await?;
        }
        let Some(work) = self.transaction.end_implicit() else { return Ok(()) };
        self.portals.before_commit();
        self.settings.commit_transaction();
        self.shared.engine.commit(work).await?;
        self.portals.committed();
        self.transaction_over(true);
        Ok(())
    }

    /// The statements of one simple query are one transaction.
    pub fn begin_script(&mut self, statements: usize) {
        if statements > 1 {
            self.begin_implicit();
        }
    }

    /// To be told before each statement of a text: whether it is the last one.
    pub fn at_place(&mut self, is_last: bool) {
        self.is_last = is_last;
    }

    /// What the extended protocol's messages change up to a Sync is one transaction.
    pub(super) fn begin_pipeline(&mut self) {
        self.is_last = false;
        self.begin_implicit();
    }

    fn begin_implicit(&mut self) {
        let is_new = !self.transaction.is_implicit() && !self.transaction.in_block();
        if is_new {
            self.settings.begin_transaction();
        }
        let new_work = self.new_work();
        self.transaction.begin_implicit(new_work);
        if is_new {
            self.promise_by_default();
        }
    }

    /// The end of a simple query's text, or the Sync of the extended protocol: commits what is not committed
    /// yet, or undoes it.
    pub async fn end_script(&mut self, succeeded: bool) -> Result<()> {
        self.is_last = true;
        if self.transaction.in_block() {
            self.transaction.end_implicit();
            return Ok(());
        }
        let committed = match succeeded {
            true => self.commit_implicit().await,
            false => Ok(()),
        };
        self.portals.end_transaction();
        self.transaction_over(false);
        let Some(work) = self.transaction.end_implicit() else { return committed };
        self.settings.roll_back_transaction();
        self.style = self.settings.text_style();
        self.shared.engine.roll_back(&work).await;
        committed
    }

    /// The client has gone: what is not committed never will be.
    pub async fn end(&mut self) {
        self.portals.clear();
        self.running = None;
        self.transaction_over(false);
        self.listening.leave(self.shared.registry.channels());
        self.shared.engine.locks().unlock_all(self.login.backend_pid);
        let work = self.transaction.work();
        self.shared.engine.roll_back(&work).await;
        self.shared.engine.end_temporary(&self.temporary).await;
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
        Ok(())
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
        Statement::Session(
            SessionStatement::Commit { .. }
                | SessionStatement::Rollback { .. }
                | SessionStatement::RollbackTo(_)
        )
    )
}
