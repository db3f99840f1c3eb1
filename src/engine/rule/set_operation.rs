//! EXCEPT ALL and INTERSECT ALL, which count: a row that stands three times on the left and once on the right
//! stands twice in the difference. DataFusion's joins only ask whether a row is on the other side.

use std::sync::Arc;

use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, JoinType, NullEquality, Result};
use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::{Expr, ExprFunctionExt, Join, LogicalPlan, LogicalPlanBuilder};

/// Which of its equals a row is.
const COPY: &str = "__copy";

/// Makes the set operations of a freshly planned query count.
pub fn count_copies(plan: LogicalPlan) -> Result<LogicalPlan> {
    let counted = plan.transform_up_with_subqueries(|node| match node {
        LogicalPlan::Join(join) if is_counted(&join) => with_copies(join).map(Transformed::yes),
        other => Ok(Transformed::no(other)),
    });
    counted.map(|counted| counted.data)
}

/// Only set operations compare NULLs as equal in a fresh plan; without ALL their left side is distinct, and
/// there is nothing to count.
fn is_counted(join: &Join) -> bool {
    let is_copy = |key: &Expr| matches!(key, Expr::Column(column) if column.name == COPY);
    matches!(join.join_type, JoinType::LeftSemi | JoinType::LeftAnti)
        && join.null_equality == NullEquality::NullEqualsNull
        && !matches!(join.left.as_ref(), LogicalPlan::Distinct(_))
        // A view's plan has been here before.
        && !join.on.iter().any(|(left, _)| is_copy(left))
}

fn with_copies(join: Join) -> Result<LogicalPlan> {
    let columns = join.left.schema().columns();
    let left = numbered(Arc::unwrap_or_clone(join.left))?;
    let right = numbered(Arc::unwrap_or_clone(join.right))?;
    let copy = || Expr::Column(Column::new_unqualified(COPY));
    let mut on = join.on;
    on.push((copy(), copy()));
    let joined = Join::try_new(
        Arc::new(left),
        Arc::new(right),
        on,
        join.filter,
        join.join_type,
        join.join_constraint,
        join.null_equality,
        join.null_aware,
    )?;
    LogicalPlanBuilder::from(LogicalPlan::Join(joined))
        .project(columns.into_iter().map(Expr::Column))?
        .build()
}

/// The rows with their place among their equals.
fn numbered(plan: LogicalPlan) -> Result<LogicalPlan> {
    let columns: Vec<Expr> = plan.schema().columns().into_iter().map(Expr::Column).collect();
    let number = row_number().partition_by(columns.clone()).build()?;
    let name = number.schema_name().to_string();
    let copy = Expr::Column(Column::new_unqualified(name)).alias(COPY);
    LogicalPlanBuilder::from(plan)
        .window([number])?
        .project(columns.into_iter().chain([copy]))?
        .build()
}
