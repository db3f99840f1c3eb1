//! Aggregates in a subquery that are of the query around it: all of their columns are the outer query's, and so
//! PostgreSQL computes them there. DataFusion would compute them in the subquery, so they are refused.

use std::ops::ControlFlow;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::{Expr, LogicalPlan};

use crate::base::Error;

/// Errors: 0A000.
pub fn refuse_outer_aggregates(plan: &LogicalPlan) -> Result<()> {
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::Aggregate(aggregate) = node {
            for function in &aggregate.aggr_expr {
                check(function)?;
            }
        }
        Ok(TreeNodeRecursion::Continue)
    })
    .map(drop)
}

fn check(function: &Expr) -> Result<()> {
    function
        .apply(|inner| {
            let Expr::AggregateFunction(AggregateFunction { params, .. }) = inner else {
                return Ok(TreeNodeRecursion::Continue);
            };
            let order = params.order_by.iter().map(|key| &key.expr);
            let parts = params.args.iter().chain(params.filter.as_deref()).chain(order);
            if let ControlFlow::Continue(true) = columns(parts) {
                let error = Error::unsupported("an aggregate of the outer query in a subquery")
                    .with_hint("Compute it in the outer query.");
                return Err(DataFusionError::External(Box::new(error)));
            }
            Ok(TreeNodeRecursion::Jump)
        })
        .map(drop)
}

/// Whether there are outer columns; breaks at one of the subquery's own.
fn columns<'e>(parts: impl Iterator<Item = &'e Expr>) -> ControlFlow<(), bool> {
    let (mut outer, mut own) = (false, false);
    for part in parts {
        // It never fails.
        let _ = part.apply(|inner| {
            outer |= matches!(inner, Expr::OuterReferenceColumn(..));
            own |= matches!(inner, Expr::Column(_) | Expr::ScalarSubquery(_) | Expr::Exists(_));
            own |= matches!(inner, Expr::InSubquery(_) | Expr::SetComparison(_));
            Ok(TreeNodeRecursion::Continue)
        });
    }
    if own { ControlFlow::Break(()) } else { ControlFlow::Continue(outer) }
}
