//! Digits: quotients of decimals have as many as PostgreSQL's where they can be told, averages of integers and sums of
//! `bigint` are decimals, and a number becomes an integer by rounding, not by cutting.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, DataFusionError, Result};
use datafusion::functions::math::round;
use datafusion::logical_expr::expr::{AggregateFunction, ScalarFunction, WindowFunctionDefinition};
use datafusion::logical_expr::type_coercion::binary::comparison_coercion;
use datafusion::logical_expr::{
    AggregateUDF, BinaryExpr, Cast, Expr, ExprSchemable, LogicalPlan, Operator, cast, lit,
};
use datafusion::optimizer::AnalyzerRule;

use crate::base::Error;
use crate::engine::function::{QUOTIENT, column_function, undefined_function};
use crate::engine::plan_rewrite::rewrite_expressions;

use super::arithmetic;
use super::constant_digits::{Constant, DIGITS_MIN, of_function, of_quotient};

/// Runs before type coercion.
#[derive(Debug)]
pub struct PrecisionRule;

impl AnalyzerRule for PrecisionRule {
    fn name(&self) -> &str {
        "precision"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        rewrite_expressions(plan, rewrite)
    }
}

fn rewrite(expression: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    match expression {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Divide, right }) => {
            let types = (left.get_type(schema)?, right.get_type(schema)?);
            let Some(digits) = digits_of_types(&types.0, &types.1) else {
                let quotient = BinaryExpr { left, op: Operator::Divide, right };
                return Ok(Transformed::no(Expr::BinaryExpr(quotient)));
            };
            let constants = Constant::of(&left).zip(Constant::of(&right));
            let digits =
                constants.and_then(|(left, right)| of_quotient(left, right)).unwrap_or(digits);
            Ok(Transformed::yes(with_digits(QUOTIENT, vec![*left, *right], digits)?))
        }
        Expr::ScalarFunction(ScalarFunction { func, args }) => {
            let constants: Option<Vec<Constant>> = args.iter().map(Constant::of).collect();
            let digits = constants
                .filter(|constants| constants.iter().any(|constant| constant.is_numeric))
                .and_then(|constants| of_function(func.name(), &constants));
            match digits {
                Some(digits) => {
                    let name = match func.name() {
                        "log10" => "numeric_log".to_owned(),
                        name => format!("numeric_{name}"),
                    };
                    Ok(Transformed::yes(with_digits(&name, args, digits)?))
                }
                None => Ok(Transformed::no(Expr::ScalarFunction(ScalarFunction { func, args }))),
            }
        }
        Expr::AggregateFunction(AggregateFunction { func, mut params }) => {
            as_decimals(&func, &mut params.args, schema)?;
            if func.name() == "string_agg"
                && params.args.first().is_some_and(|value| is_binary(value, schema))
            {
                let error = Error::unsupported("string_agg of bytea");
                return Err(DataFusionError::External(Box::new(error)));
            }
            check_texts(func.name(), &params.args, schema)?;
            if func.name() == "percentile_cont" {
                let order = params.order_by.iter_mut().map(|key| &mut key.expr);
                params.args.iter_mut().chain(order).try_for_each(|real| as_double(real, schema))?;
            }
            Ok(Transformed::yes(Expr::AggregateFunction(AggregateFunction { func, params })))
        }
        Expr::WindowFunction(mut window) => {
            match &window.fun {
                WindowFunctionDefinition::AggregateUDF(function) => {
                    check_texts(function.name(), &window.params.args, schema)?;
                    as_decimals(function, &mut window.params.args, schema)?;
                }
                WindowFunctionDefinition::WindowUDF(function) => {
                    if matches!(function.name(), "lag" | "lead") {
                        of_one_type(&mut window.params.args, schema)?;
                    }
                }
            }
            Ok(Transformed::yes(Expr::WindowFunction(window)))
        }
        Expr::Cast(Cast { expr, field }) if field.data_type().is_integer() => {
            let rounded = match expr.get_type(schema)? {
                DataType::Decimal128(_, scale) if scale > 0 => call(round(), *expr),
                DataType::Float32 | DataType::Float64 => call(arithmetic::round_to_even(), *expr),
                _ => return Ok(Transformed::no(Expr::Cast(Cast { expr, field }))),
            };
            Ok(Transformed::yes(Expr::Cast(Cast { expr: Box::new(rounded), field })))
        }
        other => Ok(Transformed::no(other)),
    }
}

fn call(function: std::sync::Arc<datafusion::logical_expr::ScalarUDF>, argument: Expr) -> Expr {
    Expr::ScalarFunction(ScalarFunction::new_udf(function, vec![argument]))
}

fn is_binary(value: &Expr, schema: &DFSchema) -> bool {
    value.get_type(schema).is_ok_and(|data_type| data_type.is_binary())
}

/// `string_agg` takes texts only: of others it is a function that is not there, told with the types of the call.
fn check_texts(function: &str, arguments: &[Expr], schema: &DFSchema) -> Result<()> {
    let Some(value) = arguments.first().filter(|_| function == "string_agg") else { return Ok(()) };
    let data_type = value.get_type(schema)?;
    if data_type.is_string() || data_type.is_null() {
        return Ok(());
    }
    undefined_function(function).call(arguments.to_vec()).get_type(schema).map(drop)
}

/// Percentiles of `real` are interpolated as `double precision`.
fn as_double(value: &mut Expr, schema: &DFSchema) -> Result<()> {
    if value.get_type(schema)? == DataType::Float32 {
        *value = cast(std::mem::take(value), DataType::Float64);
    }
    Ok(())
}

/// The value of `lag` and `lead` and what stands for a missing one have the type that both fit in.
fn of_one_type(arguments: &mut [Expr], schema: &DFSchema) -> Result<()> {
    let [value, _, default] = arguments else { return Ok(()) };
    let (of_value, of_default) = (value.get_type(schema)?, default.get_type(schema)?);
    // Integer constants become 32-bit where they fit.
    let is_constant = matches!(default, Expr::Literal(..)) && of_default == DataType::Int64;
    if of_value == of_default || is_constant && of_value.is_integer() {
        return Ok(());
    }
    if of_value.is_numeric()
        && of_default.is_numeric()
        && let Some(common) = comparison_coercion(&of_value, &of_default)
    {
        for number in [value, default] {
            *number = cast(std::mem::take(number), common.clone());
        }
    }
    Ok(())
}

/// The average of integers is a decimal, and so is the sum of 64-bit ones.
fn as_decimals(function: &AggregateUDF, arguments: &mut [Expr], schema: &DFSchema) -> Result<()> {
    let [argument] = arguments else { return Ok(()) };
    let (averages, sums) = (function.name() == "avg", function.name() == "sum");
    if !averages && !sums {
        return Ok(());
    }
    let data_type = argument.get_type(schema)?;
    if data_type == DataType::Int64 || averages && data_type.is_signed_integer() {
        let integer = std::mem::take(argument);
        *argument = cast(integer, DataType::Decimal128(digits_of(&data_type), 0));
    }
    Ok(())
}

/// The digits of the longest integer of a type.
fn digits_of(integer: &DataType) -> u8 {
    match integer {
        DataType::Int8 | DataType::Int16 => 5,
        DataType::Int32 => 10,
        _ => 19,
    }
}

/// The digits after the point of the quotient of two types; `None` where it is no decimal.
fn digits_of_types(dividend: &DataType, divisor: &DataType) -> Option<i32> {
    let is_decimal = |data_type: &DataType| matches!(data_type, DataType::Decimal128(..));
    if !is_decimal(dividend) && !is_decimal(divisor) {
        return None;
    }
    let digits = i32::from(scale_of(dividend)?).max(scale_of(divisor)?.into());
    Some(digits.max(DIGITS_MIN))
}

fn scale_of(data_type: &DataType) -> Option<i8> {
    match data_type {
        DataType::Decimal128(_, scale) => Some((*scale).max(0)),
        integer if integer.is_signed_integer() => Some(0),
        _ => None,
    }
}

/// A call of a function that is told how many digits its result has.
fn with_digits(name: &str, mut arguments: Vec<Expr>, digits: i32) -> Result<Expr> {
    let function = column_function(name).ok_or_else(|| {
        let error = Error::internal(format!("the function {name} is missing"));
        DataFusionError::External(Box::new(error))
    })?;
    arguments.push(lit(digits));
    Ok(Expr::ScalarFunction(ScalarFunction::new_udf(function, arguments)))
}
