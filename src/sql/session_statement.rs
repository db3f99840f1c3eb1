//! The statements that concern the session alone: settings, transactions, prepared statements. What a parser
//! makes of them, as data.

use std::fmt;

use sqlparser::ast;

use super::statement::{Query, SchemaName, Statement};

/// What the session does itself: no table is read and nothing needs a privilege.
#[derive(Debug, Clone)]
pub enum SessionStatement {
    Use(Use),
    Set(Set),
    /// `SET TRANSACTION` or `SET SESSION CHARACTERISTICS AS TRANSACTION`.
    SetTransaction {
        modes: TransactionModes,
        for_session: bool,
    },
    /// `RESET name`, or all with `None`.
    Reset(Option<String>),
    /// `SHOW name`, or all with `None`.
    ShowSetting(Option<String>),
    Begin(TransactionModes),
    StartTransaction(TransactionModes),
    Commit {
        and_chain: bool,
    },
    Rollback {
        and_chain: bool,
    },
    Savepoint(String),
    /// `RELEASE [SAVEPOINT] name`
    Release(String),
    /// `ROLLBACK TO [SAVEPOINT] name`
    RollbackTo(String),
    Prepare(Prepare),
    Execute(Execute),
    /// `DEALLOCATE name`, or all with `None`.
    Deallocate(Option<String>),
    Discard(Discard),
    Listen(String),
    /// `UNLISTEN channel`, or all with `None`.
    Unlisten(Option<String>),
    Notify {
        channel: String,
        payload: String,
    },
    DeclareCursor(DeclareCursor),
    Fetch(Fetch),
    /// `CLOSE name`, or all with `None`.
    CloseCursor(Option<String>),
}

/// `DECLARE name CURSOR FOR query`.
#[derive(Debug, Clone)]
pub struct DeclareCursor {
    pub name: String,
    pub options: CursorOptions,
    pub query: Query,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CursorOptions {
    /// `BINARY`: a FETCH in the simple protocol gives binary values.
    pub binary: bool,
    /// `SCROLL`: it can go backward.
    pub scroll: bool,
    /// `WITH HOLD`: it outlives its transaction.
    pub hold: bool,
}

/// `FETCH` and `MOVE`.
#[derive(Debug, Clone, PartialEq)]
pub struct Fetch {
    pub cursor: String,
    pub motion: Motion,
    /// `MOVE`: the rows are passed and not returned.
    pub is_move: bool,
}

/// Where a cursor goes, and how many rows it returns on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Motion {
    /// The next rows, all with `None`; none returns the current row again.
    Forward(Option<u64>),
    /// The rows before, the nearest first.
    Backward(Option<u64>),
    /// The row of this number; a negative one counts from the end.
    Absolute(i64),
    /// The row so many after the current one.
    Relative(i64),
}

/// `USE CATALOG c`, `USE SCHEMA s`, `USE [c.]s`.
#[derive(Debug, Clone, PartialEq)]
pub enum Use {
    Catalog(String),
    Schema(SchemaName),
}

/// `SET [SESSION | LOCAL] name = value, …`.
#[derive(Debug, Clone, PartialEq)]
pub struct Set {
    pub local: bool,
    /// Lower case.
    pub name: String,
    /// `None` is `DEFAULT`. List settings such as `search_path` take several.
    pub values: Option<Vec<String>>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TransactionModes {
    pub isolation: Option<IsolationLevel>,
    pub read_only: Option<bool>,
    pub deferrable: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IsolationLevel {
    ReadUncommitted,
    ReadCommitted,
    RepeatableRead,
    Serializable,
}

#[derive(Debug, Clone)]
pub struct Prepare {
    pub name: String,
    /// Declared parameter types as OIDs of `base::datatype`; 0 where left to inference.
    pub parameter_types: Vec<crate::base::Oid>,
    pub statement: Box<Statement>,
}

#[derive(Clone)]
pub struct Execute {
    pub name: String,
    pub arguments: Vec<ast::Expr>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discard {
    All,
    Plans,
    Sequences,
    Temporary,
}

impl fmt::Debug for Execute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arguments: Vec<String> = self.arguments.iter().map(ToString::to_string).collect();
        f.debug_struct("Execute").field("name", &self.name).field("arguments", &arguments).finish()
    }
}
