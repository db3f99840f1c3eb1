//! DataFusion's functions whose results can be far larger than their arguments, with a bound on what one call
//! may make: `repeat('x', 2000000000)` must not take the memory of everybody. What they compute is
//! DataFusion's.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use datafusion::arrow::compute::{cast, kernels::length::length};
use datafusion::arrow::datatypes::{
    DataType, FieldRef, Int64Type, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit,
    TimeUnit,
};
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::FunctionRegistry;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature,
};

use crate::base::{Error, ErrorKind};

/// Bytes that one call may make for all rows of a batch. PostgreSQL bounds one value by 1 GB; a batch has
/// thousands of them.
const RESULT_BYTES_MAX: u64 = 256 << 20;

/// Bytes of an array's element, at most. A value has 16 with its part of what surrounds it; the rest is for
/// what a constant array costs in a plan, which prints it.
const ELEMENT_BYTES: u64 = 64;

/// Bytes of a character, at most.
const CHARACTER_BYTES: u64 = 4;

/// How long a replacement must be before a call is measured: shorter ones stay in proportion to the text.
const REPLACEMENT_BYTES: u64 = 1024;

/// How large the result of a function is for one row, at most; 0 for NULL.
type Estimate = fn(&[Argument], usize) -> u64;

/// The functions, and how large their results are.
const BOUNDED: [(&str, Estimate); 9] = [
    ("repeat", |arguments, row| {
        length_at(arguments, 0, row).saturating_mul(count_at(arguments, row))
    }),
    ("lpad", |arguments, row| count_at(arguments, row).saturating_mul(CHARACTER_BYTES)),
    ("rpad", |arguments, row| count_at(arguments, row).saturating_mul(CHARACTER_BYTES)),
    ("array_repeat", |arguments, row| {
        let element = length_at(arguments, 0, row).max(ELEMENT_BYTES);
        element.saturating_mul(count_at(arguments, row))
    }),
    ("array_resize", |arguments, row| count_at(arguments, row).saturating_mul(ELEMENT_BYTES)),
    ("range", |arguments, row| steps_at(arguments, row).saturating_mul(ELEMENT_BYTES)),
    ("generate_series", |arguments, row| steps_at(arguments, row).saturating_mul(ELEMENT_BYTES)),
    ("replace", replaced),
    ("regexp_replace", replaced),
];

/// Puts the bound before those of the functions that the state has.
pub fn bound(state: &mut SessionState) -> Result<()> {
    for (name, estimate) in BOUNDED {
        if let Ok(inner) = state.udf(name) {
            state.register_udf(Arc::new(ScalarUDF::new_from_impl(Bounded { inner, estimate })))?;
        }
    }
    Ok(())
}

/// An argument's sizes: the lengths of texts and arrays, the values of numbers and times.
struct Argument {
    sizes: Option<Int64Array>,
    /// One value for all rows.
    is_constant: bool,
}

impl Argument {
    fn new(value: &ColumnarValue) -> Result<Self> {
        let (array, is_constant) = match value {
            ColumnarValue::Array(array) => (Arc::clone(array), false),
            ColumnarValue::Scalar(scalar) => (scalar.to_array()?, true),
        };
        Ok(Argument { sizes: sizes_of(&array)?, is_constant })
    }

    fn at(&self, row: usize) -> Option<i64> {
        let sizes = self.sizes.as_ref()?;
        let row = if self.is_constant { 0 } else { row };
        (row < sizes.len() && sizes.is_valid(row)).then(|| sizes.value(row))
    }
}

/// Numbers as they are, times and intervals in microseconds, everything else by its length.
fn sizes_of(array: &ArrayRef) -> Result<Option<Int64Array>> {
    let microseconds = DataType::Timestamp(TimeUnit::Microsecond, None);
    let numbers = match array.data_type() {
        data_type if data_type.is_integer() => cast(array, &DataType::Int64)?,
        DataType::Timestamp(_, _) | DataType::Date32 | DataType::Date64 => {
            cast(&cast(array, &microseconds)?, &DataType::Int64)?
        }
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            let intervals = array.as_primitive::<IntervalMonthDayNanoType>();
            let microseconds = |interval: IntervalMonthDayNano| {
                let days = i64::from(interval.months) * 30 + i64::from(interval.days);
                days.saturating_mul(86_400_000_000).saturating_add(interval.nanoseconds / 1000)
            };
            let sizes: Int64Array =
                intervals.iter().map(|interval| interval.map(microseconds)).collect();
            return Ok(Some(sizes));
        }
        data_type
            if data_type.is_string()
                || matches!(data_type, DataType::List(_) | DataType::LargeList(_)) =>
        {
            cast(&length(array)?, &DataType::Int64)?
        }
        _ => return Ok(None),
    };
    Ok(Some(numbers.as_primitive::<Int64Type>().clone()))
}

fn number_at(arguments: &[Argument], index: usize, row: usize) -> Option<i64> {
    arguments.get(index)?.at(row)
}

fn length_at(arguments: &[Argument], index: usize, row: usize) -> u64 {
    u64::try_from(number_at(arguments, index, row).unwrap_or(0)).unwrap_or(0)
}

/// The second argument, which says how many or how long.
fn count_at(arguments: &[Argument], row: usize) -> u64 {
    length_at(arguments, 1, row)
}

/// How many elements there are from a start to a stop.
fn steps_at(arguments: &[Argument], row: usize) -> u64 {
    let (start, stop) = match arguments {
        [_] => (Some(0), number_at(arguments, 0, row)),
        _ => (number_at(arguments, 0, row), number_at(arguments, 1, row)),
    };
    let step = if arguments.len() > 2 { number_at(arguments, 2, row) } else { Some(1) };
    let (Some(start), Some(stop), Some(step)) = (start, stop, step) else { return 0 };
    let leads_there = if step > 0 { stop >= start } else { stop <= start };
    match leads_there {
        true => (start.abs_diff(stop) / step.unsigned_abs().max(1)).saturating_add(1),
        false => 0,
    }
}

/// A text of which each character becomes the replacement, where that is long.
fn replaced(arguments: &[Argument], row: usize) -> u64 {
    let replacement = length_at(arguments, 2, row);
    if replacement <= REPLACEMENT_BYTES {
        return 0;
    }
    length_at(arguments, 0, row).saturating_add(1).saturating_mul(replacement)
}

/// A function with its bound.
struct Bounded {
    inner: Arc<ScalarUDF>,
    estimate: Estimate,
}

impl Bounded {
    fn check(&self, arguments: &ScalarFunctionArgs) -> Result<()> {
        let constant = arguments.args.iter().all(|value| matches!(value, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { arguments.number_rows };
        let arguments = arguments.args.iter().map(Argument::new).collect::<Result<Vec<_>>>()?;
        let sizes = (0..rows).map(|row| (self.estimate)(&arguments, row));
        if sizes.fold(0, u64::saturating_add) <= RESULT_BYTES_MAX {
            return Ok(());
        }
        let error = Error::new(ErrorKind::ProgramLimitExceeded, "requested length too large")
            .with_detail(format!(
                "The results of {} may take {} MiB for one batch of rows.",
                self.inner.name(),
                RESULT_BYTES_MAX >> 20
            ));
        Err(DataFusionError::External(Box::new(error)))
    }
}

impl ScalarUDFImpl for Bounded {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn schema_name(&self, arguments: &[Expr]) -> Result<String> {
        self.inner.schema_name(arguments)
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        self.inner.return_field_from_args(arguments)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(types)
    }

    fn simplify(
        &self,
        arguments: Vec<Expr>,
        context: &SimplifyContext,
    ) -> Result<ExprSimplifyResult> {
        self.inner.simplify(arguments, context)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        self.check(&arguments)?;
        self.inner.invoke_with_args(arguments)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }
}

impl fmt::Debug for Bounded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.inner.name())
    }
}

/// A name stands for one function.
impl PartialEq for Bounded {
    fn eq(&self, other: &Self) -> bool {
        self.inner == other.inner
    }
}

impl Eq for Bounded {}

impl Hash for Bounded {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}
