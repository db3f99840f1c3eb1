//! Subqueries of a change: those that stand for themselves are run once, before the change, so that
//! every look at them sees the same. It never changes what an expression means.

use std::sync::Arc;

use datafusion::arrow::array::Array;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, ScalarValue};
use datafusion::datasource::{MemTable, provider_as_source};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::logical_expr::expr::{Exists, InSubquery};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, Subquery, in_list, lit};
use datafusion::physical_plan::execute_stream;
use futures::StreamExt;

use super::ChangeContext;
use super::error::of_datafusion;
use crate::base::{Error, ErrorKind, Result};

/// Values of `IN (SELECT …)` up to which they become a list, which can skip files.
const LIST_VALUES_MAX: usize = 10_000;

/// The name of rows that are kept in memory.
const MATERIALIZED: &str = "__lakegate_materialized";

/// Rows that are kept in memory for a change, and the memory that they take.
#[derive(Default)]
pub struct Kept(Vec<MemoryReservation>);

impl Kept {
    /// An expression whose subqueries, but for those that refer to its rows, are replaced by what they
    /// give.
    pub async fn evaluated(&mut self, ctx: &ChangeContext, expr: Expr) -> Result<Expr> {
        let mut expr = expr;
        while let Some(subquery) = first_independent(&expr) {
            let value = self.value(ctx, &subquery).await?;
            let replaced = expr.transform_up(|node| {
                Ok(if node == subquery {
                    Transformed::yes(value.clone())
                } else {
                    Transformed::no(node)
                })
            });
            expr = replaced.map_err(of_datafusion)?.data;
        }
        Ok(expr)
    }

    /// A plan that gives the same rows however often it is run.
    pub async fn repeatable(
        &mut self,
        ctx: &ChangeContext,
        plan: LogicalPlan,
    ) -> Result<LogicalPlan> {
        if is_repeatable(&plan) { Ok(plan) } else { self.materialized(ctx, &plan).await }
    }

    async fn value(&mut self, ctx: &ChangeContext, subquery: &Expr) -> Result<Expr> {
        match subquery {
            Expr::ScalarSubquery(query) => self.scalar(ctx, query).await.map(lit),
            Expr::Exists(Exists { subquery, negated }) => {
                let first = LogicalPlanBuilder::new_from_arc(Arc::clone(&subquery.subquery))
                    .limit(0, Some(1))
                    .and_then(|plan| plan.build())
                    .map_err(of_datafusion)?;
                let rows = self.collected(ctx, &first).await?;
                Ok(lit(rows.iter().any(|batch| batch.num_rows() > 0) != *negated))
            }
            Expr::InSubquery(InSubquery { expr, subquery, negated }) => {
                let batches = self.collected(ctx, &subquery.subquery).await?;
                match listed(&batches)? {
                    Some(list) if list.is_empty() => Ok(lit(*negated)),
                    Some(list) => Ok(in_list(expr.as_ref().clone(), list, *negated)),
                    None => {
                        let plan = in_memory(&subquery.subquery, batches)?;
                        let subquery = same_subquery(subquery, plan);
                        Ok(Expr::InSubquery(InSubquery::new(expr.clone(), subquery, *negated)))
                    }
                }
            }
            Expr::SetComparison(comparison) => {
                let plan = self.materialized(ctx, &comparison.subquery.subquery).await?;
                let mut comparison = comparison.clone();
                comparison.subquery = same_subquery(&comparison.subquery, plan);
                Ok(Expr::SetComparison(comparison))
            }
            _ => Err(Error::internal("an expression that is no subquery")),
        }
    }

    async fn scalar(&mut self, ctx: &ChangeContext, query: &Subquery) -> Result<ScalarValue> {
        let batches = self.collected(ctx, &query.subquery).await?;
        let mut rows = batches.iter().filter(|batch| batch.num_rows() > 0);
        let (first, second) = (rows.next(), rows.next());
        let Some(first) = first else {
            let field = query.subquery.schema().field(0);
            return ScalarValue::try_from(field.data_type()).map_err(of_datafusion);
        };
        if first.num_rows() > 1 || second.is_some() {
            return Err(Error::new(
                ErrorKind::CardinalityViolation,
                "more than one row returned by a subquery used as an expression",
            ));
        }
        ScalarValue::try_from_array(first.column(0), 0).map_err(of_datafusion)
    }

    async fn materialized(
        &mut self,
        ctx: &ChangeContext,
        plan: &LogicalPlan,
    ) -> Result<LogicalPlan> {
        let batches = self.collected(ctx, plan).await?;
        in_memory(plan, batches)
    }

    async fn collected(
        &mut self,
        ctx: &ChangeContext,
        plan: &LogicalPlan,
    ) -> Result<Vec<RecordBatch>> {
        let pool = &ctx.state.runtime_env().memory_pool;
        let memory = MemoryConsumer::new("rows of a subquery").register(pool);
        let plan = ctx.state.create_physical_plan(plan).await.map_err(of_datafusion)?;
        let mut stream = execute_stream(plan, ctx.state.task_ctx()).map_err(of_datafusion)?;
        let mut batches = Vec::new();
        while let Some(batch) = stream.next().await {
            let batch = batch.map_err(of_datafusion)?;
            memory.try_grow(batch.get_array_memory_size()).map_err(of_datafusion)?;
            batches.push(batch);
        }
        self.0.push(memory);
        Ok(batches)
    }
}

fn subquery_of(expr: &Expr) -> Option<&Subquery> {
    match expr {
        Expr::ScalarSubquery(subquery) => Some(subquery),
        Expr::Exists(exists) => Some(&exists.subquery),
        Expr::InSubquery(in_subquery) => Some(&in_subquery.subquery),
        Expr::SetComparison(comparison) => Some(&comparison.subquery),
        _ => None,
    }
}

/// The first subquery that refers to nothing outside of it, and is not in memory yet.
fn first_independent(expr: &Expr) -> Option<Expr> {
    let mut found = None;
    let visited = expr.apply(|node| {
        if let Some(subquery) = subquery_of(node)
            && subquery.outer_ref_columns.is_empty()
            && !is_in_memory(&subquery.subquery)
        {
            found = Some(node.clone());
            return Ok(TreeNodeRecursion::Stop);
        }
        Ok(TreeNodeRecursion::Continue)
    });
    visited.ok().and(found)
}

/// Subqueries that refer to rows of the table are run as often as the expression is asked. Where that is more than
/// once, they must give the same each time.
///
/// Errors: 0A000.
pub fn check_dependent(expr: &Expr) -> Result<()> {
    let unstable = expr.exists(|node| {
        let plan = subquery_of(node).map(|subquery| &subquery.subquery);
        Ok(plan.is_some_and(|plan| !is_in_memory(plan) && has_random_choice(plan)))
    });
    if unstable.map_err(of_datafusion)? {
        return Err(Error::unsupported(
            "LIMIT or a volatile function in a correlated subquery in a condition of MERGE",
        ));
    }
    Ok(())
}

/// Whether two runs of a plan may give different rows.
fn has_random_choice(plan: &LogicalPlan) -> bool {
    plan.exists(|node| {
        let choice = matches!(node, LogicalPlan::Limit(_) | LogicalPlan::Window(_));
        Ok(choice || node.expressions().iter().any(Expr::is_volatile))
    })
    .unwrap_or(true)
}

/// Scans, filters, projections and joins give the same rows each time. Everything else may depend on
/// the order in which rows come.
fn is_repeatable(plan: &LogicalPlan) -> bool {
    let unrepeatable = plan.exists(|node| {
        let simple = matches!(
            node,
            LogicalPlan::TableScan(_)
                | LogicalPlan::Projection(_)
                | LogicalPlan::Filter(_)
                | LogicalPlan::Join(_)
                | LogicalPlan::SubqueryAlias(_)
                | LogicalPlan::Union(_)
                | LogicalPlan::Values(_)
                | LogicalPlan::EmptyRelation(_)
        );
        let plain = |expr: &Expr| !expr.is_volatile() && !has_subquery(expr);
        Ok(!simple || !node.expressions().iter().all(plain))
    });
    !unrepeatable.unwrap_or(true)
}

fn has_subquery(expr: &Expr) -> bool {
    expr.exists(|node| Ok(subquery_of(node).is_some())).unwrap_or(true)
}

fn is_in_memory(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::TableScan(scan) => scan.table_name.table() == MATERIALIZED,
        LogicalPlan::Projection(projection) => is_in_memory(&projection.input),
        _ => false,
    }
}

fn listed(batches: &[RecordBatch]) -> Result<Option<Vec<Expr>>> {
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    if rows > LIST_VALUES_MAX {
        return Ok(None);
    }
    let mut list = Vec::with_capacity(rows);
    for batch in batches {
        let values = batch.column(0);
        for row in 0..values.len() {
            list.push(lit(ScalarValue::try_from_array(values, row).map_err(of_datafusion)?));
        }
    }
    Ok(Some(list))
}

/// The rows of a plan, under the names that the plan gives them.
fn in_memory(plan: &LogicalPlan, batches: Vec<RecordBatch>) -> Result<LogicalPlan> {
    // Columns of a plan may share a name, under different qualifiers; those of a table may not.
    let schema = plan.schema();
    let numbered = schema.fields().iter().enumerate().map(|(position, field)| {
        field.as_ref().clone().with_name(format!("c{position}")).with_nullable(true)
    });
    let table = Arc::new(datafusion::arrow::datatypes::Schema::new(numbered.collect::<Vec<_>>()));
    let batches: Result<Vec<RecordBatch>, _> = batches
        .into_iter()
        .map(|batch| RecordBatch::try_new(Arc::clone(&table), batch.columns().to_vec()))
        .collect();
    let batches = batches.map_err(super::error::of_arrow)?;
    let table = MemTable::try_new(table, vec![batches]).map_err(of_datafusion)?;
    let names = schema.iter().enumerate().map(|(position, (qualifier, field))| {
        let column = Column::new(Some(MATERIALIZED), format!("c{position}"));
        Expr::Column(column).alias_qualified(qualifier.cloned(), field.name())
    });
    LogicalPlanBuilder::scan(MATERIALIZED, provider_as_source(Arc::new(table)), None)
        .and_then(|scan| scan.project(names.collect::<Vec<_>>()))
        .and_then(|plan| plan.build())
        .map_err(of_datafusion)
}

fn same_subquery(subquery: &Subquery, plan: LogicalPlan) -> Subquery {
    Subquery {
        subquery: Arc::new(plan),
        outer_ref_columns: Vec::new(),
        spans: subquery.spans.clone(),
    }
}
