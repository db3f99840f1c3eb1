//! DECLARE, FETCH, MOVE and CLOSE, and the running of portals: everything that makes or reads a cursor.

use std::sync::Arc;

use tokio::sync::Mutex;

use crate::base::{Error, ErrorKind, Result};
use crate::engine::{Completion, Outcome, OutputColumn};
use crate::sql::Statement;
use crate::sql::statement::{DeclareCursor, Fetch, Motion};

use super::cursor::{Course, Cursor, SharedCursor};
use super::portal::{Portal, PortalState, unknown_cursor, unknown_portal};
use super::prepared::Prepared;
use super::{Execution, Rows, Session};

impl Session {
    /// DECLARE. The query begins at once, and waits until somebody fetches.
    pub(super) async fn declare_cursor(
        &mut self,
        declare: DeclareCursor,
        text: &Arc<str>,
        parameters: Vec<crate::base::value::Parameter>,
    ) -> Result<&'static str> {
        let DeclareCursor { name, options, query } = declare;
        let in_transaction = self.transaction.in_block() || self.transaction.is_implicit();
        if !in_transaction && !options.hold {
            return Err(Error::new(
                ErrorKind::NoActiveSqlTransaction,
                "DECLARE CURSOR can only be used in transaction blocks",
            ));
        }
        self.portals.check_free(&name, self.shared.prepared_statements_max)?;
        let formats = if options.binary { vec![1] } else { Vec::new() };
        let request = self.request(text, parameters, formats.clone())?;
        let engine = Arc::clone(&self.shared.engine);
        let statement = Statement::Query(query);
        let Outcome::Rows { rows, tag } = engine.run(statement.clone(), &request).await? else {
            return Err(Error::internal("the query of a cursor gave no rows"));
        };
        let columns = Arc::clone(rows.columns());
        let kept = options.scroll.then(|| engine.keep_rows());
        let mut cursor = Cursor::new(rows, kept);
        let level = match in_transaction {
            true => {
                cursor.rest();
                Some(self.transaction.savepoints())
            }
            false => {
                cursor.hold(|| engine.keep_rows()).await?;
                None
            }
        };
        let prepared = Prepared {
            statement: Some(statement),
            text: Arc::clone(text),
            parameters: Vec::new(),
            columns: Some(Arc::clone(&columns)),
            from_sql: true,
        };
        let cursor = Arc::new(Mutex::new(cursor));
        let portal = Portal {
            prepared: Arc::new(prepared),
            parameters: Vec::new(),
            formats: Vec::new(),
            state: PortalState::Rows { cursor, columns, tag, course: Course::ALL },
            options,
            level,
        };
        self.portals.insert(&name, portal);
        Ok("DECLARE CURSOR")
    }

    /// FETCH and MOVE.
    pub(super) async fn fetch(&mut self, fetch: Fetch) -> Result<Execution> {
        let Fetch { cursor: name, motion, is_move } = fetch;
        let portal = self.portals.get(&name).ok_or_else(|| unknown_cursor(&name))?;
        let is_binary = portal.options.binary;
        let Some((cursor, columns)) = self.open_portal(&name).await? else {
            let kind = ErrorKind::ObjectNotInPrerequisiteState;
            return Err(Error::new(kind, format!("portal \"{name}\" cannot be run")));
        };
        if is_move {
            let passed = pass(&cursor, &columns, motion).await?;
            return Ok(Execution::Done(Completion::new(format!("MOVE {passed}"))));
        }
        let course = cursor.lock().await.go(motion).await?;
        let rows = Rows::reading(cursor, columns, "FETCH", course);
        Ok(Execution::Rows(rows.with_binary(is_binary)))
    }

    /// CLOSE of one, or of all.
    pub(super) fn close_cursor(&mut self, name: Option<&str>) -> Result<&'static str> {
        match name {
            None => {
                self.portals.clear();
                Ok("CLOSE CURSOR ALL")
            }
            Some(name) if self.portals.remove(name) => Ok("CLOSE CURSOR"),
            Some(name) => Err(unknown_cursor(name)),
        }
    }

    /// The columns that a FETCH gives; `None` while there is no such cursor, or for a MOVE.
    pub(super) fn fetch_columns(&self, fetch: &Fetch) -> Option<Arc<[OutputColumn]>> {
        let portal = self.portals.get(&fetch.cursor).filter(|_| !fetch.is_move)?;
        match &portal.state {
            PortalState::Rows { columns, .. } => Some(Arc::clone(columns)),
            PortalState::Ready | PortalState::Done => portal.prepared.columns.clone(),
        }
    }

    /// The rows of a portal that has begun, at most `most` of them; `None` when it gives none.
    pub fn portal_rows(&self, name: &str, most: Option<u64>) -> Result<Option<Rows>> {
        let portal = self.portals.get(name).ok_or_else(|| unknown_portal(name))?;
        let PortalState::Rows { cursor, columns, tag, course } = &portal.state else {
            return Ok(None);
        };
        let wanted = match (course.rows, most) {
            (Some(left), Some(most)) => Some(left.min(most)),
            (left, most) => left.or(most),
        };
        let course = Course { rows: wanted, ..*course };
        Ok(Some(Rows::reading(Arc::clone(cursor), Arc::clone(columns), tag, course)))
    }

    /// Tells how many rows of a portal were taken: a FETCH wants so many less.
    pub fn portal_taken(&mut self, name: &str, rows: u64) {
        if let Some(Portal { state: PortalState::Rows { course, .. }, .. }) =
            self.portals.get_mut(name)
        {
            course.rows = course.rows.map(|left| left.saturating_sub(rows));
        }
    }

    /// A portal's cursor; its query begins now if it has not. `None` for a statement without rows.
    async fn open_portal(
        &mut self,
        name: &str,
    ) -> Result<Option<(SharedCursor, Arc<[OutputColumn]>)>> {
        let portal = self.portals.get(name).ok_or_else(|| unknown_cursor(name))?;
        if let (PortalState::Ready, Some(Statement::Query(query))) =
            (&portal.state, &portal.prepared.statement)
        {
            let statement = Statement::Query(query.clone());
            let text = Arc::clone(&portal.prepared.text);
            let (parameters, formats) = (portal.parameters.clone(), portal.formats.clone());
            let execution = Box::pin(self.execute(statement, &text, parameters, formats)).await?;
            self.portal_began(name, execution)?;
        }
        Ok(match self.portals.get(name).map(|portal| &portal.state) {
            Some(PortalState::Rows { cursor, columns, .. }) => {
                Some((Arc::clone(cursor), Arc::clone(columns)))
            }
            Some(PortalState::Ready | PortalState::Done) | None => None,
        })
    }

    /// What came of a portal's statement: its rows stay with it, anything else is given back.
    pub(super) fn portal_began(
        &mut self,
        name: &str,
        execution: Execution,
    ) -> Result<Option<Execution>> {
        let portal = self.portals.get_mut(name);
        let Execution::Rows(rows) = execution else {
            // COMMIT and ROLLBACK end every portal, the one that runs them too.
            if let Some(portal) = portal {
                portal.state = PortalState::Done;
            }
            return Ok(Some(execution));
        };
        let portal = portal.ok_or_else(|| unknown_portal(name))?;
        let described = portal.prepared.columns.as_ref();
        if described.is_some_and(|columns| !super::extended::same_shape(columns, rows.columns())) {
            return Err(Error::new(
                ErrorKind::FeatureNotSupported,
                "cached plan must not change result type",
            ));
        }
        let columns = Arc::clone(rows.columns());
        let (tag, course) = (rows.tag_word(), rows.course());
        portal.state = PortalState::Rows { cursor: rows.into_cursor(), columns, tag, course };
        Ok(None)
    }

    /// Reads what cursors WITH HOLD have left, which their transaction's commit must not cut off, and sees that
    /// its notifications can be sent. To be called before a commit; called again it has nothing to do.
    pub async fn prepare_commit(&mut self) -> Result<()> {
        self.listening.check_room(self.shared.registry.channels())?;
        let engine = Arc::clone(&self.shared.engine);
        for cursor in self.portals.to_hold() {
            cursor.lock().await.hold(|| engine.keep_rows()).await?;
        }
        Ok(())
    }
}

/// MOVE: how many rows were passed.
async fn pass(cursor: &SharedCursor, columns: &Arc<[OutputColumn]>, motion: Motion) -> Result<u64> {
    if let Motion::Forward(Some(0)) | Motion::Backward(Some(0)) | Motion::Relative(0) = motion {
        return Ok(u64::from(cursor.lock().await.is_on_row()));
    }
    if motion == Motion::Backward(None) {
        let mut cursor = cursor.lock().await;
        let passed = cursor.rows_before();
        cursor.rewind()?;
        return Ok(passed);
    }
    let course = cursor.lock().await.go(motion).await?;
    let mut rows = Rows::reading(Arc::clone(cursor), Arc::clone(columns), "MOVE", course);
    while rows.ready().await? {
        rows.take();
    }
    Ok(rows.taken())
}
