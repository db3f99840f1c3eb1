//! Prepared statements: parsed texts with their parameter types. None of them is planned before it runs.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::Utc;

use crate::base::datatype::PgType;
use crate::base::{Error, ErrorKind, Result};
use crate::engine::facts::{PreparedStatement, SessionObjects};
use crate::sql::Statement;

/// A statement ready to be bound.
#[derive(Debug)]
pub struct Prepared {
    /// `None` for an empty text.
    pub statement: Option<Statement>,
    /// The whole text, which error positions count in.
    pub text: Arc<str>,
    /// The type of every parameter.
    pub parameters: Vec<PgType>,
    /// What it gave when it was described: types that a client relies on.
    pub columns: Option<Arc<[crate::engine::OutputColumn]>>,
    /// By PREPARE, not by a message of the protocol.
    pub from_sql: bool,
}

impl Prepared {
    fn shown(&self) -> PreparedStatement {
        let columns = self.columns.as_ref();
        PreparedStatement {
            statement: Arc::clone(&self.text),
            prepare_time: Utc::now().timestamp_micros(),
            parameter_types: self.parameters.iter().map(|one| one.oid()).collect(),
            result_types: columns.map(|all| all.iter().map(|one| one.pg_type.oid()).collect()),
            from_sql: self.from_sql,
        }
    }
}

/// A session's prepared statements, by name; the empty name is the unnamed one.
#[derive(Debug)]
pub struct PreparedStatements {
    statements: HashMap<String, Arc<Prepared>>,
    /// What `pg_prepared_statements` shows of them: all but the unnamed one.
    shown: SessionObjects<PreparedStatement>,
    max: usize,
}

impl PreparedStatements {
    pub fn new(max: usize) -> Self {
        PreparedStatements { statements: HashMap::new(), shown: SessionObjects::default(), max }
    }

    /// Errors: 42P05 when the name is taken; the unnamed statement is replaced.
    pub fn check_free(&self, name: &str) -> Result<()> {
        if !name.is_empty() && self.statements.contains_key(name) {
            return Err(Error::new(
                ErrorKind::DuplicatePreparedStatement,
                format!("prepared statement \"{name}\" already exists"),
            ));
        }
        if self.statements.len() >= self.max {
            return Err(Error::new(
                ErrorKind::ConfigurationLimitExceeded,
                format!("a session can have at most {} prepared statements", self.max),
            )
            .with_hint("Deallocate the statements that are no longer needed."));
        }
        Ok(())
    }

    /// Keeps a statement under a name that is free.
    pub fn insert(&mut self, name: &str, prepared: Prepared) -> Result<()> {
        self.check_free(name)?;
        if !name.is_empty() {
            self.shown.put(name, prepared.shown());
        }
        self.statements.insert(name.to_owned(), Arc::new(prepared));
        Ok(())
    }

    /// Errors: 26000.
    pub fn get(&self, name: &str) -> Result<Arc<Prepared>> {
        self.statements.get(name).map(Arc::clone).ok_or_else(|| unknown(name))
    }

    /// Whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        self.shown.remove(name);
        self.statements.remove(name).is_some()
    }

    pub fn clear(&mut self) {
        self.shown.clear();
        self.statements.clear();
    }

    /// What `pg_prepared_statements` shows.
    pub fn shown(&self) -> SessionObjects<PreparedStatement> {
        self.shown.clone()
    }
}

/// 26000
pub fn unknown(name: &str) -> Error {
    let message = match name {
        "" => "unnamed prepared statement does not exist".to_owned(),
        name => format!("prepared statement \"{name}\" does not exist"),
    };
    Error::new(ErrorKind::InvalidSqlStatementName, message)
}
