//! `FOR UPDATE` and its kin behind a query: whose rows in its FROM the transaction counts on. No row is locked: what
//! others have changed of the tables is found at COMMIT. It knows no table.

use sqlparser::ast::{GroupByExpr, LockType, Query, SetExpr};

use crate::base::{Error, ErrorKind, Result};

/// What a query says that it will do with the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowLock {
    /// `FOR UPDATE`, `FOR NO KEY UPDATE`
    Update,
    /// `FOR SHARE`, `FOR KEY SHARE`
    Share,
}

/// Whether a clause names what it is about, or is about all in FROM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    ByName,
    WithAll,
}

/// The clauses of one query.
#[derive(Debug, Default)]
pub struct RowLocks {
    all: Option<RowLock>,
    named: Vec<NamedLock>,
}

#[derive(Debug)]
struct NamedLock {
    lock: RowLock,
    name: String,
    is_found: bool,
}

impl RowLock {
    /// What it is called in messages.
    pub fn name(self) -> &'static str {
        match self {
            RowLock::Update => "FOR UPDATE",
            RowLock::Share => "FOR SHARE",
        }
    }
}

impl RowLocks {
    /// Takes the clauses out of a query; `inherited` is the lock of a query around it.
    ///
    /// Errors: 0A000 where the query's rows are no rows of tables.
    pub fn take(query: &mut Query, inherited: Option<RowLock>) -> Result<Self> {
        let mut locks = RowLocks { all: inherited, named: Vec::new() };
        for clause in std::mem::take(&mut query.locks) {
            let lock = match clause.lock_type {
                LockType::Update => RowLock::Update,
                LockType::Share => RowLock::Share,
            };
            check_lockable(query, lock)?;
            match clause.of {
                None => locks.all = Some(locks.all.map_or(lock, |known| known.stronger(lock))),
                Some(name) => {
                    let [part] = name.0.as_slice() else {
                        let what =
                            format!("{} must specify unqualified relation names", lock.name());
                        return Err(Error::new(ErrorKind::SyntaxError, what));
                    };
                    let name = part.as_ident().map(super::relations::folded).unwrap_or_default();
                    locks.named.push(NamedLock { lock, name, is_found: false });
                }
            }
        }
        Ok(locks)
    }

    /// The lock of what FROM calls by a name.
    pub fn of(&mut self, name: &str) -> Option<(RowLock, Named)> {
        let mut found = self.all.map(|lock| (lock, Named::WithAll));
        for named in self.named.iter_mut().filter(|named| named.name == name) {
            named.is_found = true;
            let lock = found.map_or(named.lock, |(known, _)| known.stronger(named.lock));
            found = Some((lock, Named::ByName));
        }
        found
    }

    /// 42P01 for a name that is not in FROM.
    pub fn check_all_found(&self) -> Result<()> {
        let Some(missing) = self.named.iter().find(|named| !named.is_found) else { return Ok(()) };
        let (name, clause) = (&missing.name, missing.lock.name());
        let message = format!("relation \"{name}\" in {clause} clause not found in FROM clause");
        Err(Error::new(ErrorKind::UndefinedTable, message))
    }
}

impl RowLock {
    fn stronger(self, other: RowLock) -> RowLock {
        match (self, other) {
            (RowLock::Share, RowLock::Share) => RowLock::Share,
            (RowLock::Update, _) | (_, RowLock::Update) => RowLock::Update,
        }
    }
}

/// In PostgreSQL's words, for queries that make rows of others.
fn check_lockable(query: &Query, lock: RowLock) -> Result<()> {
    let what = match &*query.body {
        SetExpr::Select(select) => {
            let is_grouped = match &select.group_by {
                GroupByExpr::All(_) => true,
                GroupByExpr::Expressions(expressions, modifiers) => {
                    !expressions.is_empty() || !modifiers.is_empty()
                }
            };
            if select.distinct.is_some() {
                "is not allowed with DISTINCT clause"
            } else if is_grouped {
                "is not allowed with GROUP BY clause"
            } else if select.having.is_some() {
                "is not allowed with HAVING clause"
            } else {
                return Ok(());
            }
        }
        SetExpr::SetOperation { .. } => "is not allowed with UNION/INTERSECT/EXCEPT",
        SetExpr::Values(_) => "cannot be applied to VALUES",
        SetExpr::Query(_)
        | SetExpr::Table(_)
        | SetExpr::Insert(_)
        | SetExpr::Update(_)
        | SetExpr::Delete(_)
        | SetExpr::Merge(_) => "behind a query in parentheses is not supported",
    };
    Err(Error::new(ErrorKind::FeatureNotSupported, format!("{} {what}", lock.name())))
}
