//! A date compared with a timestamp that is known while planning is compared with a date: `day < date
//! '2024-01-01' + interval '1 month'` says a timestamp in PostgreSQL, and files are pruned by dates only.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::{BinaryExpr, Cast, Expr, ExprSchemable, LogicalPlan, Operator};
use datafusion::optimizer::AnalyzerRule;
use datafusion::optimizer::simplify_expressions::{ExprSimplifier, SimplifyContext};

use crate::base::calendar::MICROS_PER_DAY;
use crate::engine::plan_rewrite::rewrite_expressions;

/// Compares dates with dates. Runs after type coercion.
#[derive(Debug)]
pub struct DateComparisonRule;

impl AnalyzerRule for DateComparisonRule {
    fn name(&self) -> &str {
        "date_comparison"
    }

    fn analyze(&self, plan: LogicalPlan, options: &ConfigOptions) -> Result<LogicalPlan> {
        let options = Arc::new(options.clone());
        rewrite_expressions(plan, |expression, schema| rewrite(expression, schema, &options))
    }
}

fn rewrite(
    expression: Expr,
    schema: &DFSchema,
    options: &Arc<ConfigOptions>,
) -> Result<Transformed<Expr>> {
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = &expression else {
        return Ok(Transformed::no(expression));
    };
    let flipped = match op {
        Operator::Lt => Operator::Gt,
        Operator::LtEq => Operator::GtEq,
        Operator::Gt => Operator::Lt,
        Operator::GtEq => Operator::LtEq,
        Operator::Eq | Operator::NotEq => *op,
        _ => return Ok(Transformed::no(expression)),
    };
    let compared = match (date_of(left, schema)?, date_of(right, schema)?) {
        (Some(date), None) => comparison(date, *op, right, options),
        (None, Some(date)) => comparison(date, flipped, left, options),
        _ => None,
    };
    Ok(compared.map_or_else(|| Transformed::no(expression), Transformed::yes))
}

/// The date that a side is, read as a timestamp; a constant stays what it is.
fn date_of<'e>(side: &'e Expr, schema: &DFSchema) -> Result<Option<&'e Expr>> {
    let Expr::Cast(Cast { expr, field }) = side else { return Ok(None) };
    let is_timestamp = *field.data_type() == DataType::Timestamp(TimeUnit::Microsecond, None);
    if !is_timestamp || expr.column_refs().is_empty() {
        return Ok(None);
    }
    Ok((expr.get_type(schema)? == DataType::Date32).then_some(expr.as_ref()))
}

fn comparison(
    date: &Expr,
    operator: Operator,
    timestamp: &Expr,
    options: &Arc<ConfigOptions>,
) -> Option<Expr> {
    let is_known = timestamp.column_refs().is_empty()
        && !timestamp.contains_outer()
        && !timestamp.is_volatile();
    if !is_known {
        return None;
    }
    let context = SimplifyContext::builder().with_config_options(Arc::clone(options)).build();
    // What cannot be computed now is reported when the query runs.
    let simplified = ExprSimplifier::new(context).simplify(timestamp.clone()).ok()?;
    let Expr::Literal(ScalarValue::TimestampMicrosecond(Some(micros), None), _) = simplified else {
        return None;
    };
    let is_midnight = micros.rem_euclid(MICROS_PER_DAY) == 0;
    let operator = match (operator, is_midnight) {
        (operator, true) => operator,
        (Operator::Lt | Operator::LtEq, false) => Operator::LtEq,
        (Operator::Gt | Operator::GtEq, false) => Operator::Gt,
        _ => return None,
    };
    let day = i32::try_from(micros.div_euclid(MICROS_PER_DAY)).ok()?;
    let day = Expr::Literal(ScalarValue::Date32(Some(day)), None);
    Some(Expr::BinaryExpr(BinaryExpr::new(Box::new(date.clone()), operator, Box::new(day))))
}
