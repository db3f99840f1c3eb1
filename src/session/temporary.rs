//! A session's temporary objects: when their schema is made, what ON COMMIT asks for, and CREATE TABLE AS EXECUTE,
//! which takes its query from the session's prepared statements. It makes no table itself.

use std::sync::Arc;

use crate::base::value::Parameter;
use crate::base::{Error, ErrorKind, Result};
use crate::engine::{Request, Work};
use crate::sql::statement::CreateTable;
use crate::sql::{Statement, TEMPORARY_SCHEMA};

use super::Session;

impl Session {
    /// Makes the schema for temporary objects, if the statement may put one into it.
    pub(super) fn make_room_for_temporary(&self, statement: &Statement) -> Result<()> {
        let is_first_on_path = || {
            let path = self.settings.search_path();
            path.first().is_some_and(|schema| schema == TEMPORARY_SCHEMA)
        };
        if !statement.makes_temporary() && !is_first_on_path() {
            return Ok(());
        }
        let snapshot = self.transaction.work().snapshot(self.shared.engine.metastore())?;
        if let Some(catalog) = snapshot.catalog(&self.catalog) {
            let name = || format!("{TEMPORARY_SCHEMA}_{}", self.login.backend_pid);
            self.temporary.open(catalog, name, self.login.principal);
        }
        Ok(())
    }

    /// Makes the work of a new transaction.
    pub(super) fn new_work(&self) -> impl FnOnce() -> Arc<Work> + use<> {
        let (engine, temporary) = (Arc::clone(&self.shared.engine), Arc::clone(&self.temporary));
        move || engine.begin(&temporary)
    }

    /// What ON COMMIT asks for: with the transaction that ends, or after a statement on its own.
    pub(super) async fn end_temporary(&mut self) -> Result<()> {
        if !self.temporary.ends_with_transactions() {
            return Ok(());
        }
        let request = self.request_of_its_own()?;
        let engine = Arc::clone(&self.shared.engine);
        engine.end_of_transaction(&request).await
    }

    /// DISCARD TEMP.
    pub(super) async fn discard_temporary(&mut self) -> Result<()> {
        let request = self.request_of_its_own()?;
        let engine = Arc::clone(&self.shared.engine);
        engine.discard_temporary(&request).await
    }

    fn request_of_its_own(&mut self) -> Result<Request> {
        self.request(&Arc::from(""), Vec::new(), Vec::new())
    }

    /// Puts the prepared query in the place of EXECUTE; the values of its parameters.
    pub(super) fn fill_in(
        &mut self,
        create: &mut CreateTable,
        text: &Arc<str>,
    ) -> Result<Vec<Parameter>> {
        let Some(execute) = create.execute.take() else { return Ok(Vec::new()) };
        let prepared = self.prepared.get(&execute.name)?;
        let values = self.argument_values(&execute, &prepared, text)?;
        let Some(Statement::Query(query)) = &prepared.statement else {
            let message = "prepared statement is not a SELECT";
            return Err(Error::new(ErrorKind::WrongObjectType, message));
        };
        create.query = Some(query.clone());
        Ok(values)
    }
}
