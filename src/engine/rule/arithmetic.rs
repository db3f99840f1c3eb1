//! Arithmetic that PostgreSQL refuses: integers beyond their type (22003) and floating point numbers divided
//! by zero (22012). DataFusion wraps the first and answers the second with infinity.

use std::sync::{Arc, LazyLock};

use datafusion::arrow::array::{Array, Float64Array};
use datafusion::arrow::compute::cast;
use datafusion::arrow::compute::kernels::{cmp, numeric};
use datafusion::arrow::datatypes::{DataType, Float32Type, Float64Type};
use datafusion::arrow::error::ArrowError;
use datafusion::common::cast::{as_float32_array, as_float64_array};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, DataFusionError, Result, ScalarValue, internal_err};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, ExprSchemable, LogicalPlan, Operator, ScalarFunctionArgs,
    ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::optimizer::AnalyzerRule;

use crate::base::{Error, ErrorKind};
use crate::engine::plan_rewrite::rewrite_expressions;

/// Puts checked operators in the place of DataFusion's. Runs after type coercion.
#[derive(Debug)]
pub struct ArithmeticRule;

impl AnalyzerRule for ArithmeticRule {
    fn name(&self) -> &str {
        "checked_arithmetic"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        rewrite_expressions(plan, rewrite)
    }
}

fn rewrite(expression: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    if let Expr::Negative(value) = expression {
        let data_type = value.get_type(schema)?;
        if !data_type.is_signed_integer() || matches!(*value, Expr::Literal(..)) {
            return Ok(Transformed::no(Expr::Negative(value)));
        }
        let zero = Expr::Literal(ScalarValue::new_zero(&data_type)?, None);
        let call = ScalarFunction::new_udf(Arc::clone(&SUBTRACT), vec![zero, *value]);
        return Ok(Transformed::yes(Expr::ScalarFunction(call)));
    }
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = expression else {
        return Ok(Transformed::no(expression));
    };
    let checked = match op {
        Operator::Plus => &ADD,
        Operator::Minus => &SUBTRACT,
        Operator::Multiply => &MULTIPLY,
        Operator::Divide => &DIVIDE,
        _ => return Ok(Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right }))),
    };
    let data_type = left.get_type(schema)?;
    let is_checked = match op {
        Operator::Divide => is_float(&data_type),
        _ => data_type.is_signed_integer() || is_float(&data_type),
    };
    if !is_checked || right.get_type(schema)? != data_type {
        return Ok(Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right })));
    }
    let call = ScalarFunction::new_udf(Arc::clone(checked), vec![*left, *right]);
    Ok(Transformed::yes(Expr::ScalarFunction(call)))
}

fn is_float(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Float32 | DataType::Float64)
}

/// `rint`: to the nearest integer, halves to the even one.
pub fn round_to_even() -> Arc<ScalarUDF> {
    Arc::clone(&ROUND)
}

static ADD: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Checked::udf(Operation::Add));
static SUBTRACT: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Checked::udf(Operation::Subtract));
static MULTIPLY: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Checked::udf(Operation::Multiply));
static DIVIDE: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Checked::udf(Operation::Divide));
static ROUND: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Checked::udf(Operation::Round));

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
    Round,
}

/// An operator as a function of numbers of one type.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Checked {
    operation: Operation,
    signature: Signature,
}

impl Checked {
    fn udf(operation: Operation) -> Arc<ScalarUDF> {
        let signature = Signature::any(
            if operation == Operation::Round { 1 } else { 2 },
            Volatility::Immutable,
        );
        Arc::new(ScalarUDF::new_from_impl(Checked { operation, signature }))
    }
}

impl ScalarUDFImpl for Checked {
    fn name(&self) -> &str {
        match self.operation {
            Operation::Add => "checked_add",
            Operation::Subtract => "checked_subtract",
            Operation::Multiply => "checked_multiply",
            Operation::Divide => "checked_divide",
            Operation::Round => "rint",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        match arguments.first() {
            Some(data_type) => Ok(data_type.clone()),
            None => internal_err!("{} without arguments", self.name()),
        }
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let result = match (self.operation, call.args.as_slice()) {
            (Operation::Round, [value]) => return rounded(value, call.number_rows),
            (Operation::Divide, [left, right]) => {
                refuse_zero(left, right)?;
                apply(left, right, numeric::div)
            }
            (Operation::Add, [left, right]) => apply(left, right, numeric::add),
            (Operation::Subtract, [left, right]) => apply(left, right, numeric::sub),
            (Operation::Multiply, [left, right]) => apply(left, right, numeric::mul),
            _ => return internal_err!("{} with other arguments", self.name()),
        };
        if is_float(call.return_field.data_type())
            && let (Ok(result), [left, right]) = (&result, call.args.as_slice())
        {
            check_range(self.operation, left, right, result)?;
        }
        result.map_err(|error| match error {
            DataFusionError::ArrowError(inner, _)
                if matches!(*inner, ArrowError::ArithmeticOverflow(_)) =>
            {
                out_of_range(call.return_field.data_type())
            }
            other => other,
        })
    }
}

type Kernel = fn(
    &dyn datafusion::arrow::array::Datum,
    &dyn datafusion::arrow::array::Datum,
) -> std::result::Result<datafusion::arrow::array::ArrayRef, ArrowError>;

fn apply(left: &ColumnarValue, right: &ColumnarValue, kernel: Kernel) -> Result<ColumnarValue> {
    let result = match (left, right) {
        (ColumnarValue::Array(left), ColumnarValue::Array(right)) => kernel(left, right)?,
        (ColumnarValue::Array(left), ColumnarValue::Scalar(right)) => {
            kernel(left, &right.to_scalar()?)?
        }
        (ColumnarValue::Scalar(left), ColumnarValue::Array(right)) => {
            kernel(&left.to_scalar()?, right)?
        }
        (ColumnarValue::Scalar(left), ColumnarValue::Scalar(right)) => {
            let result = kernel(&left.to_scalar()?, &right.to_scalar()?)?;
            return ScalarValue::try_from_array(&result, 0).map(ColumnarValue::Scalar);
        }
    };
    Ok(ColumnarValue::Array(result))
}

/// 22003: infinity out of finite numbers, or zero as the product or quotient of others.
fn check_range(
    operation: Operation,
    left: &ColumnarValue,
    right: &ColumnarValue,
    result: &ColumnarValue,
) -> Result<()> {
    let rows = match result {
        ColumnarValue::Array(result) => result.len(),
        ColumnarValue::Scalar(_) => 1,
    };
    let numbers = |value: &ColumnarValue| -> Result<Arc<dyn Array>> {
        let array = match value {
            ColumnarValue::Array(array) => Arc::clone(array),
            ColumnarValue::Scalar(value) => value.to_array_of_size(rows)?,
        };
        Ok(datafusion::arrow::compute::cast(&array, &DataType::Float64)?)
    };
    let may_vanish = matches!(operation, Operation::Multiply | Operation::Divide);
    let results = numbers(result)?;
    let results = as_float64_array(&results)?;
    let is_suspect = |value: f64| value.is_infinite() || may_vanish && value == 0.0;
    if !results.values().iter().any(|value| is_suspect(*value)) {
        return Ok(());
    }
    let (left, right) = (numbers(left)?, numbers(right)?);
    let (left, right) = (as_float64_array(&left)?, as_float64_array(&right)?);
    for row in (0..rows).filter(|row| results.is_valid(*row)) {
        let (left, right) = (left.value(row), right.value(row));
        let what = match results.value(row) {
            value if value.is_infinite() && left.is_finite() && right.is_finite() => "overflow",
            0.0 if may_vanish && left != 0.0 && right != 0.0 && right.is_finite() => "underflow",
            _ => continue,
        };
        let message = format!("value out of range: {what}");
        let error = Error::new(ErrorKind::NumericValueOutOfRange, message);
        return Err(DataFusionError::External(Box::new(error)));
    }
    Ok(())
}

fn refuse_zero(dividend: &ColumnarValue, divisor: &ColumnarValue) -> Result<()> {
    let array = |value: &ColumnarValue| match value {
        ColumnarValue::Array(array) => Ok(Arc::clone(array)),
        ColumnarValue::Scalar(value) => value.to_array(),
    };
    let divisors = array(divisor)?;
    let zero = ScalarValue::new_zero(divisors.data_type())?;
    // Comparisons of Arrow tell the zeros apart.
    let minus_zero = zero.arithmetic_negate()?;
    let has = |zero: &ScalarValue| -> Result<bool> {
        Ok(cmp::eq(&divisors, &zero.to_scalar()?)?.true_count() > 0)
    };
    if !has(&zero)? && !has(&minus_zero)? {
        return Ok(());
    }
    let number = |value: &ColumnarValue| cast(&array(value)?, &DataType::Float64);
    let (dividends, divisors) = (number(dividend)?, number(divisor)?);
    let (dividends, divisors) = (as_float64_array(&dividends)?, as_float64_array(&divisors)?);
    let rows = dividends.len().max(divisors.len());
    let at = |numbers: &Float64Array, row: usize| {
        let place = if numbers.len() == 1 { 0 } else { row };
        numbers.is_valid(place).then(|| numbers.value(place))
    };
    // What is no number or NULL stays so, divided by whatever.
    let refused = (0..rows).any(|row| {
        at(divisors, row) == Some(0.0) && at(dividends, row).is_some_and(|value| !value.is_nan())
    });
    match refused {
        true => {
            let error = Error::new(ErrorKind::DivisionByZero, "division by zero");
            Err(DataFusionError::External(Box::new(error)))
        }
        false => Ok(()),
    }
}

fn rounded(value: &ColumnarValue, rows: usize) -> Result<ColumnarValue> {
    let array = value.to_array(rows)?;
    let rounded: Arc<dyn Array> = match array.data_type() {
        DataType::Float32 => {
            let numbers = as_float32_array(&array)?;
            Arc::new(numbers.unary::<_, Float32Type>(f32::round_ties_even))
        }
        DataType::Float64 => {
            let numbers = as_float64_array(&array)?;
            Arc::new(numbers.unary::<_, Float64Type>(f64::round_ties_even))
        }
        other => return internal_err!("rint of {other}"),
    };
    match value {
        ColumnarValue::Array(_) => Ok(ColumnarValue::Array(rounded)),
        ColumnarValue::Scalar(_) => {
            ScalarValue::try_from_array(&rounded, 0).map(ColumnarValue::Scalar)
        }
    }
}

fn out_of_range(data_type: &DataType) -> DataFusionError {
    let name = match data_type {
        DataType::Int8 | DataType::Int16 => "smallint",
        DataType::Int32 => "integer",
        _ => "bigint",
    };
    let message = format!("{name} out of range");
    DataFusionError::External(Box::new(Error::new(ErrorKind::NumericValueOutOfRange, message)))
}
