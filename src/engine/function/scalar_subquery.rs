//! The check that a subquery which stands for a value gives one row: PostgreSQL counts rows when it runs. Which
//! subqueries need it is decided elsewhere.

use std::sync::Arc;

use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{Expr, Volatility};

use crate::base::{Error, ErrorKind};

use super::define::{AN_INT8, BOOL, Function, PostgresFunction, number};

/// Raises an error for the second partner of a row.
static AT_MOST_ONE_ROW: Function = Function {
    // What it refuses depends on its input alone, but it has to be asked.
    volatility: Volatility::Volatile,
    ..Function::immutable("at_most_one_row", &[AN_INT8], BOOL, |_, arguments| {
        match number(arguments, 0) {
            1 => Ok(true.into()),
            _ => Err(Error::new(
                ErrorKind::CardinalityViolation,
                "more than one row returned by a subquery used as an expression",
            )),
        }
    })
};

/// A condition that refuses every number but 1: of the rows of a scalar subquery.
pub fn at_most_one_row(number: Expr) -> Expr {
    let check = PostgresFunction::udf(&AT_MOST_ONE_ROW);
    Expr::ScalarFunction(ScalarFunction::new_udf(Arc::clone(&check), vec![number]))
}
