//! `lag`, `lead` and `ntile` with an offset, default or count that is no constant: DataFusion's take constants alone, and
//! theirs stay where there are such. `sql::rewrite::window_arguments` says which is which.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Int32Array};
use datafusion::arrow::compute::interleave;
use datafusion::arrow::datatypes::{DataType, FieldRef, Int32Type, Int64Type};
use datafusion::common::{DataFusionError, Result, plan_err};
use datafusion::logical_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::type_coercion::binary::comparison_coercion;
use datafusion::logical_expr::{
    LimitEffect, PartitionEvaluator, Signature, Volatility, WindowUDF, WindowUDFImpl,
};
use datafusion::physical_expr::PhysicalExpr;

use crate::base::{Error, ErrorKind};

/// The functions, under the names that the rewrite gives them.
pub fn functions() -> Vec<Arc<WindowUDF>> {
    let of = |function: ByRow| {
        let signature = Signature::user_defined(Volatility::Immutable);
        Arc::new(WindowUDF::new_from_impl(WindowByRow { function, signature }))
    };
    vec![of(ByRow::Lag), of(ByRow::Lead), of(ByRow::Ntile)]
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum ByRow {
    Lag,
    Lead,
    Ntile,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct WindowByRow {
    function: ByRow,
    signature: Signature,
}

impl WindowUDFImpl for WindowByRow {
    fn name(&self) -> &str {
        match self.function {
            ByRow::Lag => "lag_by_row",
            ByRow::Lead => "lead_by_row",
            ByRow::Ntile => "ntile_by_row",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        match (self.function, types) {
            (ByRow::Ntile, [_]) => Ok(vec![DataType::Int32]),
            (ByRow::Lag | ByRow::Lead, [value, _]) => Ok(vec![value.clone(), DataType::Int64]),
            (ByRow::Lag | ByRow::Lead, [value, _, default]) => {
                let Some(common) = comparison_coercion(value, default) else {
                    return plan_err!("a value of type {value} has no default of type {default}");
                };
                Ok(vec![common.clone(), DataType::Int64, common])
            }
            _ => plan_err!("{} has other arguments", self.name()),
        }
    }

    fn field(&self, arguments: WindowUDFFieldArgs<'_>) -> Result<FieldRef> {
        let [value, ..] = arguments.input_fields() else {
            return plan_err!("{} without an argument", arguments.name());
        };
        let field = value.as_ref().clone().with_name(arguments.name()).with_nullable(true);
        Ok(Arc::new(field))
    }

    fn partition_evaluator(
        &self,
        _: PartitionEvaluatorArgs<'_>,
    ) -> Result<Box<dyn PartitionEvaluator>> {
        Ok(Box::new(Evaluator { function: self.function }))
    }

    fn limit_effect(&self, _: &[Arc<dyn PhysicalExpr>]) -> LimitEffect {
        LimitEffect::Unknown
    }
}

#[derive(Debug)]
struct Evaluator {
    function: ByRow,
}

impl PartitionEvaluator for Evaluator {
    fn evaluate_all(&mut self, values: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        match (self.function, values) {
            (ByRow::Ntile, [buckets]) => ntile(buckets, rows),
            (ByRow::Lag, [value, offset, default @ ..]) => {
                shifted(value, offset, default.first(), |row, by| row.checked_sub(by))
            }
            (ByRow::Lead, [value, offset, default @ ..]) => {
                shifted(value, offset, default.first(), |row, by| row.checked_add(by))
            }
            _ => datafusion::common::internal_err!("a window function without arguments"),
        }
    }
}

/// For each row of the partition, the value of the row that its offset leads to, or else its default. The offset of no
/// place is NULL, which gives NULL.
fn shifted(
    values: &ArrayRef,
    offsets: &ArrayRef,
    defaults: Option<&ArrayRef>,
    lead: impl Fn(i64, i64) -> Option<i64>,
) -> Result<ArrayRef> {
    // Which of the arrays below a value is from.
    const VALUE: usize = 0;
    const NONE: usize = 1;
    const DEFAULT: usize = 2;
    let none = datafusion::arrow::array::new_null_array(values.data_type(), 1);
    let offsets = offsets.as_primitive::<Int64Type>();
    let mut places = Vec::with_capacity(values.len());
    for row in 0..values.len() {
        if offsets.is_null(row) {
            places.push((NONE, 0));
            continue;
        }
        let offset = offsets.value(row);
        let found = i64::try_from(row).ok().and_then(|row| lead(row, offset));
        let found = found.and_then(|place| usize::try_from(place).ok());
        places.push(match (found.filter(|place| *place < values.len()), defaults) {
            (Some(place), _) => (VALUE, place),
            (None, Some(_)) => (DEFAULT, row),
            (None, None) => (NONE, 0),
        });
    }
    let mut from: Vec<&dyn Array> = vec![values.as_ref(), none.as_ref()];
    from.extend(defaults.map(AsRef::as_ref));
    Ok(interleave(&from, &places)?)
}

/// The number of each row's bucket. How many there are, the first row of the partition says, as in PostgreSQL.
fn ntile(buckets: &ArrayRef, rows: usize) -> Result<ArrayRef> {
    let buckets = buckets.as_primitive::<Int32Type>();
    let Some(count) = buckets.iter().next().flatten() else {
        return Ok(Arc::new(Int32Array::new_null(rows)));
    };
    let count = usize::try_from(count).ok().filter(|count| *count > 0).ok_or_else(|| {
        let message = "argument of ntile must be greater than zero";
        let error = Error::new(ErrorKind::InvalidArgumentForNtile, message);
        DataFusionError::External(Box::new(error))
    })?;
    // The first `longer` buckets have one row more.
    let (size, longer) = (rows / count, rows % count);
    let number = |row: usize| match row.checked_sub(longer * (size + 1)) {
        None => row / (size + 1),
        Some(behind) => longer + behind / size.max(1),
    };
    let numbers = (0..rows).map(|row| i32::try_from(number(row) + 1).unwrap_or(i32::MAX));
    Ok(Arc::new(Int32Array::from_iter_values(numbers)))
}
