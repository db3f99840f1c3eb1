//! Rewriting the expressions of a logical plan, bottom-up. Only what a rewrite has touched is made anew: most rules
//! find nothing in most plans, and the schema of a node costs more than a look at its expressions. It knows no rule.

use std::borrow::Cow;
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, DFSchemaRef, Result};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Expr, LogicalPlan};

/// Rewrites every expression of a plan and of its subqueries, bottom-up. Columns keep their names. `rewrite` is given
/// each expression with the columns that it may name, and says truly whether it has changed it.
pub fn rewrite_expressions(
    plan: LogicalPlan,
    mut rewrite: impl FnMut(Expr, &DFSchema) -> Result<Transformed<Expr>>,
) -> Result<LogicalPlan> {
    rewrite_node(plan, &mut rewrite).map(|rewritten| rewritten.data)
}

type Rewrite<'a> = dyn FnMut(Expr, &DFSchema) -> Result<Transformed<Expr>> + 'a;

fn rewrite_node(plan: LogicalPlan, rewrite: &mut Rewrite<'_>) -> Result<Transformed<LogicalPlan>> {
    let rewritten = plan
        .map_subqueries(|subquery| rewrite_node(subquery, rewrite))?
        .transform_data(|node| node.map_children(|child| rewrite_node(child, rewrite)))?
        .transform_data(|node| rewrite_own(node, rewrite))?;
    match rewritten.transformed {
        true => rewritten.map_data(LogicalPlan::recompute_schema),
        false => Ok(rewritten),
    }
}

fn rewrite_own(node: LogicalPlan, rewrite: &mut Rewrite<'_>) -> Result<Transformed<LogicalPlan>> {
    let mut has_expressions = false;
    node.apply_expressions(|_| {
        has_expressions = true;
        Ok(TreeNodeRecursion::Stop)
    })?;
    if !has_expressions {
        return Ok(Transformed::no(node));
    }
    let inputs: Vec<DFSchemaRef> =
        node.inputs().into_iter().map(|input| Arc::clone(input.schema())).collect();
    let schema = columns_below(&node, &inputs)?;
    let names = NamePreserver::new(&node);
    node.map_expressions(|expression| {
        let name = names.save(&expression);
        let rewritten = expression.transform_up(|inner| rewrite(inner, &schema))?;
        Ok(rewritten.update_data(|expression| name.restore(expression)))
    })
}

/// The columns that a node's expressions name, which lie in `inputs`.
fn columns_below<'i>(node: &LogicalPlan, inputs: &'i [DFSchemaRef]) -> Result<Cow<'i, DFSchema>> {
    if let LogicalPlan::TableScan(scan) = node {
        let source = scan.source.schema();
        let name = scan.table_name.clone();
        return DFSchema::try_from_qualified_schema(name, &source).map(Cow::Owned);
    }
    if let [input] = inputs {
        return Ok(Cow::Borrowed(input.as_ref()));
    }
    let mut merged = DFSchema::empty();
    for input in inputs {
        merged.merge(input);
    }
    Ok(Cow::Owned(merged))
}
