//! Subqueries in the condition of a left or right join that use both of its sides: the side that may be absent
//! is put beside every value of the other that they need, and each row joins those of its own values.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, JoinType, Result};
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{
    Expr, Join, LogicalPlan, LogicalPlanBuilder, Operator, binary_expr,
};

use super::attach::Attachment;
use super::push::{Domain, Names, Pushed, refused};
use super::reference::{Renamed, at_hand, references, subquery_of};
use super::{Place, is_ours};

/// The join of two sides under the condition, whose subqueries use both.
pub fn over_both_sides(
    join: &Join,
    condition: Expr,
    (left, right): (LogicalPlan, LogicalPlan),
    names: &Names,
) -> Result<LogicalPlan> {
    let (whole, absent) = match join.join_type {
        JoinType::Left => (&left, &right),
        JoinType::Right => (&right, &left),
        _ => return Err(refused("the condition of a full join that compares both sides")),
    };
    let columns = needed(&condition, whole.schema(), &join.schema)?;
    let Pushed { plan, values } = Domain::new(whole, columns.clone(), names).instance()?;
    let beside = LogicalPlanBuilder::from(absent.clone()).cross_join(plan)?.build()?;
    let renamed: Renamed = columns.iter().cloned().zip(values.iter().cloned()).collect();
    let condition = condition.transform_up(|inner| match subquery_of(&inner) {
        Some(_) => beside_values(inner, &renamed).map(Transformed::yes),
        None => Ok(Transformed::no(inner)),
    })?;
    let schema = Arc::clone(beside.schema());
    let mut attachment = Attachment::new(beside, names);
    let chosen = |inner: &Expr| is_ours(inner, Place::Elsewhere, &schema);
    let condition = attachment.expression(condition.data, &chosen)?;
    let own = columns.into_iter().zip(values).map(|(column, value)| {
        binary_expr(Expr::Column(column), Operator::IsNotDistinctFrom, Expr::Column(value))
    });
    let filter = conjunction(own.chain([condition]));
    let (left, right) = match join.join_type {
        JoinType::Right => (attachment.plan, right),
        _ => (left, attachment.plan),
    };
    let joined = Join::try_new(
        Arc::new(left),
        Arc::new(right),
        join.on.clone(),
        filter,
        join.join_type,
        join.join_constraint,
        join.null_equality,
        join.null_aware,
    )?;
    Ok(LogicalPlan::Join(joined))
}

/// The columns of one side that the subqueries, and what is compared with them, use.
fn needed(condition: &Expr, side: &DFSchema, both: &DFSchema) -> Result<Vec<Column>> {
    let mut columns: Vec<Column> = Vec::new();
    condition.apply(|inner| {
        if let Some(subquery) = subquery_of(inner) {
            let compared = inner.column_refs().into_iter().cloned();
            for column in references(&subquery.subquery, both)?.into_iter().chain(compared) {
                if side.has_column(&column) && !columns.contains(&column) {
                    columns.push(column);
                }
            }
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(columns)
}

/// A subquery, and what is compared with it, over the values.
fn beside_values(subquery: Expr, renamed: &Renamed) -> Result<Expr> {
    let over = at_hand(subquery, renamed, &DFSchema::empty())?;
    let over = over.transform_up(|inner| match inner {
        Expr::Column(column) => Ok(match renamed.get(&column) {
            Some(value) => Transformed::yes(Expr::Column(value.clone())),
            None => Transformed::no(Expr::Column(column)),
        }),
        other => Ok(Transformed::no(other)),
    })?;
    Ok(over.data)
}
