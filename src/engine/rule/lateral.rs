//! Lateral relations over nothing: `FROM t, unnest(t.xs) AS u (x)` and `FROM t, LATERAL (SELECT t.a + 1 AS b)` read
//! no other relation, so what they compute is computed over the rows of `t`. DataFusion would join. So for a value,
//! `(SELECT t.a + 1)`.

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchema, ExprSchema, JoinType, Result};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
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
        _ => inline_values(node),
    });
    inlined.map(|inlined| inlined.data)
}

/// Scalar subqueries over nothing, as what they select.
fn inline_values(node: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let below = super::schema_below(&node)?;
    let names = NamePreserver::new(&node);
    node.map_expressions(|expression| {
        let name = names.save(&expression);
        let inlined = expression.transform_up(|inner| match &inner {
            Expr::ScalarSubquery(subquery) => match selected(&subquery.subquery) {
                Some(value) => Ok(Transformed::yes(at_hand(value, &below)?)),
                None => Ok(Transformed::no(inner)),
            },
            _ => Ok(Transformed::no(inner)),
        })?;
        Ok(inlined.update_data(|expression| name.restore(expression)))
    })
}

/// What `SELECT value` without FROM computes of its outer query; `None` for any other query.
fn selected(plan: &LogicalPlan) -> Option<&Expr> {
    let LogicalPlan::Projection(projection) = plan else { return None };
    let over_nothing = matches!(projection.input.as_ref(), LogicalPlan::EmptyRelation(nothing)
        if nothing.produce_one_row);
    match projection.expr.as_slice() {
        [value] if over_nothing && value.contains_outer() => Some(match value {
            Expr::Alias(alias) => &alias.expr,
            value => value,
        }),
        _ => None,
    }
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

/// Whether a relation is a lateral one, under its names.
pub fn is_lateral(plan: &LogicalPlan) -> bool {
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
            let own = projection.expr.iter().map(|expression| at_hand(expression, below.schema()));
            let own = own.collect::<Result<Vec<_>>>()?;
            builder.project(kept.chain(own))?
        }
        LogicalPlan::Filter(filter) => {
            builder.filter(at_hand(&filter.predicate, below.schema())?)?
        }
        LogicalPlan::Unnest(unnest) => builder
            .unnest_columns_with_options(unnest.exec_columns.clone(), unnest.options.clone())?,
        _ => return Ok(None),
    };
    builder.build().map(Some)
}

/// The expression with the columns of a schema in the place of references to them.
fn at_hand(expression: &Expr, schema: &DFSchema) -> Result<Expr> {
    let at_hand = expression.clone().transform_up(|inner| match inner {
        Expr::OuterReferenceColumn(_, column) if schema.field_from_column(&column).is_ok() => {
            Ok(Transformed::yes(Expr::Column(column)))
        }
        other => Ok(Transformed::no(other)),
    });
    at_hand.map(|at_hand| at_hand.data)
}
