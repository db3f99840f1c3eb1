//! The physical optimizer rule that keeps operators from computing on when nobody waits for them. DataFusion
//! lets leaves of a plan yield; an operator that makes much out of what it has read would not.
//!
//! - Operators that make more batches than they read give their turn back every so many batches, and stop when
//!   nobody waits. So does what window functions read, since they may compute for long over each batch.
//! - The condition of a join is where a join without an equality spends its time, often without a row to
//!   give: it asks whether anyone waits.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::datatypes::{FieldRef, Schema};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::lit;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::coop::make_cooperative;
use datafusion::physical_plan::execution_plan::{
    ChildrenPropertiesMode, EmissionType, ReplaceChildrenOptions, SchedulingType,
};
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::joins::utils::JoinFilter;
use datafusion::physical_plan::joins::{
    CrossJoinExec, HashJoinExec, HashJoinExecBuilder, NestedLoopJoinExec,
    NestedLoopJoinExecBuilder, SortMergeJoinExec,
};
use datafusion::physical_plan::limit::{GlobalLimitExec, LocalLimitExec};
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::union::UnionExec;
use datafusion::physical_plan::unnest::UnnestExec;
use datafusion::physical_plan::windows::{BoundedWindowAggExec, WindowAggExec};
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::StreamExt;

use super::awaited::Watch;
use super::facts::Facts;

/// Runs after DataFusion's own rules.
#[derive(Debug)]
pub struct YieldingRule;

impl YieldingRule {
    pub const NAME: &'static str = "yielding";
}

impl PhysicalOptimizerRule for YieldingRule {
    fn name(&self) -> &str {
        YieldingRule::NAME
    }

    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        options: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let watch = match Facts::of(options) {
            Ok(facts) => facts.watch().clone(),
            Err(_) => Watch::default(),
        };
        plan.transform_up(|node| yielding(node, &watch)).map(|yielding| yielding.data)
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn yielding(
    node: Arc<dyn ExecutionPlan>,
    watch: &Watch,
) -> Result<Transformed<Arc<dyn ExecutionPlan>>> {
    let node = match watched_join(&node, watch)? {
        Some(join) => join,
        None => node,
    };
    if node.is::<WindowAggExec>() || node.is::<BoundedWindowAggExec>() {
        let inputs = node.children().into_iter().map(|input| {
            Arc::new(YieldingExec::new(Arc::clone(input), watch.clone())) as Arc<dyn ExecutionPlan>
        });
        let inputs = inputs.collect();
        let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
        return node.replace_children(inputs, options).map(Transformed::yes);
    }
    let yields = node.properties().scheduling_type == SchedulingType::Cooperative;
    if yields || !makes_more_than_it_reads(node.as_ref()) {
        return Ok(Transformed::yes(node));
    }
    Ok(Transformed::yes(Arc::new(YieldingExec::new(node, watch.clone()))))
}

fn makes_more_than_it_reads(node: &dyn ExecutionPlan) -> bool {
    let multiplies = node.is::<NestedLoopJoinExec>()
        || node.is::<CrossJoinExec>()
        || node.is::<HashJoinExec>()
        || node.is::<SortMergeJoinExec>()
        || node.is::<UnnestExec>();
    let passes_on = node.is::<ProjectionExec>()
        || node.is::<FilterExec>()
        || node.is::<UnionExec>()
        || node.is::<LocalLimitExec>()
        || node.is::<GlobalLimitExec>();
    // What only passes batches on inherits that they come at the end.
    multiplies || !passes_on && node.properties().emission_type == EmissionType::Final
}

/// The join with a condition that asks whether anyone waits; `None` for what is no such join.
fn watched_join(
    node: &Arc<dyn ExecutionPlan>,
    watch: &Watch,
) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let watched = |filter: &JoinFilter| {
        let condition = Watched { inner: Arc::clone(filter.expression()), watch: watch.clone() };
        let columns = filter.column_indices().to_vec();
        JoinFilter::new(Arc::new(condition), columns, Arc::clone(filter.schema()))
    };
    if let Some(join) = node.downcast_ref::<NestedLoopJoinExec>() {
        let always = || JoinFilter::new(lit(true), Vec::new(), Arc::new(Schema::empty()));
        let filter = join.filter().cloned().unwrap_or_else(always);
        let join = NestedLoopJoinExecBuilder::from(join).with_filter(Some(watched(&filter)));
        return Ok(Some(Arc::new(join.build()?)));
    }
    if let Some(join) = node.downcast_ref::<HashJoinExec>()
        && let Some(filter) = join.filter()
    {
        let join = HashJoinExecBuilder::from(join).with_filter(Some(watched(filter)));
        return Ok(Some(Arc::new(join.build()?)));
    }
    if let Some(join) = node.downcast_ref::<SortMergeJoinExec>()
        && let Some(filter) = join.filter()
    {
        let join = SortMergeJoinExec::try_new(
            Arc::clone(join.left()),
            Arc::clone(join.right()),
            join.on().to_vec(),
            Some(watched(filter)),
            join.join_type(),
            join.sort_options().to_vec(),
            join.null_equality(),
        )?;
        return Ok(Some(Arc::new(join)));
    }
    Ok(None)
}

/// Its input, which now and then gives its turn back and ends when nobody waits for it.
#[derive(Debug, Clone)]
struct YieldingExec {
    input: Arc<dyn ExecutionPlan>,
    watch: Watch,
    properties: Arc<PlanProperties>,
}

impl YieldingExec {
    fn new(input: Arc<dyn ExecutionPlan>, watch: Watch) -> Self {
        let properties = PlanProperties::clone(input.properties())
            .with_scheduling_type(SchedulingType::Cooperative);
        YieldingExec { input, watch, properties: Arc::new(properties) }
    }
}

impl DisplayAs for YieldingExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl ExecutionPlan for YieldingExec {
    fn name(&self) -> &str {
        "YieldingExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
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
        match children.into_iter().next() {
            Some(input) => Ok(Arc::new(YieldingExec::new(input, self.watch.clone()))),
            None => Ok(self),
        }
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
        self.replace_children(children, options)
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let batches = make_cooperative(self.input.execute(partition, context)?);
        let (schema, watch) = (batches.schema(), self.watch.clone());
        let batches = batches.map(move |batch| watch.check().and(batch));
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
    }
}

/// A condition that fails when nobody waits for what it decides.
#[derive(Debug)]
struct Watched {
    inner: Arc<dyn PhysicalExpr>,
    watch: Watch,
}

impl PhysicalExpr for Watched {
    fn return_field(&self, schema: &Schema) -> Result<FieldRef> {
        self.inner.return_field(schema)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        self.watch.check()?;
        self.inner.evaluate(batch)
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.inner]
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        match children.into_iter().next() {
            Some(inner) => Ok(Arc::new(Watched { inner, watch: self.watch.clone() })),
            None => Ok(self),
        }
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt_sql(f)
    }
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.inner, f)
    }
}

/// Conditions are the same when they decide the same.
impl PartialEq for Watched {
    fn eq(&self, other: &Self) -> bool {
        self.inner.eq(&other.inner)
    }
}

impl Eq for Watched {}

impl Hash for Watched {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}
