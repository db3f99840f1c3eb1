//! GROUP BY and DISTINCT of values that are equal without being the same: intervals, whose months count as 30 days then,
//! and `jsonb`, where `1` and `1.0` are one number. Rows are grouped by what the values are compared by, and the first
//! value of each group is shown. It runs after type coercion, and leaves grouping sets alone.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, DFSchema, Result};
use datafusion::functions_aggregate::first_last::first_value_udaf;
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::{Aggregate, Distinct, Expr, LogicalPlan, Projection};
use datafusion::optimizer::AnalyzerRule;

use super::conversion::{call, equality_of};

/// Groups by values.
#[derive(Debug)]
pub struct ValueGroupsRule;

impl AnalyzerRule for ValueGroupsRule {
    fn name(&self) -> &str {
        "value_groups"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(by_values).map(|grouped| grouped.data)
    }
}

fn by_values(node: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    match node {
        LogicalPlan::Aggregate(aggregate) => {
            let counted = count_values(aggregate)?;
            counted.transform_data(group_values)
        }
        LogicalPlan::Distinct(Distinct::All(input)) => {
            let columns: Vec<Expr> =
                input.schema().columns().into_iter().map(Expr::Column).collect();
            if !columns.iter().any(|column| equality_of(column, input.schema()).is_some()) {
                return Ok(Transformed::no(LogicalPlan::Distinct(Distinct::All(input))));
            }
            group_values(LogicalPlan::Aggregate(Aggregate::try_new(input, columns, Vec::new())?))
        }
        node => Ok(Transformed::no(node)),
    }
}

/// `count(DISTINCT value)` counts what the values are compared by.
fn count_values(aggregate: Aggregate) -> Result<Transformed<LogicalPlan>> {
    let schema = Arc::clone(aggregate.input.schema());
    let is_counted = |expression: &Expr| match expression {
        Expr::AggregateFunction(AggregateFunction { func, params }) => {
            let one = params.args.first();
            let has_order = one.is_some_and(|value| equality_of(value, &schema).is_some());
            func.name() == "count" && params.distinct && has_order
        }
        _ => false,
    };
    if !aggregate.aggr_expr.iter().any(is_counted) {
        return Ok(Transformed::no(LogicalPlan::Aggregate(aggregate)));
    }
    let names = aggregate.schema.columns();
    let mut values: Vec<Expr> = names.iter().cloned().map(Expr::Column).collect();
    let groups = names.len() - aggregate.aggr_expr.len();
    let mut aggregates = aggregate.aggr_expr.clone();
    for (at, expression) in aggregates.iter_mut().enumerate() {
        if !is_counted(expression) {
            continue;
        }
        let Expr::AggregateFunction(function) = expression else { continue };
        let keys = std::mem::take(&mut function.params.args);
        function.params.args =
            keys.into_iter().map(|value| key(value, &schema)).collect::<Result<_>>()?;
        let name = expression.schema_name().to_string();
        if let (Some(value), Some(shown)) = (values.get_mut(groups + at), names.get(groups + at)) {
            let counted = Expr::Column(Column::new_unqualified(name));
            *value = counted.alias_qualified(shown.relation.clone(), shown.name.clone());
        }
    }
    let counted = Aggregate::try_new(aggregate.input, aggregate.group_expr, aggregates)?;
    project(counted, values)
}

fn group_values(node: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let LogicalPlan::Aggregate(aggregate) = node else { return Ok(Transformed::no(node)) };
    let schema = Arc::clone(aggregate.input.schema());
    let has_sets = aggregate.group_expr.iter().any(|one| matches!(one, Expr::GroupingSet(_)));
    let has_values = aggregate.group_expr.iter().any(|one| equality_of(one, &schema).is_some());
    if has_sets || !has_values {
        return Ok(Transformed::no(LogicalPlan::Aggregate(aggregate)));
    }
    let names = aggregate.schema.columns();
    let mut values: Vec<Expr> = names.iter().cloned().map(Expr::Column).collect();
    let mut aggregates = aggregate.aggr_expr.clone();
    let mut groups = Vec::with_capacity(aggregate.group_expr.len());
    for (at, group) in aggregate.group_expr.iter().enumerate() {
        if equality_of(group, &schema).is_none() {
            groups.push(group.clone());
            continue;
        }
        groups.push(key(group.clone(), &schema)?);
        let first = Expr::AggregateFunction(AggregateFunction::new_udf(
            first_value_udaf(),
            vec![group.clone()],
            false,
            None,
            Vec::new(),
            None,
        ));
        // Nobody else may have an aggregate of the name.
        let first = first.alias(format!("__lakegate_first_{at}"));
        if let (Some(value), Some(shown)) = (values.get_mut(at), names.get(at)) {
            let column = Expr::Column(Column::new_unqualified(first.schema_name().to_string()));
            *value = column.alias_qualified(shown.relation.clone(), shown.name.clone());
        }
        aggregates.push(first);
    }
    project(Aggregate::try_new(aggregate.input, groups, aggregates)?, values)
}

/// What an expression is compared by.
fn key(expression: Expr, schema: &DFSchema) -> Result<Expr> {
    match equality_of(&expression, schema) {
        Some(order) => call(order, expression),
        None => Ok(expression),
    }
}

fn project(aggregate: Aggregate, values: Vec<Expr>) -> Result<Transformed<LogicalPlan>> {
    let input = Arc::new(LogicalPlan::Aggregate(aggregate));
    let shown = Projection::try_new(values, input)?;
    Ok(Transformed::yes(LogicalPlan::Projection(shown)))
}
