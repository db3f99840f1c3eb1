//! Joins whose merged columns DataFusion takes from the wrong side.

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, JoinConstraint, JoinType, Result};
use datafusion::logical_expr::LogicalPlan;

use crate::base::Error;

/// Refuses RIGHT and FULL JOIN … USING: the merged column would be the left one, which has no value where
/// only the right side has a row.
pub fn refuse_merged_columns(plan: &LogicalPlan) -> Result<()> {
    plan.apply_with_subqueries(|node| match node {
        LogicalPlan::Join(join)
            if join.join_constraint == JoinConstraint::Using
                && matches!(join.join_type, JoinType::Right | JoinType::Full) =>
        {
            let error = Error::unsupported(format!(
                "{} JOIN with USING or NATURAL",
                join.join_type.to_string().to_uppercase()
            ))
            .with_hint("Write the condition with ON, and COALESCE for the merged column.");
            Err(DataFusionError::External(Box::new(error)))
        }
        _ => Ok(TreeNodeRecursion::Continue),
    })?;
    Ok(())
}
