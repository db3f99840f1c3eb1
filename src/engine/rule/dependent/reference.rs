//! References of a subquery to the columns of the query around it: which there are, and others in their
//! place. A reference means the nearest query that has the column. It builds no plans of its own.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, Result};
use datafusion::logical_expr::expr::{Exists, InSubquery, SetComparison};
use datafusion::logical_expr::logical_plan::Subquery;
use datafusion::logical_expr::{Expr, Join, LogicalPlan};

use super::super::schema_below;

/// The columns of `outer` that `plan` refers to, each once.
pub fn references(plan: &LogicalPlan, outer: &DFSchema) -> Result<Vec<Column>> {
    let mut found = Vec::new();
    collect(plan, &|column| outer.has_column(column), &mut found)?;
    Ok(found)
}

/// Whether `plan` refers to one of `columns`.
pub fn refers_to(plan: &LogicalPlan, columns: &[Column]) -> Result<bool> {
    let mut found = Vec::new();
    collect(plan, &|column| columns.contains(column), &mut found)?;
    Ok(!found.is_empty())
}

/// Whether an expression over `below` refers to one of `columns`, itself or in a subquery.
pub fn expression_refers_to(
    expression: &Expr,
    columns: &[Column],
    below: &DFSchema,
) -> Result<bool> {
    let mut found = Vec::new();
    collect_in_expression(expression, &|column| columns.contains(column), below, &mut found)?;
    Ok(!found.is_empty())
}

fn collect(
    plan: &LogicalPlan,
    wanted: &dyn Fn(&Column) -> bool,
    found: &mut Vec<Column>,
) -> Result<()> {
    let below = schema_below(plan)?;
    for expression in plan.expressions() {
        collect_in_expression(&expression, wanted, &below, found)?;
    }
    match plan {
        // What stands beside a lateral relation is nearer to it than the query around both.
        LogicalPlan::Join(join) => {
            collect(&join.left, wanted, found)?;
            let left = join.left.schema();
            collect(&join.right, &|column| wanted(column) && !left.has_column(column), found)
        }
        _ => plan.inputs().into_iter().try_for_each(|input| collect(input, wanted, found)),
    }
}

fn collect_in_expression(
    expression: &Expr,
    wanted: &dyn Fn(&Column) -> bool,
    below: &DFSchema,
    found: &mut Vec<Column>,
) -> Result<()> {
    expression.apply(|inner| {
        if let Expr::OuterReferenceColumn(_, column) = inner
            && wanted(column)
            && !found.contains(column)
        {
            found.push(column.clone());
        }
        if let Some(subquery) = subquery_of(inner) {
            let wanted = |column: &Column| wanted(column) && !below.has_column(column);
            collect(&subquery.subquery, &wanted, found)?;
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}

/// The subquery that an expression is.
pub fn subquery_of(expression: &Expr) -> Option<&Subquery> {
    match expression {
        Expr::Exists(exists) => Some(&exists.subquery),
        Expr::InSubquery(membership) => Some(&membership.subquery),
        Expr::SetComparison(comparison) => Some(&comparison.subquery),
        Expr::ScalarSubquery(subquery) => Some(subquery),
        _ => None,
    }
}

/// Whether an expression may be computed elsewhere, too: nothing in it is volatile, or a subquery.
pub fn is_movable(expression: &Expr) -> bool {
    let has_subquery = expression.exists(|inner| Ok(subquery_of(inner).is_some()));
    !has_subquery.unwrap_or(true) && !expression.is_volatile()
}

/// New columns for the ones that were referred to.
pub type Renamed = HashMap<Column, Column>;

/// The expression over `below` with the new columns at hand; its subqueries refer to them.
pub fn at_hand(expression: Expr, renamed: &Renamed, below: &DFSchema) -> Result<Expr> {
    let replaced = expression.transform_up(|inner| match inner {
        Expr::OuterReferenceColumn(field, column) => Ok(match renamed.get(&column) {
            Some(new) => Transformed::yes(Expr::Column(new.clone())),
            None => Transformed::no(Expr::OuterReferenceColumn(field, column)),
        }),
        inner => in_subquery(inner, &without(renamed, below)),
    })?;
    Ok(replaced.data)
}

/// The plan with references to the new columns.
pub fn referring(plan: &LogicalPlan, renamed: &Renamed) -> Result<LogicalPlan> {
    if renamed.is_empty() {
        return Ok(plan.clone());
    }
    let plan = match plan {
        LogicalPlan::Join(join) => {
            let left = referring(&join.left, renamed)?;
            let right = referring(&join.right, &without(renamed, join.left.schema()))?;
            LogicalPlan::Join(Join { left: Arc::new(left), right: Arc::new(right), ..join.clone() })
        }
        LogicalPlan::Subquery(subquery) => {
            LogicalPlan::Subquery(referring_subquery(subquery.clone(), renamed)?)
        }
        plan => {
            let inputs = plan.inputs().into_iter().map(|input| referring(input, renamed));
            let inputs = inputs.collect::<Result<Vec<_>>>()?;
            plan.with_new_exprs(plan.expressions(), inputs)?
        }
    };
    let below = schema_below(&plan)?;
    let nested = without(renamed, &below);
    let plan = plan.map_expressions(|expression| {
        expression.transform_up(|inner| match inner {
            Expr::OuterReferenceColumn(field, column) => Ok(match renamed.get(&column) {
                Some(new) => Transformed::yes(Expr::OuterReferenceColumn(field, new.clone())),
                None => Transformed::no(Expr::OuterReferenceColumn(field, column)),
            }),
            inner => in_subquery(inner, &nested),
        })
    })?;
    Ok(plan.data)
}

/// What a query nearer to its subqueries does not hide.
fn without(renamed: &Renamed, nearer: &DFSchema) -> Renamed {
    let visible = renamed.iter().filter(|(column, _)| !nearer.has_column(column));
    visible.map(|(column, new)| (column.clone(), new.clone())).collect()
}

fn in_subquery(expression: Expr, renamed: &Renamed) -> Result<Transformed<Expr>> {
    Ok(Transformed::yes(match expression {
        Expr::Exists(Exists { subquery, negated }) => {
            Expr::Exists(Exists { subquery: referring_subquery(subquery, renamed)?, negated })
        }
        Expr::InSubquery(InSubquery { expr, subquery, negated }) => Expr::InSubquery(InSubquery {
            expr,
            subquery: referring_subquery(subquery, renamed)?,
            negated,
        }),
        Expr::SetComparison(SetComparison { expr, subquery, op, quantifier }) => {
            let subquery = referring_subquery(subquery, renamed)?;
            Expr::SetComparison(SetComparison { expr, subquery, op, quantifier })
        }
        Expr::ScalarSubquery(subquery) => {
            Expr::ScalarSubquery(referring_subquery(subquery, renamed)?)
        }
        other => return Ok(Transformed::no(other)),
    }))
}

fn referring_subquery(subquery: Subquery, renamed: &Renamed) -> Result<Subquery> {
    if renamed.is_empty() {
        return Ok(subquery);
    }
    let plan = referring(&subquery.subquery, renamed)?;
    let outer = subquery.outer_ref_columns.into_iter().map(|reference| match reference {
        Expr::OuterReferenceColumn(field, column) => {
            let column = renamed.get(&column).cloned().unwrap_or(column);
            Expr::OuterReferenceColumn(field, column)
        }
        other => other,
    });
    Ok(Subquery {
        outer_ref_columns: outer.collect(),
        subquery: Arc::new(plan),
        spans: subquery.spans,
    })
}
