//! What keeps the rows that a view leaves out from its readers: below a barrier nothing of the reader's is
//! evaluated that could fail and so tell of a row, as a cast or a division does. It decides nothing about rights.
//!
//! PostgreSQL's name for it is `security_barrier`. Comparisons of columns and constants cannot fail and go
//! through, so that they still choose the files that are read.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNodeRecursion};
use datafusion::common::{DFSchemaRef, Result, Statistics, plan_err};
use datafusion::execution::context::QueryPlanner;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::expr::{Between, InList, Like};
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{
    BinaryExpr, Expr, Extension, Filter, LogicalPlan, UserDefinedLogicalNode,
    UserDefinedLogicalNodeCore,
};
use datafusion::optimizer::optimizer::ApplyOrder;
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::execution_plan::ReplaceChildrenOptions;
use datafusion::physical_plan::filter_pushdown::{FilterDescription, FilterPushdownPhase};
use datafusion::physical_plan::{
    ChildStats, DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, StatisticsArgs,
};
use datafusion::physical_planner::{DefaultPhysicalPlanner, ExtensionPlanner, PhysicalPlanner};

use super::comparison::is_comparison;

/// The plan of a view whose reader is not its owner.
#[derive(Debug, PartialEq, Eq, PartialOrd, Hash)]
struct Barrier {
    input: LogicalPlan,
}

/// `plan`, which tells no more than its rows do.
pub fn behind_barrier(plan: LogicalPlan) -> LogicalPlan {
    LogicalPlan::Extension(Extension { node: Arc::new(Barrier { input: plan }) })
}

impl UserDefinedLogicalNodeCore for Barrier {
    fn name(&self) -> &str {
        "Barrier"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        self.input.schema()
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Barrier")
    }

    fn with_exprs_and_inputs(&self, _: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> Result<Self> {
        match (inputs.pop(), inputs.is_empty()) {
            (Some(input), true) => Ok(Barrier { input }),
            _ => plan_err!("a barrier has one input"),
        }
    }

    fn necessary_children_exprs(&self, output_columns: &[usize]) -> Option<Vec<Vec<usize>>> {
        Some(vec![output_columns.to_vec()])
    }

    fn supports_limit_pushdown(&self) -> bool {
        true
    }
}

/// Lets conditions through barriers that cannot fail.
#[derive(Debug)]
pub struct BarrierRule;

impl OptimizerRule for BarrierRule {
    fn name(&self) -> &str {
        "harmless_conditions_through_barriers"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::TopDown)
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        _: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Filter(filter) = &plan else { return Ok(Transformed::no(plan)) };
        let Some(input) = behind(&filter.input) else { return Ok(Transformed::no(plan)) };
        let conditions = split_conjunction_owned(filter.predicate.clone());
        let (through, above): (Vec<_>, Vec<_>) = conditions.into_iter().partition(is_harmless);
        let Some(through) = conjunction(through) else { return Ok(Transformed::no(plan)) };
        let input = LogicalPlan::Filter(Filter::try_new(through, Arc::new(input.clone()))?);
        let barrier = behind_barrier(input);
        Ok(Transformed::yes(match conjunction(above) {
            Some(above) => LogicalPlan::Filter(Filter::try_new(above, Arc::new(barrier))?),
            None => barrier,
        }))
    }
}

/// What a barrier keeps, where the plan is one.
fn behind(plan: &LogicalPlan) -> Option<&LogicalPlan> {
    let LogicalPlan::Extension(extension) = plan else { return None };
    extension.node.as_any().downcast_ref::<Barrier>().map(|barrier| &barrier.input)
}

/// Whether an expression gives a value for every row, whatever is in it.
fn is_harmless(expression: &Expr) -> bool {
    match expression {
        Expr::Column(_) | Expr::Literal(..) => true,
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let cannot_fail = is_comparison(*op) || op.is_logic_operator();
            cannot_fail && is_harmless(left) && is_harmless(right)
        }
        Expr::Not(inner)
        | Expr::IsNull(inner)
        | Expr::IsNotNull(inner)
        | Expr::IsTrue(inner)
        | Expr::IsFalse(inner)
        | Expr::IsUnknown(inner)
        | Expr::IsNotTrue(inner)
        | Expr::IsNotFalse(inner)
        | Expr::IsNotUnknown(inner) => is_harmless(inner),
        Expr::Between(Between { expr, negated: _, low, high }) => {
            is_harmless(expr) && is_harmless(low) && is_harmless(high)
        }
        Expr::InList(InList { expr, list, negated: _ }) => {
            is_harmless(expr) && list.iter().all(is_harmless)
        }
        Expr::Like(Like { expr, pattern, .. }) => {
            is_harmless(expr) && matches!(pattern.as_ref(), Expr::Literal(..))
        }
        _ => false,
    }
}

/// DataFusion's planner, for plans with barriers too.
#[derive(Debug)]
pub struct BarrierPlanner;

#[async_trait]
impl QueryPlanner for BarrierPlanner {
    async fn create_physical_plan(
        &self,
        plan: &LogicalPlan,
        session: &dyn Session,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let planner =
            DefaultPhysicalPlanner::with_extension_planners(vec![Arc::new(BarrierPlanner)]);
        planner.create_physical_plan(plan, session).await
    }
}

#[async_trait]
impl ExtensionPlanner for BarrierPlanner {
    async fn plan_extension(
        &self,
        _: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _: &[&LogicalPlan],
        physical_inputs: &[Arc<dyn ExecutionPlan>],
        _: &dyn Session,
        _: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        match (node.as_any().is::<Barrier>(), physical_inputs) {
            (true, [input]) => Ok(Some(Arc::new(BarrierExec { input: Arc::clone(input) }))),
            _ => Ok(None),
        }
    }
}

/// Hands on batches as they are. Conditions are not pushed through it: that is the default of a plan.
#[derive(Debug)]
struct BarrierExec {
    input: Arc<dyn ExecutionPlan>,
}

impl DisplayAs for BarrierExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BarrierExec")
    }
}

impl ExecutionPlan for BarrierExec {
    fn name(&self) -> &str {
        "BarrierExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        around(children)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        around(children)
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        self.input.execute(partition, context)
    }

    fn child_stats_requests(&self, partition: Option<usize>) -> Vec<ChildStats> {
        vec![ChildStats::At(partition)]
    }

    fn statistics_from_inputs(
        &self,
        inputs: &[Arc<Statistics>],
        _: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        match inputs {
            [input] => Ok(Arc::clone(input)),
            _ => plan_err!("a barrier has one input"),
        }
    }

    fn supports_limit_pushdown(&self) -> bool {
        true
    }

    /// What joins and limits find out while they run are comparisons, which may go through.
    fn gather_filters_for_pushdown(
        &self,
        phase: FilterPushdownPhase,
        filters: Vec<Arc<dyn PhysicalExpr>>,
        _: &ConfigOptions,
    ) -> Result<FilterDescription> {
        match phase {
            FilterPushdownPhase::Pre => {
                Ok(FilterDescription::all_unsupported(&filters, &self.children()))
            }
            FilterPushdownPhase::Post => {
                FilterDescription::from_children(filters, &self.children())
            }
        }
    }
}

fn around(mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
    match (children.pop(), children.is_empty()) {
        (Some(input), true) => Ok(Arc::new(BarrierExec { input })),
        _ => plan_err!("a barrier has one input"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::logical_expr::{cast, col, lit};

    #[test]
    fn what_can_fail_stays_above() {
        assert!(is_harmless(&col("a").gt(lit(1)).and(col("b").is_null().or(lit(2).eq(col("c"))))));
        assert!(is_harmless(&col("a").in_list(vec![lit(1), lit(2)], false)));
        assert!(is_harmless(&col("a").like(lit("x%"))));
        let cast = cast(col("a"), datafusion::arrow::datatypes::DataType::Int32);
        assert!(!is_harmless(&cast.gt(lit(1))));
        assert!(!is_harmless(&(lit(1) / col("a")).eq(lit(1))));
        assert!(!is_harmless(&col("a").eq(lit(1)).or((lit(1) / col("a")).eq(lit(1)))));
    }
}
