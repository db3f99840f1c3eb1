//! Beside a floating point number a `numeric` becomes one: in comparisons, CASE, COALESCE, arrays and UNION, as in
//! PostgreSQL, where `double precision` is the preferred type. DataFusion would make decimals of both, which do not
//! hold all of them.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::{Between, Case, InList, ScalarFunction};
use datafusion::logical_expr::{
    BinaryExpr, Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, Union, cast,
};

use crate::engine::comparison::is_comparison;

/// Functions whose arguments have one type.
const FUNCTIONS: [&str; 5] = ["coalesce", "greatest", "least", "nullif", "make_array"];

fn is_float(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Float32 | DataType::Float64)
}

fn is_decimal(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Decimal128(..) | DataType::Decimal256(..))
}

/// Whether types meet of which some are floating point numbers and some decimals.
fn meet<'t>(types: impl Iterator<Item = &'t DataType> + Clone) -> bool {
    types.clone().any(is_float) && types.clone().any(is_decimal)
}

/// An expression whose operands have one type, with floating point numbers where any of them is one.
pub fn float_beside_decimals(expression: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    match expression {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if is_comparison(op) => {
            let mut sides = [*left, *right];
            let changed = unify(sides.iter_mut().collect(), schema);
            let [left, right] = sides;
            let comparison = BinaryExpr { left: Box::new(left), op, right: Box::new(right) };
            Ok(told(Expr::BinaryExpr(comparison), changed))
        }
        Expr::Between(Between { expr, negated, low, high }) => {
            let mut sides = [*expr, *low, *high];
            let changed = unify(sides.iter_mut().collect(), schema);
            let [expr, low, high] = sides.map(Box::new);
            Ok(told(Expr::Between(Between { expr, negated, low, high }), changed))
        }
        Expr::InList(InList { mut expr, mut list, negated }) => {
            let values = std::iter::once(expr.as_mut()).chain(list.iter_mut()).collect();
            let changed = unify(values, schema);
            Ok(told(Expr::InList(InList { expr, list, negated }), changed))
        }
        Expr::Case(Case { expr, mut when_then_expr, mut else_expr }) => {
            let values = when_then_expr.iter_mut().map(|(_, value)| value.as_mut());
            let values = values.chain(else_expr.iter_mut().map(AsMut::as_mut)).collect();
            let changed = unify(values, schema);
            Ok(told(Expr::Case(Case { expr, when_then_expr, else_expr }), changed))
        }
        Expr::ScalarFunction(ScalarFunction { func, mut args })
            if FUNCTIONS.contains(&func.name()) =>
        {
            let changed = unify(args.iter_mut().collect(), schema);
            Ok(told(Expr::ScalarFunction(ScalarFunction { func, args }), changed))
        }
        other => Ok(Transformed::no(other)),
    }
}

fn told(expression: Expr, changed: bool) -> Transformed<Expr> {
    if changed { Transformed::yes(expression) } else { Transformed::no(expression) }
}

/// Casts all numbers, if both kinds are among them.
fn unify(values: Vec<&mut Expr>, schema: &DFSchema) -> bool {
    let types: Option<Vec<DataType>> =
        values.iter().map(|value| value.get_type(schema).ok()).collect();
    let Some(types) = types.filter(|types| meet(types.iter())) else { return false };
    for (value, data_type) in values.into_iter().zip(types) {
        if data_type.is_numeric() && data_type != DataType::Float64 {
            let number = std::mem::take(value);
            *value = cast(number, DataType::Float64);
        }
    }
    true
}

/// A union whose inputs have the types of the first, unless another has a floating point number there.
pub fn unified(union: Union) -> Result<LogicalPlan> {
    let count = union.inputs.first().map_or(0, |input| input.schema().fields().len());
    let meets: Vec<bool> = (0..count)
        .map(|column| {
            let types = union.inputs.iter().filter_map(|input| {
                input.schema().fields().get(column).map(|field| field.data_type())
            });
            meet(types)
        })
        .collect();
    let inputs = match meets.contains(&true) {
        true => {
            let inputs = union.inputs.into_iter().map(|input| with_floats(input, &meets));
            inputs.collect::<Result<_>>()?
        }
        false => union.inputs,
    };
    Union::try_new_with_loose_types(inputs).map(LogicalPlan::Union)
}

fn with_floats(input: Arc<LogicalPlan>, meets: &[bool]) -> Result<Arc<LogicalPlan>> {
    let columns = input.schema().columns();
    let types: Vec<DataType> =
        input.schema().fields().iter().map(|field| field.data_type().clone()).collect();
    let expressions =
        columns.into_iter().zip(types).zip(meets).map(|((column, data_type), meet)| {
            let name = column.name.clone();
            match *meet && data_type.is_numeric() && data_type != DataType::Float64 {
                true => cast(Expr::Column(column), DataType::Float64).alias(name),
                false => Expr::Column(column),
            }
        });
    let expressions: Vec<Expr> = expressions.collect();
    let plan = LogicalPlanBuilder::from(Arc::unwrap_or_clone(input)).project(expressions)?;
    plan.build().map(Arc::new)
}
