//! Casts that DataFusion makes otherwise than PostgreSQL: between types with and without a zone, by the
//! session's zone, and from any type to text; and the order of what is not ordered as it is stored. It runs after type coercion, which makes casts too.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, TimeUnit};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, DataFusionError, Result};
use datafusion::functions_aggregate::first_last::first_value_udaf;
use datafusion::logical_expr::expr::{AggregateFunction, ScalarFunction, WindowFunction};
use datafusion::logical_expr::{
    BinaryExpr, Cast, Expr, ExprSchemable, LogicalPlan, Operator, WindowFrameUnits, cast,
};
use datafusion::optimizer::AnalyzerRule;

use super::frame::has_offset;
use crate::base::Error;
use crate::base::datatype::{BaseType, NO_TYPMOD, PgType, TYPMOD_METADATA, pg_type_of};
use crate::engine::comparison::is_comparison;
use crate::engine::function::{
    INSTANT, INSTANT_ELEMENTS, INTERVAL_OF_TIME, LOCAL_ELEMENTS, LOCAL_TIMESTAMP, NETWORK_KEY,
    ORDER_KEY, REAL_OF_DOUBLE, ROUNDED_ELEMENTS, SPAN, TEXT_ELEMENTS, TEXT_OF, TIME_OF_INTERVAL,
    ZONED_TIME_KEY, column_function,
};
use crate::engine::plan_rewrite::rewrite_expressions;

/// Puts PostgreSQL's conversions in the place of casts.
#[derive(Debug)]
pub struct ConversionRule;

impl AnalyzerRule for ConversionRule {
    fn name(&self) -> &str {
        "conversion"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let plan = rewrite_expressions(plan, rewrite)?;
        plan.transform_up_with_subqueries(sort_by_values).map(|sorted| sorted.data)
    }
}

/// Intervals and documents are sorted as they are compared.
fn sort_by_values(node: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let LogicalPlan::Sort(mut sort) = node else { return Ok(Transformed::no(node)) };
    let schema = Arc::clone(sort.input.schema());
    let mut changed = false;
    for key in &mut sort.expr {
        let Some(order) = order_of(&key.expr, &schema) else { continue };
        key.expr = call(order, std::mem::take(&mut key.expr))?;
        changed = true;
    }
    let sort = LogicalPlan::Sort(sort);
    Ok(if changed { Transformed::yes(sort) } else { Transformed::no(sort) })
}

/// The function whose values are in the order of an expression's, where its own are not.
fn order_of(expression: &Expr, schema: &DFSchema) -> Option<&'static str> {
    let field = expression.to_field(schema).ok()?.1;
    match pg_type_of(&field).ok()?.0 {
        PgType::Scalar(BaseType::Interval) => Some(SPAN),
        PgType::Scalar(BaseType::Jsonb) => Some(ORDER_KEY),
        PgType::Scalar(BaseType::Inet | BaseType::Cidr) => Some(NETWORK_KEY),
        PgType::Scalar(BaseType::Timetz) => Some(ZONED_TIME_KEY),
        PgType::Scalar(_) | PgType::Array(_) => None,
    }
}

/// The function whose values are equal where an expression's are, where its own may differ then.
pub(super) fn equality_of(expression: &Expr, schema: &DFSchema) -> Option<&'static str> {
    order_of(expression, schema).filter(|order| matches!(*order, SPAN | ORDER_KEY))
}

/// The same for the windows of calls. Where a frame reckons with what it is ordered by, nothing stands in its place.
fn ordered_windows(mut window: WindowFunction, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let frame = &window.params.window_frame;
    let has_offset = has_offset(&frame.start_bound) || has_offset(&frame.end_bound);
    let reckons = frame.units == WindowFrameUnits::Range && has_offset;
    let order = window.params.order_by.iter_mut().map(|key| &mut key.expr);
    let order = order.filter(|_| !reckons);
    let changed = order_by_values(order.chain(&mut window.params.partition_by), schema)?;
    let window = Expr::WindowFunction(Box::new(window));
    Ok(if changed { Transformed::yes(window) } else { Transformed::no(window) })
}

/// The same for the rows that an aggregate takes.
fn ordered_rows(mut aggregate: AggregateFunction, schema: &DFSchema) -> Result<Transformed<Expr>> {
    if let Some(extreme) = extreme(&aggregate, schema)? {
        return Ok(Transformed::yes(extreme));
    }
    let order = aggregate.params.order_by.iter_mut().map(|key| &mut key.expr);
    let changed = order_by_values(order, schema)?;
    let aggregate = Expr::AggregateFunction(aggregate);
    Ok(if changed { Transformed::yes(aggregate) } else { Transformed::no(aggregate) })
}

fn order_by_values<'e>(
    keys: impl Iterator<Item = &'e mut Expr>,
    schema: &DFSchema,
) -> Result<bool> {
    let mut changed = false;
    for key in keys {
        if let Some(order) = order_of(key, schema) {
            *key = call(order, std::mem::take(key))?;
            changed = true;
        }
    }
    Ok(changed)
}

/// A comparison by value: a month is 30 days then, and a day 24 hours; networks and times with an offset have another
/// order than their texts, but are equal where those are.
fn compared_by_values(comparison: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let mut order = None;
    let mut are_intervals = true;
    let mut types = HashSet::new();
    comparison.apply_children(|side| {
        are_intervals &= matches!(side.get_type(schema)?, DataType::Interval(_));
        if let Some(found) = order_of(side, schema) {
            order = Some(found);
            types.insert(pg_type_of(side.to_field(schema)?.1.as_ref()).map_err(external)?.0);
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    let by_text = match &comparison {
        Expr::BinaryExpr(BinaryExpr { op, .. }) => is_equality(*op),
        Expr::InList(_) => true,
        _ => false,
    };
    let order = match order {
        Some(SPAN) => Some(SPAN).filter(|_| are_intervals),
        // Its operators are planned as calls.
        Some(ORDER_KEY) => None,
        other => other.filter(|_| !by_text || types.len() > 1),
    };
    match order {
        Some(order) => comparison.map_children(|side| call(order, side).map(Transformed::yes)),
        None => Ok(Transformed::no(comparison)),
    }
}

fn is_equality(operator: Operator) -> bool {
    use Operator::{Eq, IsDistinctFrom, IsNotDistinctFrom, NotEq};
    matches!(operator, Eq | NotEq | IsDistinctFrom | IsNotDistinctFrom)
}

fn external(error: Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// The least or greatest of what is not ordered as it is stored: the first in its order.
fn extreme(aggregate: &AggregateFunction, schema: &DFSchema) -> Result<Option<Expr>> {
    let is_least = match aggregate.func.name() {
        "min" => true,
        "max" => false,
        _ => return Ok(None),
    };
    let [value] = aggregate.params.args.as_slice() else { return Ok(None) };
    let order = order_of(value, schema);
    let Some(order) = order.filter(|order| matches!(*order, NETWORK_KEY | ZONED_TIME_KEY)) else {
        return Ok(None);
    };
    let by = call(order, value.clone())?.sort(is_least, false);
    Ok(Some(Expr::AggregateFunction(AggregateFunction::new_udf(
        first_value_udaf(),
        vec![value.clone()],
        false,
        aggregate.params.filter.clone(),
        vec![by],
        None,
    ))))
}

fn rewrite(expression: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    match expression {
        Expr::Cast(Cast { expr, field }) => {
            let from = expr.to_field(schema)?.1;
            match converted(expr.as_ref(), &from, &field)? {
                Some(converted) => Ok(Transformed::yes(converted)),
                None => Ok(Transformed::no(Expr::Cast(Cast { expr, field }))),
            }
        }
        Expr::BinaryExpr(BinaryExpr { op, .. }) if is_comparison(op) => {
            compared_by_values(expression, schema)
        }
        Expr::Between(_) | Expr::InList(_) => compared_by_values(expression, schema),
        Expr::WindowFunction(window) => ordered_windows(*window, schema),
        Expr::AggregateFunction(aggregate) => ordered_rows(aggregate, schema),
        other => Ok(Transformed::no(other)),
    }
}

pub(super) fn call(name: &str, argument: Expr) -> Result<Expr> {
    let function = column_function(name).ok_or_else(|| {
        let error = Error::internal(format!("the conversion {name} is missing"));
        DataFusionError::External(Box::new(error))
    })?;
    Ok(Expr::ScalarFunction(ScalarFunction::new_udf(function, vec![argument])))
}

/// The expression as a value of the target's type; `None` where the cast is right.
fn converted(expression: &Expr, from: &Field, target: &Arc<Field>) -> Result<Option<Expr>> {
    use DataType::{
        Date32, Date64, Decimal128, Float32, Float64, Interval, List, Time32, Time64, Timestamp,
    };
    let to = target.data_type();
    let micros = |zone: Option<Arc<str>>| Timestamp(TimeUnit::Microsecond, zone);
    let with = |name: &str, input: DataType| -> Result<Expr> {
        let argument = match from.data_type() == &input {
            true => expression.clone(),
            false => cast(expression.clone(), input),
        };
        call(name, argument)
    };
    let finished =
        |value: Expr| Some(Expr::Cast(Cast::new_from_field(Box::new(value), Arc::clone(target))));
    Ok(match (from.data_type(), to) {
        (Decimal128(..), Decimal128(..)) if from.data_type() != to && is_unconstrained(target) => {
            let kept = target.as_ref().clone().with_data_type(from.data_type().clone());
            Some(Expr::Cast(Cast::new_from_field(Box::new(expression.clone()), Arc::new(kept))))
        }
        (Timestamp(_, Some(_)), Date32 | Date64 | Time32(_) | Time64(_) | Timestamp(_, None)) => {
            finished(with(LOCAL_TIMESTAMP, micros(Some("UTC".into())))?)
        }
        (Date32 | Date64 | Timestamp(_, None), Timestamp(_, Some(_))) => {
            finished(with(INSTANT, micros(None))?)
        }
        (Interval(_), Time32(_) | Time64(_)) => {
            finished(call(TIME_OF_INTERVAL, expression.clone())?)
        }
        (Time32(_) | Time64(_), Interval(_)) => {
            finished(with(INTERVAL_OF_TIME, Time64(TimeUnit::Microsecond))?)
        }
        (List(_), List(to)) if depth(from.data_type()) > depth(target.data_type()) => {
            // An array type has any number of dimensions.
            let missing = depth(from.data_type()) - depth(target.data_type());
            let nested = (0..missing).fold(List(Arc::clone(to)), |inner, _| {
                List(Arc::new(Field::new_list_field(inner, true)))
            });
            let nested = Arc::new(target.as_ref().clone().with_data_type(nested));
            let plain = || {
                Expr::Cast(Cast::new_from_field(Box::new(expression.clone()), Arc::clone(&nested)))
            };
            Some(converted(expression, from, &nested)?.unwrap_or_else(plain))
        }
        (Float64, Float32) => finished(call(REAL_OF_DOUBLE, expression.clone())?),
        (List(_), List(_)) if loses_zone(innermost(from.data_type()), innermost(to)) => {
            finished(call(LOCAL_ELEMENTS, expression.clone())?)
        }
        (List(_), List(_)) if loses_zone(innermost(to), innermost(from.data_type())) => {
            finished(call(INSTANT_ELEMENTS, expression.clone())?)
        }
        (List(_), List(_))
            if has_fractions(innermost(from.data_type())) && innermost(to).is_integer() =>
        {
            finished(call(ROUNDED_ELEMENTS, expression.clone())?)
        }
        (List(_), List(_))
            if innermost(to).is_string() && !is_written_alike(innermost(from.data_type())) =>
        {
            finished(call(TEXT_ELEMENTS, expression.clone())?)
        }
        (from, to) if to.is_string() && !is_written_alike(from) => {
            finished(call(TEXT_OF, expression.clone())?)
        }
        _ => None,
    })
}

/// How many dimensions the arrays of a type have.
fn depth(data_type: &DataType) -> usize {
    match data_type {
        DataType::List(element) => 1 + depth(element.data_type()),
        _ => 0,
    }
}

fn innermost(data_type: &DataType) -> &DataType {
    match data_type {
        DataType::List(element) => innermost(element.data_type()),
        other => other,
    }
}

/// Whether moments of one type are instants, and those of the other what clocks show.
fn loses_zone(from: &DataType, to: &DataType) -> bool {
    let is_local = matches!(
        to,
        DataType::Date32 | DataType::Date64 | DataType::Time64(_) | DataType::Timestamp(_, None)
    );
    matches!(from, DataType::Timestamp(_, Some(_))) && is_local
}

/// Whether Arrow's cast to an integer would cut digits off.
fn has_fractions(data_type: &DataType) -> bool {
    data_type.is_floating() || matches!(data_type, DataType::Decimal128(..))
}

/// Whether a type is `numeric` without precision, which takes every numeric as it is.
fn is_unconstrained(target: &Field) -> bool {
    let typmod = target.metadata().get(TYPMOD_METADATA);
    typmod.is_some_and(|typmod| typmod.parse() == Ok(NO_TYPMOD))
}

/// Types whose text Arrow's cast makes as PostgreSQL does. A boolean is cast to `true`, not to `t`.
fn is_written_alike(data_type: &DataType) -> bool {
    data_type.is_string()
        || data_type.is_integer()
        || matches!(data_type, DataType::Null | DataType::Boolean)
        || matches!(data_type, DataType::Dictionary(_, values) if values.is_string())
}
