//! Functions that make much out of little, with a bound on how much: `repeat('x', 1000000000)` over a batch of rows
//! would take more memory than there is, and no pool counts it.

use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::compute::kernels::length::length;
use datafusion::arrow::datatypes::{DataType, FieldRef, Int64Type};
use datafusion::common::{DataFusionError, Result};
use datafusion::functions::{string, unicode};
use datafusion::functions_nested::range::gen_series_udf;
use datafusion::logical_expr::sort_properties::{ExprProperties, SortProperties};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};

use crate::base::{Error, ErrorKind};

/// The bytes that one call may make, over all rows of a batch: as many as a value of PostgreSQL may have.
const BYTES_MAX: u64 = 1 << 30;
/// The longest character in UTF-8.
const CHARACTER_BYTES: u64 = 4;
/// An integer or a point in time.
const ELEMENT_BYTES: u64 = 8;

/// The functions, under the names of DataFusion's.
pub fn functions() -> Vec<Arc<ScalarUDF>> {
    let of = |function: Arc<ScalarUDF>, bytes: Estimate| {
        Arc::new(ScalarUDF::new_from_impl(Bounded { function, made: Made(bytes) }))
    };
    vec![
        of(string::repeat(), repeated),
        of(unicode::lpad(), padded),
        of(unicode::rpad(), padded),
        of(gen_series_udf(), counted),
    ]
}

/// The bytes that a row of a call makes, of its integer arguments; text counts as its length in bytes.
type Estimate = fn(&[i64]) -> u64;

fn repeated(row: &[i64]) -> u64 {
    match row {
        [text, times, ..] => positive(*text).saturating_mul(positive(*times)),
        _ => 0,
    }
}

fn padded(row: &[i64]) -> u64 {
    match row {
        [_, length, ..] => positive(*length).saturating_mul(CHARACTER_BYTES),
        _ => 0,
    }
}

fn counted(row: &[i64]) -> u64 {
    let (first, last, step) = match *row {
        [last] => (0, last, 1),
        [first, last] => (first, last, 1),
        [first, last, step, ..] => (first, last, step),
        [] => return 0,
    };
    match step.unsigned_abs() {
        0 => 0,
        _ if (last < first) == (step > 0) => 0,
        step => (first.abs_diff(last) / step).saturating_mul(ELEMENT_BYTES),
    }
}

fn positive(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// An estimate; a name stands for one function, so no two of them are told apart.
#[derive(Debug, Clone, Copy)]
struct Made(Estimate);

impl PartialEq for Made {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Made {}

impl std::hash::Hash for Made {
    fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Bounded {
    function: Arc<ScalarUDF>,
    made: Made,
}

impl Bounded {
    fn check(&self, call: &ScalarFunctionArgs) -> Result<()> {
        let mut columns = Vec::with_capacity(call.args.len());
        for argument in &call.args {
            match numbers(argument)? {
                Some(column) => columns.push(column),
                None => return Ok(()),
            }
        }
        let is_constant = columns.iter().all(|column| column.len() == 1);
        let rows = if is_constant { 1 } else { call.number_rows };
        let mut bytes: u64 = 0;
        let mut row = vec![0; columns.len()];
        for index in 0..rows {
            for (value, column) in row.iter_mut().zip(&columns) {
                let at = if column.len() == 1 { column.first() } else { column.get(index) };
                *value = at.copied().unwrap_or_default();
            }
            bytes = bytes.saturating_add((self.made.0)(&row));
        }
        if bytes <= BYTES_MAX {
            return Ok(());
        }
        let error = Error::new(ErrorKind::ProgramLimitExceeded, "requested length too large")
            .with_detail(format!("{} would make {bytes} bytes at once.", self.name()));
        Err(DataFusionError::External(Box::new(error)))
    }
}

/// What an estimate sees of an argument, NULL as 0; `None` for types that no estimate is made of.
fn numbers(argument: &ColumnarValue) -> Result<Option<Vec<i64>>> {
    let array = argument.to_array(1)?;
    let array = match array.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => length(&array)?,
        data_type if data_type.is_integer() || data_type.is_null() => Arc::clone(&array),
        _ => return Ok(None),
    };
    let array = cast(&array, &DataType::Int64)?;
    let values = array.as_primitive::<Int64Type>().iter();
    Ok(Some(values.map(Option::unwrap_or_default).collect()))
}

impl ScalarUDFImpl for Bounded {
    fn name(&self) -> &str {
        self.function.name()
    }

    fn aliases(&self) -> &[String] {
        self.function.aliases()
    }

    fn signature(&self) -> &Signature {
        self.function.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.function.return_type(types)
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        self.function.return_field_from_args(arguments)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.function.coerce_types(types)
    }

    fn output_ordering(&self, inputs: &[ExprProperties]) -> Result<SortProperties> {
        self.function.output_ordering(inputs)
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> Result<ColumnarValue> {
        self.check(&call)?;
        self.function.invoke_with_args(call)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_never_wrap() {
        assert_eq!(repeated(&[3, 1_000]), 3_000);
        assert_eq!(repeated(&[i64::MAX, i64::MAX]), u64::MAX);
        assert_eq!(repeated(&[3, -1]), 0);
        assert_eq!(counted(&[1, 5, 2]), 2 * ELEMENT_BYTES);
        assert_eq!(counted(&[5, 1]), 0);
        assert_eq!(counted(&[5, 1, -1]), 4 * ELEMENT_BYTES);
        assert!(counted(&[i64::MIN, i64::MAX]) > BYTES_MAX);
    }
}
