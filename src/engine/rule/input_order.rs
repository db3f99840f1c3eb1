//! Aggregates that depend on the order of their rows, over a subquery with ORDER BY: they see the rows in its order,
//! as in PostgreSQL, where DataFusion would drop the sort. So the subquery's keys become those of the aggregates.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, Result, ScalarValue};
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{
    Aggregate, Expr, Filter, Limit, LogicalPlan, LogicalPlanBuilder, Projection, Sort, SortExpr,
    SubqueryAlias,
};

/// Functions whose results tell the order of their rows.
const ORDERED: [&str; 2] = ["array_agg", "string_agg"];

/// Gives the aggregates the order of their input, where that has one and they have none of their own.
pub fn keep_input_order(plan: LogicalPlan) -> Result<LogicalPlan> {
    plan.transform_up_with_subqueries(in_node).map(|changed| changed.data)
}

fn in_node(node: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let LogicalPlan::Aggregate(aggregate) = &node else { return Ok(Transformed::no(node)) };
    if !aggregate.aggr_expr.iter().any(depends_on_order) {
        return Ok(Transformed::no(node));
    }
    let Some((input, keys)) = with_keys(&aggregate.input, false)? else {
        return Ok(Transformed::no(node));
    };
    let order: Vec<SortExpr> = keys.into_iter().map(Key::sort).collect();
    let names = NamePreserver::new(&node);
    let functions = aggregate.aggr_expr.iter().map(|function| {
        let name = names.save(function);
        let ordered = function.clone().transform_up(|inner| match inner {
            Expr::AggregateFunction(AggregateFunction { func, mut params })
                if ORDERED.contains(&func.name()) && params.order_by.is_empty() =>
            {
                params.order_by.clone_from(&order);
                Ok(Transformed::yes(Expr::AggregateFunction(AggregateFunction { func, params })))
            }
            other => Ok(Transformed::no(other)),
        })?;
        Ok(name.restore(ordered.data))
    });
    let functions = functions.collect::<Result<Vec<_>>>()?;
    let ordered = Aggregate::try_new(Arc::new(input), aggregate.group_expr.clone(), functions)?;
    Ok(Transformed::yes(LogicalPlan::Aggregate(ordered)))
}

fn depends_on_order(function: &Expr) -> bool {
    function
        .exists(|inner| {
            Ok(matches!(inner, Expr::AggregateFunction(AggregateFunction { func, params })
                if ORDERED.contains(&func.name()) && params.order_by.is_empty() && !params.distinct))
        })
        .unwrap_or(false)
}

/// A key that rows are sorted by, as a column of a plan.
struct Key {
    column: Column,
    asc: bool,
    nulls_first: bool,
}

impl Key {
    fn sort(self) -> SortExpr {
        SortExpr::new(Expr::Column(self.column), self.asc, self.nulls_first)
    }
}

/// The plan with the keys of its sort among its columns; `None` where its rows have no order. The sort itself goes,
/// unless it decides which rows there are.
fn with_keys(plan: &LogicalPlan, decides: bool) -> Result<Option<(LogicalPlan, Vec<Key>)>> {
    let (input, keys) = match plan {
        LogicalPlan::Sort(sort) => return sorted(sort, decides).map(Some),
        LogicalPlan::Limit(limit) if is_whole(limit) => return with_keys(&limit.input, decides),
        LogicalPlan::Limit(limit) => match with_keys(&limit.input, true)? {
            Some(found) => found,
            None => return Ok(None),
        },
        LogicalPlan::Projection(Projection { input, .. })
        | LogicalPlan::SubqueryAlias(SubqueryAlias { input, .. })
        | LogicalPlan::Filter(Filter { input, .. }) => match with_keys(input, decides)? {
            Some(found) => found,
            None => return Ok(None),
        },
        _ => return Ok(None),
    };
    let input = Arc::new(input);
    Ok(Some(match plan {
        LogicalPlan::Projection(projection) => {
            let columns = keys.iter().map(|key| Expr::Column(key.column.clone()));
            let all = projection.expr.iter().cloned().chain(columns).collect();
            (LogicalPlan::Projection(Projection::try_new(all, input)?), keys)
        }
        LogicalPlan::SubqueryAlias(named) => {
            let keys = keys.into_iter().map(|key| Key {
                column: Column::new(Some(named.alias.clone()), key.column.name),
                ..key
            });
            let plan = SubqueryAlias::try_new(input, named.alias.clone())?;
            (LogicalPlan::SubqueryAlias(plan), keys.collect())
        }
        LogicalPlan::Filter(filter) => {
            (LogicalPlan::Filter(Filter::try_new(filter.predicate.clone(), input)?), keys)
        }
        LogicalPlan::Limit(limit) => (LogicalPlan::Limit(Limit { input, ..limit.clone() }), keys),
        _ => return Ok(None),
    }))
}

/// Whether all rows are within the limit: `OFFSET 0`.
fn is_whole(limit: &Limit) -> bool {
    let none_skipped = limit.skip.as_deref().is_none_or(|skip| {
        matches!(skip, Expr::Literal(ScalarValue::Int64(Some(0)) | ScalarValue::Int32(Some(0)), _))
    });
    none_skipped && limit.fetch.is_none()
}

/// The rows of a sort with its keys as columns after their own.
fn sorted(sort: &Sort, decides: bool) -> Result<(LogicalPlan, Vec<Key>)> {
    let mut columns: Vec<Expr> =
        sort.input.schema().columns().into_iter().map(Expr::Column).collect();
    let mut keys = Vec::with_capacity(sort.expr.len());
    for (index, key) in sort.expr.iter().enumerate() {
        let name = format!("__order_{index}");
        columns.push(key.expr.clone().alias(&name));
        let column = Column::new_unqualified(name);
        keys.push(Key { column, asc: key.asc, nulls_first: key.nulls_first });
    }
    let input = match decides || sort.fetch.is_some() {
        true => LogicalPlan::Sort(sort.clone()),
        false => sort.input.as_ref().clone(),
    };
    let plan = LogicalPlanBuilder::from(input).project(columns)?;
    Ok((plan.build()?, keys))
}
