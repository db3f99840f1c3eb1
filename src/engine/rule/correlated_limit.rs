//! LIMIT in a correlated subquery: `(SELECT b.x FROM b WHERE b.a = a.id ORDER BY b.y LIMIT 1)`, as a value or
//! behind LATERAL. It counts the rows of each outer row, so the rows are numbered apart for each value that
//! the outer row is compared with, and the numbers are filtered. DataFusion refuses to plan it.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, Result};
use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::expr::{InSubquery, Sort as SortExpr};
use datafusion::logical_expr::logical_plan::{FetchType, SkipType, Subquery};
use datafusion::logical_expr::utils::{conjunction, split_conjunction};
use datafusion::logical_expr::{
    BinaryExpr, Expr, ExprFunctionExt, Join, Limit, LogicalPlan, LogicalPlanBuilder, Operator, lit,
};
use datafusion::optimizer::AnalyzerRule;
use datafusion::optimizer::decorrelate::PullUpCorrelatedExpr;

/// Runs before type coercion, and before subqueries become joins.
#[derive(Debug)]
pub struct CorrelatedLimitRule;

impl AnalyzerRule for CorrelatedLimitRule {
    fn name(&self) -> &str {
        "correlated_limits"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let numbered = plan.transform_up_with_subqueries(|node| match node {
            LogicalPlan::Join(join) => {
                let right = Arc::new(in_relation(Arc::unwrap_or_clone(join.right))?.data);
                Ok(Transformed::yes(LogicalPlan::Join(Join { right, ..join })))
            }
            node => node.map_expressions(|expression| expression.transform_up(in_expression)),
        });
        numbered.map(|numbered| numbered.data)
    }
}

/// A lateral relation under its names.
fn in_relation(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    match plan {
        LogicalPlan::Subquery(subquery) => {
            Ok(Transformed::yes(LogicalPlan::Subquery(with_numbers(subquery)?)))
        }
        LogicalPlan::SubqueryAlias(_) | LogicalPlan::Projection(_) => {
            plan.map_children(in_relation)
        }
        other => Ok(Transformed::no(other)),
    }
}

/// EXISTS is left out: any LIMIT but 0 means nothing there.
fn in_expression(expression: Expr) -> Result<Transformed<Expr>> {
    Ok(Transformed::yes(match expression {
        Expr::ScalarSubquery(subquery) => Expr::ScalarSubquery(with_numbers(subquery)?),
        Expr::InSubquery(InSubquery { expr, subquery, negated }) => {
            Expr::InSubquery(InSubquery { expr, subquery: with_numbers(subquery)?, negated })
        }
        other => return Ok(Transformed::no(other)),
    }))
}

fn with_numbers(subquery: Subquery) -> Result<Subquery> {
    if subquery.outer_ref_columns.is_empty() {
        return Ok(subquery);
    }
    let plan = Arc::unwrap_or_clone(subquery.subquery).transform_down(|node| match &node {
        LogicalPlan::Limit(limit) => match numbered(limit)? {
            Some(numbered) => Ok(Transformed::new(numbered, true, TreeNodeRecursion::Jump)),
            None => Ok(Transformed::no(node)),
        },
        _ => Ok(Transformed::no(node)),
    })?;
    Ok(Subquery { subquery: Arc::new(plan.data), ..subquery })
}

/// The rows within the limit, of each outer row; `None` where the limit stands over nothing correlated, or
/// over something else than equalities.
fn numbered(limit: &Limit) -> Result<Option<LogicalPlan>> {
    let (SkipType::Literal(skip), FetchType::Literal(fetch)) =
        (limit.get_skip_type()?, limit.get_fetch_type()?)
    else {
        return Ok(None);
    };
    let (outputs, order, below) = ordered(&limit.input);
    let references = below.all_out_ref_exprs();
    if references.is_empty() || counts(below)? {
        return Ok(None);
    }
    let mut pull_up = PullUpCorrelatedExpr::new();
    let pulled = below.clone().rewrite(&mut pull_up)?.data;
    if !pull_up.can_pull_up {
        return Ok(None);
    }
    let mut compared = Vec::new();
    let mut conditions = Vec::new();
    for filter in pull_up.join_filters.iter().flat_map(split_conjunction) {
        let Some(inner) = compared_with_outer(filter, &pulled, &references) else {
            return Ok(None);
        };
        compared.push(inner);
        conditions.push(with_references(filter, &references)?);
    }
    let number = row_number().partition_by(compared);
    let number = match order.is_empty() {
        true => number.build()?,
        false => number.order_by(order).build()?,
    };
    let place = Expr::Column(Column::new_unqualified(number.schema_name().to_string()));
    let skip = u64::try_from(skip).unwrap_or(u64::MAX);
    conditions.push(place.clone().gt(lit(skip)));
    if let Some(fetch) = fetch {
        let last = skip.saturating_add(u64::try_from(fetch).unwrap_or(u64::MAX));
        conditions.push(place.lt_eq(lit(last)));
    }
    let condition = conjunction(conditions).unwrap_or_else(|| lit(true));
    LogicalPlanBuilder::from(pulled)
        .window([number])?
        .filter(condition)?
        .project(outputs)?
        .build()
        .map(Some)
}

/// What a limit's input gives, in which order, and the plan under it.
fn ordered(input: &LogicalPlan) -> (Vec<Expr>, Vec<SortExpr>, &LogicalPlan) {
    let columns =
        |plan: &LogicalPlan| plan.schema().columns().into_iter().map(Expr::Column).collect();
    match input {
        LogicalPlan::Sort(sort) => (columns(input), sort.expr.clone(), &sort.input),
        // Sorted by what is not in the result.
        LogicalPlan::Projection(projection) => match projection.input.as_ref() {
            LogicalPlan::Sort(sort) => (projection.expr.clone(), sort.expr.clone(), &sort.input),
            _ => (columns(input), Vec::new(), input),
        },
        _ => (columns(input), Vec::new(), input),
    }
}

/// Whether an aggregate gives a row even for no rows, which a number cannot.
fn counts(plan: &LogicalPlan) -> Result<bool> {
    plan.exists(|node| Ok(matches!(node, LogicalPlan::Aggregate(_))))
}

/// The side of an equality that is of the subquery, where the other is of the outer query.
fn compared_with_outer(filter: &Expr, inner: &LogicalPlan, outer: &[Expr]) -> Option<Expr> {
    let Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) = filter else {
        return None;
    };
    let schema = inner.schema();
    let is_inner = |side: &Expr| side.column_refs().into_iter().all(|c| schema.has_column(c));
    let is_outer = |side: &Expr| {
        let columns = side.column_refs();
        !columns.is_empty()
            && columns
                .into_iter()
                .all(|c| reference_to(c, outer).is_some() && !schema.has_column(c))
    };
    match () {
        () if is_inner(left) && is_outer(right) => Some(left.as_ref().clone()),
        () if is_inner(right) && is_outer(left) => Some(right.as_ref().clone()),
        () => None,
    }
}

fn reference_to<'a>(column: &Column, outer: &'a [Expr]) -> Option<&'a Expr> {
    outer.iter().find(
        |reference| matches!(reference, Expr::OuterReferenceColumn(_, known) if known == column),
    )
}

/// The condition as it stood in the subquery.
fn with_references(filter: &Expr, outer: &[Expr]) -> Result<Expr> {
    let referring = filter.clone().transform_up(|inner| match &inner {
        Expr::Column(column) => match reference_to(column, outer) {
            Some(reference) => Ok(Transformed::yes(reference.clone())),
            None => Ok(Transformed::no(inner)),
        },
        _ => Ok(Transformed::no(inner)),
    });
    referring.map(|referring| referring.data)
}
