//! Files that a statement names by their place: `read_files(…)`, as written. Nothing here knows which options
//! there are, nor whether anything lies at the place.

use sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, TableFunctionArgs, UnaryOperator, Value,
};

use crate::base::{Error, ErrorKind, Result};

/// A place and how its files are read.
#[derive(Debug, Clone, PartialEq)]
pub struct FilesClause {
    /// A URL or an absolute path, which may have glob patterns.
    pub location: String,
    /// Names and values of options as written, in order.
    pub options: Vec<(String, String)>,
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
    Ok(FilesClause { location, options })
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
