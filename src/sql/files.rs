//! Files that a statement names by their place: `read_files(…)`, as written. Nothing here knows which options
//! there are, nor whether anything lies at the place.

use sqlparser::ast::{Expr, FunctionArg, FunctionArgExpr, TableFunctionArgs, UnaryOperator, Value};

use super::statement::{ColumnDefinition, ColumnName, Query};
use crate::base::name::ObjectName;
use crate::base::{Error, ErrorKind, Result};

/// A place and how its files are read.
#[derive(Debug, Clone, PartialEq)]
pub struct FilesClause {
    /// A URL or an absolute path, which may have glob patterns.
    pub location: String,
    /// Names and values of options as written, in order.
    pub options: Vec<(String, String)>,
    /// Whether the query names [`METADATA`], which `*` leaves out.
    pub names_metadata: bool,
}

/// The column with what is known of the file that a row is from.
pub const METADATA: &str = "_metadata";

impl FilesClause {
    /// The files of a place, without options.
    pub fn at(location: String) -> Self {
        FilesClause { location, options: Vec::new(), names_metadata: false }
    }
}

/// `CONVERT TO DELTA`: Parquet files become a Delta table where they lie.
#[derive(Debug, Clone)]
pub struct ConvertToDelta {
    pub what: Converted,
    pub statistics: bool,
    /// The columns that names of folders hold; empty where the names tell.
    pub partitioned_by: Vec<ColumnDefinition>,
}

#[derive(Debug, Clone)]
pub enum Converted {
    /// ``parquet.`place` ``
    Place(String),
    /// A table of Parquet files.
    Table(ObjectName),
}

/// What the files of a table are, and how they are read.
#[derive(Debug, Clone, PartialEq)]
pub struct FilesFormat {
    /// As written.
    pub name: String,
    pub options: Vec<(String, String)>,
}

/// `COPY INTO table FROM …`: the files of a place that the table has not loaded yet.
#[derive(Debug, Clone)]
pub struct CopyInto {
    pub table: ObjectName,
    /// The columns named, in order; empty means all.
    pub columns: Vec<ColumnName>,
    /// `BY POSITION`: names of columns in the files mean nothing.
    pub by_position: bool,
    pub source: CopySource,
    /// As written.
    pub format: String,
    pub validation: Option<Validation>,
    pub selection: FileSelection,
    pub format_options: Vec<(String, String)>,
    pub copy_options: Vec<(String, String)>,
}

/// Where the rows come from.
#[derive(Debug, Clone)]
pub enum CopySource {
    /// A URL or an absolute path.
    Place(String),
    /// `(SELECT … FROM 'place')`: the place is the query's only relation.
    Query(Query),
}

/// `VALIDATE`: nothing is loaded, the rows are read and some of them shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validation {
    All,
    Rows(u64),
}

/// Which of the files in the place are meant.
#[derive(Debug, Clone, PartialEq)]
pub enum FileSelection {
    All,
    /// Paths below the place.
    Names(Vec<String>),
    /// A glob pattern over them.
    Pattern(String),
}

/// The arguments of `read_files('location', option => value, …)`: constants all of them.
pub fn read_files(given: &TableFunctionArgs, position: Option<usize>) -> Result<FilesClause> {
    let wrong = || {
        Error::new(ErrorKind::UndefinedFunction, "read_files has other arguments")
            .with_hint("For example: read_files('s3://bucket/folder', format => 'csv').")
            .at_if(position)
    };
    if given.settings.is_some() {
        return Err(wrong());
    }
    let mut arguments = given.args.iter();
    let location = match arguments.next() {
        Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(value))) => constant(value),
        _ => None,
    };
    let location = location.ok_or_else(wrong)?;
    let mut options = Vec::new();
    for argument in arguments {
        let (name, value) = match argument {
            FunctionArg::Named { name, arg: FunctionArgExpr::Expr(value), .. } => {
                (name.value.clone(), value)
            }
            _ => return Err(wrong()),
        };
        let value = constant(value).ok_or_else(|| {
            let message = format!("option \"{name}\" of read_files is not a constant");
            Error::new(ErrorKind::InvalidParameterValue, message).at_if(position)
        })?;
        options.push((name, value));
    }
    Ok(FilesClause { location, options, names_metadata: false })
}

fn constant(value: &Expr) -> Option<String> {
    match value {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) | Value::EscapedStringLiteral(text) => {
                Some(text.clone())
            }
            Value::Number(digits, _) => Some(digits.clone()),
            Value::Boolean(value) => Some(value.to_string()),
            _ => None,
        },
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => Some(format!("-{}", constant(expr)?)),
        Expr::Nested(inner) => constant(inner),
        _ => None,
    }
}
