//! Constant expressions outside of queries: time travel, EXECUTE's arguments, settings. They see no table.

use datafusion::arrow::array::{RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::Schema;
use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::execution::SessionState;
use datafusion::logical_expr::ColumnarValue;
use sqlparser::ast;
use std::sync::Arc;

use crate::base::{Error, ErrorKind, Result};

use super::error::from_datafusion;
use super::planner::{Planner, Sources};

/// The value of an expression without columns.
pub fn evaluate(state: &SessionState, expression: &ast::Expr) -> Result<ScalarValue> {
    let schema = DFSchema::empty();
    let planner = Planner::new(state, "", &[]);
    let expression = planner.expression(expression.clone(), &schema, &Sources::new())?;
    let physical = state.create_physical_expr(expression, &schema).map_err(from_datafusion)?;
    let one_row = RecordBatchOptions::new().with_row_count(Some(1));
    let batch = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &one_row)
        .map_err(|error| from_datafusion(error.into()))?;
    match physical.evaluate(&batch).map_err(from_datafusion)? {
        ColumnarValue::Scalar(value) => Ok(value),
        ColumnarValue::Array(array) => {
            ScalarValue::try_from_array(&array, 0).map_err(from_datafusion)
        }
    }
}

/// The value of an expression as microseconds since 1970-01-01 UTC; a text or a local timestamp is read in
/// the session's time zone.
pub fn timestamp(state: &SessionState, expression: &ast::Expr) -> Result<i64> {
    let not_one = || {
        Error::new(ErrorKind::InvalidDatetimeFormat, "TIMESTAMP AS OF needs a timestamp")
            .with_hint("For example: TIMESTAMP AS OF '2026-01-31 12:00:00'.")
    };
    let value = evaluate(state, expression)?;
    let zone = state.config_options().execution.time_zone.clone().unwrap_or_else(|| "UTC".into());
    let target = DataType::Timestamp(TimeUnit::Microsecond, Some(zone.into()));
    match value.cast_to(&target) {
        Ok(ScalarValue::TimestampMicrosecond(Some(micros), _)) => Ok(micros),
        Ok(_) => Err(not_one()),
        Err(error) => Err(not_one().caused_by(error)),
    }
}
