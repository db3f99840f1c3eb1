//! The extended protocol's verbs: parse, bind, describe, execute, close. It decodes and encodes nothing.

use std::sync::Arc;

use datafusion::common::ScalarValue;

use crate::base::datatype::PgType;
use crate::base::value::Parameter;
use crate::base::{Error, ErrorKind, Oid, Result};
use crate::engine::{Engine, OutputColumn, Request};
use crate::sql::Statement;
use crate::sql::statement::{CursorOptions, SessionStatement};

use super::portal::{Portal, PortalState, unknown_portal};
use super::prepared::Prepared;
use super::{Execution, Session, TransactionStatus};

/// The columns of a result; `None` for a statement without one.
pub type Columns = Option<Arc<[OutputColumn]>>;

/// The result of one Execute.
pub enum Step {
    /// Rows to send, from the portal of this name.
    Rows,
    /// Something without rows.
    Execution(Execution),
    /// An empty statement.
    Empty,
    /// All was sent before.
    Exhausted(String),
}

impl Session {
    /// Parse: a text of at most one statement, under a name.
    pub async fn parse(&mut self, name: &str, text: &str, types: &[Oid]) -> Result<()> {
        if name.is_empty() {
            self.prepared.remove("");
        }
        self.prepared.check_free(name)?;
        let mut statements = self.parse_text(text)?;
        if statements.len() > 1 {
            return Err(Error::new(
                ErrorKind::SyntaxError,
                "cannot insert multiple commands into a prepared statement",
            ));
        }
        let text: Arc<str> = text.into();
        let declared = declared_types(types)?;
        let Some(parsed) = statements.pop() else {
            let parameters = known_types(&declared);
            let prepared =
                Prepared { statement: None, text, parameters, columns: None, from_sql: false };
            return self.prepared.insert(name, prepared);
        };
        self.check_aborted(&parsed.statement)?;
        self.make_room_for_temporary(&parsed.statement)?;
        let request = self.request(&text, Vec::new(), Vec::new())?;
        let engine = Arc::clone(&self.shared.engine);
        let (parameters, columns) =
            describe(&engine, &parsed.statement, &declared, &request).await?;
        let prepared = Prepared {
            statement: Some(parsed.statement),
            text,
            parameters,
            columns,
            from_sql: false,
        };
        self.prepared.insert(name, prepared)
    }

    /// The parameter types and result columns of a prepared statement.
    pub fn describe_statement(&self, name: &str) -> Result<(Vec<PgType>, Columns)> {
        let prepared = self.prepared.get(name)?;
        if let Some(statement) = &prepared.statement {
            self.check_aborted(statement)?;
        }
        Ok((prepared.parameters.clone(), self.columns_of(&prepared)?))
    }

    /// The types that Bind's values are to be decoded as.
    pub fn parameter_types(&self, statement: &str) -> Result<Vec<PgType>> {
        Ok(self.prepared.get(statement)?.parameters.clone())
    }

    /// Bind: a statement with its values, as a portal.
    pub fn bind(
        &mut self,
        portal: &str,
        statement: &str,
        values: Vec<ScalarValue>,
        formats: Vec<i16>,
    ) -> Result<()> {
        let prepared = self.prepared.get(statement)?;
        let values = values.into_iter().zip(&prepared.parameters);
        let parameters = values.map(|(value, &pg_type)| Parameter { value, pg_type }).collect();
        if let Some(statement) = &prepared.statement {
            self.check_aborted(statement)?;
        }
        let max = self.shared.prepared_statements_max;
        self.portals.check_free(portal, max)?;
        let bound = Portal {
            prepared,
            parameters,
            formats,
            state: PortalState::Ready,
            options: CursorOptions::default(),
            level: Some(self.transaction.savepoints()),
        };
        self.portals.insert(portal, bound);
        Ok(())
    }

    /// The result columns and formats of a portal.
    pub fn describe_portal(&self, name: &str) -> Result<(Columns, Vec<i16>)> {
        let portal = self.portals.get(name).ok_or_else(|| unknown_portal(name))?;
        let columns = match &portal.state {
            PortalState::Rows { columns, .. } => Some(Arc::clone(columns)),
            PortalState::Ready | PortalState::Done => self.columns_of(&portal.prepared)?,
        };
        Ok((columns, portal.formats.clone()))
    }

    /// The result formats of a portal, as the client gave them.
    pub fn portal_formats(&self, name: &str) -> Result<Vec<i16>> {
        let portal = self.portals.get(name).ok_or_else(|| unknown_portal(name))?;
        Ok(portal.formats.clone())
    }

    /// Execute: starts the portal, or goes on with it. `alone` says that a Sync follows: a change is committed
    /// by itself then, otherwise with all others up to the Sync.
    pub async fn step(&mut self, name: &str, alone: bool) -> Result<Step> {
        let portal = self.portals.get(name).ok_or_else(|| unknown_portal(name))?;
        let (statement, text) = match &portal.state {
            PortalState::Rows { .. } => {
                self.check_not_failed()?;
                return Ok(Step::Rows);
            }
            PortalState::Done => return Ok(Step::Exhausted(exhausted_tag(&portal.prepared))),
            PortalState::Ready => match portal.prepared.statement.clone() {
                Some(statement) => (statement, Arc::clone(&portal.prepared.text)),
                None => return Ok(Step::Empty),
            },
        };
        let parameters = portal.parameters.clone();
        let formats = portal.formats.clone();
        if !alone && statement.changing().is_some() {
            self.begin_pipeline();
        }
        let execution = self.execute(statement, &text, parameters, formats).await?;
        Ok(match self.portal_began(name, execution)? {
            Some(execution) => Step::Execution(execution),
            None => Step::Rows,
        })
    }

    /// Whether a portal would end a transaction block.
    pub fn is_commit(&self, name: &str) -> bool {
        let portal = self.portals.get(name);
        let statement = portal.and_then(|portal| portal.prepared.statement.as_ref());
        statement.is_some_and(Statement::is_commit)
    }

    /// Close of a statement: no error when there is none.
    pub fn close_statement(&mut self, name: &str) {
        self.prepared.remove(name);
    }

    /// Close of a portal: no error when there is none.
    pub fn close_portal(&mut self, name: &str) {
        self.portals.remove(name);
    }

    /// Result columns of SHOW and EXECUTE depend on the session, so they are not kept with the statement.
    fn columns_of(&self, prepared: &Prepared) -> Result<Columns> {
        match &prepared.statement {
            Some(Statement::Session(SessionStatement::ShowSetting(name))) => {
                self.setting_columns(name.as_deref()).map(Some)
            }
            Some(Statement::Session(SessionStatement::Execute(execute))) => {
                self.columns_of(self.prepared.get(&execute.name)?.as_ref())
            }
            Some(Statement::Session(SessionStatement::Fetch(fetch))) => {
                Ok(self.fetch_columns(fetch))
            }
            Some(_) | None => Ok(prepared.columns.clone()),
        }
    }

    fn check_aborted(&self, statement: &Statement) -> Result<()> {
        match statement {
            Statement::Session(
                SessionStatement::Commit { .. }
                | SessionStatement::Rollback { .. }
                | SessionStatement::RollbackTo(_),
            ) => Ok(()),
            _ => self.check_not_failed(),
        }
    }

    fn check_not_failed(&self) -> Result<()> {
        match self.transaction.status() {
            TransactionStatus::Failed => Err(super::statement::aborted()),
            TransactionStatus::Idle | TransactionStatus::Active => Ok(()),
        }
    }
}

/// The parameters and columns of a statement, from the engine where it is the engine's.
pub(super) async fn describe(
    engine: &Arc<Engine>,
    statement: &Statement,
    declared: &[Option<PgType>],
    request: &Request,
) -> Result<(Vec<PgType>, Columns)> {
    if let Statement::Session(SessionStatement::DeclareCursor(declare)) = statement {
        let query = Statement::Query(declare.query.clone());
        let description = engine.describe(query, declared, request).await?;
        return Ok((description.parameters, None));
    }
    if let Statement::Session(_) = statement {
        return Ok((known_types(declared), None));
    }
    let description = engine.describe(statement.clone(), declared, request).await?;
    Ok((description.parameters, description.columns))
}

/// The types that a client declared; 0 and `unknown` leave the type to be inferred.
pub(super) fn declared_types(types: &[Oid]) -> Result<Vec<Option<PgType>>> {
    const UNKNOWN: Oid = Oid(705);
    let declared = types.iter().map(|oid| match *oid {
        Oid::INVALID | UNKNOWN => Ok(None),
        oid => PgType::from_oid(oid).map(Some).ok_or_else(|| {
            Error::new(ErrorKind::UndefinedObject, format!("type with OID {oid} does not exist"))
        }),
    });
    declared.collect()
}

fn known_types(declared: &[Option<PgType>]) -> Vec<PgType> {
    use crate::base::datatype::BaseType;
    declared.iter().map(|known| known.unwrap_or(PgType::Scalar(BaseType::Text))).collect()
}

pub(super) fn same_shape(described: &[OutputColumn], running: &[OutputColumn]) -> bool {
    described.len() == running.len()
        && described.iter().zip(running).all(|(a, b)| a.pg_type == b.pg_type)
}

fn exhausted_tag(prepared: &Prepared) -> String {
    let tag = match (&prepared.columns, &prepared.statement) {
        (None, _) => "",
        (Some(_), Some(Statement::Insert(_))) => "INSERT 0 0",
        (Some(_), Some(Statement::Update(_))) => "UPDATE 0",
        (Some(_), Some(Statement::Delete(_))) => "DELETE 0",
        (Some(_), Some(Statement::Merge(_))) => "MERGE 0",
        (Some(_), _) => "SELECT 0",
    };
    tag.to_owned()
}
