//! Scalar subqueries that can give no row are NULL. DataFusion's decorrelation asks such a subquery for its
//! first expression and finds none. It leaves every other subquery alone.

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Distinct, Expr, LogicalPlan};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};

/// Puts NULL in the place of scalar subqueries without rows. Runs before they become joins.
#[derive(Debug)]
pub struct EmptySubqueryRule;

impl OptimizerRule for EmptySubqueryRule {
    fn name(&self) -> &str {
        "scalar_subqueries_without_rows"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        _: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        let names = NamePreserver::new(&plan);
        plan.map_expressions(|expression| {
            let name = names.save(&expression);
            let rewritten = expression.transform_up(without_rows)?;
            Ok(rewritten.update_data(|expression| name.restore(expression)))
        })
    }
}

fn without_rows(expression: Expr) -> Result<Transformed<Expr>> {
    let Expr::ScalarSubquery(subquery) = &expression else {
        return Ok(Transformed::no(expression));
    };
    if !is_empty(&subquery.subquery) {
        return Ok(Transformed::no(expression));
    }
    let schema = subquery.subquery.schema();
    let Some(field) = schema.fields().first() else { return Ok(Transformed::no(expression)) };
    let null = ScalarValue::try_new_null(field.data_type())?;
    Ok(Transformed::yes(Expr::Literal(null, None)))
}

/// Whether a plan gives no row, whatever is in the tables.
fn is_empty(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::EmptyRelation(empty) => !empty.produce_one_row,
        LogicalPlan::Filter(filter) => {
            matches!(&filter.predicate, Expr::Literal(ScalarValue::Boolean(Some(false)), _))
                || is_empty(&filter.input)
        }
        LogicalPlan::Projection(projection) => is_empty(&projection.input),
        LogicalPlan::SubqueryAlias(alias) => is_empty(&alias.input),
        LogicalPlan::Sort(sort) => is_empty(&sort.input),
        LogicalPlan::Limit(limit) => is_empty(&limit.input),
        LogicalPlan::Distinct(Distinct::All(input)) => is_empty(input),
        _ => false,
    }
}
