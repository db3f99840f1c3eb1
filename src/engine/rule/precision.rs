//! Digits: quotients of decimals have as many as PostgreSQL's where 38 allow it, averages of integers and sums of
//! `bigint` are decimals, and a number becomes an integer by rounding, not by cutting.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result};
use datafusion::functions::math::round;
use datafusion::logical_expr::expr::{AggregateFunction, ScalarFunction, WindowFunctionDefinition};
use datafusion::logical_expr::{
    AggregateUDF, BinaryExpr, Cast, Expr, ExprSchemable, LogicalPlan, Operator, cast,
};
use datafusion::optimizer::AnalyzerRule;

use crate::engine::plan_rewrite::rewrite_expressions;

use super::arithmetic;

/// Runs before type coercion.
#[derive(Debug)]
pub struct PrecisionRule;

/// Digits after the point that DataFusion adds to those of a dividend.
const ADDED: i8 = 4;
/// Digits of what is divided: with those added, PostgreSQL's 16 (`NUMERIC_MIN_SIG_DIGITS`).
const SCALE: i8 = 12;
const PRECISION_MAX: i16 = 38;

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
            let wider = match types {
                (DataType::Decimal128(..), divisor) => scale_of(&divisor),
                (_, DataType::Decimal128(_, scale)) => Some(scale),
                _ => None,
            }
            .and_then(|scale| wider_type(&types.0, scale));
            let quotient =
                |left| Expr::BinaryExpr(BinaryExpr { left, op: Operator::Divide, right });
            Ok(match wider {
                Some(wider) => Transformed::yes(quotient(Box::new(cast(*left, wider)))),
                None => Transformed::no(quotient(left)),
            })
        }
        Expr::AggregateFunction(AggregateFunction { func, mut params }) => {
            as_decimals(&func, &mut params.args, schema)?;
            Ok(Transformed::yes(Expr::AggregateFunction(AggregateFunction { func, params })))
        }
        Expr::WindowFunction(mut window) => {
            if let WindowFunctionDefinition::AggregateUDF(function) = &window.fun {
                as_decimals(function, &mut window.params.args, schema)?;
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

/// The decimal type to divide a value of this type in, by a divisor of `divisor_scale`; `None` where it has
/// digits enough, or no room for more.
fn wider_type(data_type: &DataType, divisor_scale: i8) -> Option<DataType> {
    let scale = scale_of(data_type)?;
    let whole = match data_type {
        DataType::Decimal128(precision, scale) => i16::from(*precision) - i16::from(*scale),
        integer => i16::from(digits_of(integer)),
    };
    let room = PRECISION_MAX - whole - i16::from(ADDED) - i16::from(divisor_scale);
    let wider = i8::try_from(room.min(i16::from(SCALE))).ok().filter(|wider| *wider > scale)?;
    let precision = u8::try_from(whole + i16::from(wider)).ok()?;
    Some(DataType::Decimal128(precision, wider))
}

fn scale_of(data_type: &DataType) -> Option<i8> {
    match data_type {
        DataType::Decimal128(_, scale) if *scale >= 0 => Some(*scale),
        integer if integer.is_signed_integer() => Some(0),
        _ => None,
    }
}
