//! Integer literals that fit are `integer`, as in PostgreSQL; DataFusion makes each a 64-bit one. What a plan
//! keeps elsewhere (the working table of a recursive query, columns of an outer query) is not changed.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Cast, Expr, LogicalPlan, LogicalPlanBuilder};

/// Makes the literals of a freshly planned query 32-bit.
pub fn narrow_integer_literals(plan: LogicalPlan) -> Result<LogicalPlan> {
    if keeps_types_elsewhere(&plan)? {
        return Ok(plan);
    }
    plan.transform_up_with_subqueries(narrow_node).map(|narrowed| narrowed.data)
}

/// Whether the plan has the type of one of its columns written down in another place than a schema.
fn keeps_types_elsewhere(plan: &LogicalPlan) -> Result<bool> {
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        found |= matches!(node, LogicalPlan::RecursiveQuery(_));
        node.apply_expressions(|expression| {
            expression.apply(|inner| {
                found |= matches!(inner, Expr::OuterReferenceColumn(field, _)
                    if *field.data_type() == DataType::Int64);
                Ok(TreeNodeRecursion::Continue)
            })
        })?;
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

fn narrow_node(node: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    match node {
        // Counts of rows are 64-bit.
        LogicalPlan::Limit(_) => Ok(Transformed::no(node)),
        LogicalPlan::Values(values) => {
            let rows = values.values.into_iter().map(|row| {
                row.into_iter()
                    .map(|cell| narrow(untyped_null(cell)).map(|cell| cell.data))
                    .collect()
            });
            let rows = rows.collect::<Result<Vec<Vec<Expr>>>>()?;
            LogicalPlanBuilder::values(rows)?.build().map(Transformed::yes)
        }
        node => {
            let names = NamePreserver::new(&node);
            node.map_expressions(|expression| {
                let name = names.save(&expression);
                Ok(narrow(expression)?.update_data(|expression| name.restore(expression)))
            })?
            .map_data(LogicalPlan::recompute_schema)
        }
    }
}

/// A NULL in a list of integers has been given the type of 64-bit ones, which would make the column so.
fn untyped_null(cell: Expr) -> Expr {
    let is_null = |expression: &Expr| {
        matches!(expression, Expr::Literal(ScalarValue::Null | ScalarValue::Int64(None), _))
    };
    match &cell {
        Expr::Literal(ScalarValue::Int64(None), _) => Expr::Literal(ScalarValue::Null, None),
        Expr::Cast(Cast { expr, field })
            if *field.data_type() == DataType::Int64 && is_null(expr) =>
        {
            Expr::Literal(ScalarValue::Null, None)
        }
        _ => cell,
    }
}

fn narrow(expression: Expr) -> Result<Transformed<Expr>> {
    expression.transform_up(|inner| match inner {
        Expr::Literal(ScalarValue::Int64(Some(value)), metadata) => match i32::try_from(value) {
            Ok(value) => {
                Ok(Transformed::yes(Expr::Literal(ScalarValue::Int32(Some(value)), metadata)))
            }
            Err(_) => Ok(Transformed::no(Expr::Literal(ScalarValue::Int64(Some(value)), metadata))),
        },
        // `-2147483648` is written as the negation of what does not fit.
        Expr::Negative(inner) => Ok(match *inner {
            Expr::Literal(ScalarValue::Int64(Some(2_147_483_648)), metadata) => {
                Transformed::yes(Expr::Literal(ScalarValue::Int32(Some(i32::MIN)), metadata))
            }
            inner => Transformed::no(Expr::Negative(Box::new(inner))),
        }),
        other => Ok(Transformed::no(other)),
    })
}
