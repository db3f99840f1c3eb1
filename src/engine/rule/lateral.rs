//! Lateral relations over nothing: `FROM t, unnest(t.xs) AS u (x)` and `FROM t, LATERAL (SELECT t.a + 1 AS b)` read
//! no other relation, so what they compute is computed over the rows of `t`. DataFusion would join.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, ExprSchema, JoinType, Result};
use datafusion::logical_expr::{Expr, Join, LogicalPlan, LogicalPlanBuilder};

/// Puts such relations over the ones that they take columns from.
pub fn inline_laterals(plan: LogicalPlan) -> Result<LogicalPlan> {
    let inlined = plan.transform_up_with_subqueries(|node| match &node {
        LogicalPlan::Join(join) if join.join_type == JoinType::Inner && join.on.is_empty() => {
            match inline(join)? {
                Some(inlined) => Ok(Transformed::yes(inlined)),
                None => Ok(Transformed::no(node)),
            }
        }
        _ => Ok(Transformed::no(node)),
    });
    inlined.map(|inlined| inlined.data)
}

fn inline(join: &Join) -> Result<Option<LogicalPlan>> {
    if !is_lateral(&join.right) {
        return Ok(None);
    }
    let Some(inlined) = over(&join.right, &join.left)? else { return Ok(None) };
    match &join.filter {
        Some(filter) => LogicalPlanBuilder::from(inlined).filter(filter.clone())?.build().map(Some),
        None => Ok(Some(inlined)),
    }
}

fn is_lateral(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Subquery(_) => true,
        LogicalPlan::SubqueryAlias(alias) => is_lateral(&alias.input),
        LogicalPlan::Projection(projection) => is_lateral(&projection.input),
        _ => false,
    }
}

/// The columns of `below` and, of each of its rows, those of `plan`; `None` for a plan that reads a relation.
fn over(plan: &LogicalPlan, below: &LogicalPlan) -> Result<Option<LogicalPlan>> {
    let input = match plan {
        LogicalPlan::EmptyRelation(nothing) if nothing.produce_one_row => {
            return Ok(Some(below.clone()));
        }
        LogicalPlan::Subquery(subquery) => return over(&subquery.subquery, below),
        LogicalPlan::SubqueryAlias(alias) => &alias.input,
        LogicalPlan::Projection(projection) => &projection.input,
        LogicalPlan::Filter(filter) => &filter.input,
        LogicalPlan::Unnest(unnest) => &unnest.input,
        _ => return Ok(None),
    };
    let Some(input) = over(input, below)? else { return Ok(None) };
    let kept = below.schema().columns().into_iter().map(Expr::Column);
    let builder = LogicalPlanBuilder::from(input);
    let builder = match plan {
        LogicalPlan::SubqueryAlias(alias) => {
            let columns = alias.input.schema().columns().into_iter().map(|column: Column| {
                let name = column.name.clone();
                Expr::Column(column).alias_qualified(Some(alias.alias.clone()), name)
            });
            builder.project(kept.chain(columns))?
        }
        LogicalPlan::Projection(projection) => {
            let own = projection.expr.iter().map(|expression| at_hand(expression, below));
            let own = own.collect::<Result<Vec<_>>>()?;
            builder.project(kept.chain(own))?
        }
        LogicalPlan::Filter(filter) => builder.filter(at_hand(&filter.predicate, below)?)?,
        LogicalPlan::Unnest(unnest) => builder
            .unnest_columns_with_options(unnest.exec_columns.clone(), unnest.options.clone())?,
        _ => return Ok(None),
    };
    builder.build().map(Some)
}

/// The expression with the columns of `below` in the place of references to them.
fn at_hand(expression: &Expr, below: &LogicalPlan) -> Result<Expr> {
    let schema = Arc::clone(below.schema());
    let at_hand = expression.clone().transform_up(|inner| match inner {
        Expr::OuterReferenceColumn(_, column) if schema.field_from_column(&column).is_ok() => {
            Ok(Transformed::yes(Expr::Column(column)))
        }
        other => Ok(Transformed::no(other)),
    });
    at_hand.map(|at_hand| at_hand.data)
}
