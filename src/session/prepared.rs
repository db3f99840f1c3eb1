//! Prepared statements: parsed texts with their parameter types. None of them is planned before it runs.

use std::collections::HashMap;
use std::sync::Arc;

use crate::base::datatype::PgType;
use crate::base::{Error, ErrorKind, Result};
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
}

/// A session's prepared statements, by name; the empty name is the unnamed one.
#[derive(Debug)]
pub struct PreparedStatements {
    statements: HashMap<String, Arc<Prepared>>,
    max: usize,
}

impl PreparedStatements {
    pub fn new(max: usize) -> Self {
        PreparedStatements { statements: HashMap::new(), max }
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
        self.statements.insert(name.to_owned(), Arc::new(prepared));
        Ok(())
    }

    /// Errors: 26000.
    pub fn get(&self, name: &str) -> Result<Arc<Prepared>> {
        self.statements.get(name).map(Arc::clone).ok_or_else(|| unknown(name))
    }

    /// Whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        self.statements.remove(name).is_some()
    }

    pub fn clear(&mut self) {
        self.statements.clear();
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
