//! A native system relation as DataFusion sees it: a table provider without state, and the scan that fills
//! batches from the statement's facts when it runs. No table is opened and nothing is fetched.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::config::ConfigOptions;
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, Statistics, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{
    Boundedness, EmissionType, ReplaceChildrenOptions,
};
use datafusion::physical_plan::filter_pushdown::{
    ChildPushdownResult, FilterPushdownPhase, FilterPushdownPropagation, PushedDown,
};
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, MetricBuilder, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties, StatisticsArgs,
};
use futures::{TryStreamExt, stream};

use crate::base::datatype::{NO_TYPMOD, PgType};
use crate::engine::facts::Facts;

use super::asked::Asked;
use super::field::field_of;
use super::join_lookup::JoinKeys;
use super::lookup::Lookup;
use super::recorded;
use super::recorded_rows::RecordedRows;
use super::rows::Rows;
use super::visible::Visible;

/// A relation of `lakegate_catalog`: what the SQL of the system views stands on.
pub struct NativeRelation {
    pub name: &'static str,
    pub columns: &'static [(&'static str, PgType)],
    /// Pushes the rows that the lookup admits, and may push more; each with a cell for every column.
    pub rows: fn(&Visible<'_>, &Lookup, &mut Rows) -> Result<()>,
}

impl fmt::Debug for NativeRelation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl NativeRelation {
    /// The Arrow schema of all columns.
    pub fn schema(&self) -> SchemaRef {
        let fields =
            self.columns.iter().filter_map(|&(name, pg_type)| field_of(name, pg_type, NO_TYPMOD));
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }
}

/// Where the rows of a system relation come from.
#[derive(Debug, Clone, Copy)]
pub enum RowSource {
    /// The statement's facts.
    Facts(&'static NativeRelation),
    /// PostgreSQL's own declarations.
    Recorded(&'static RecordedRows),
}

impl RowSource {
    fn name(self) -> &'static str {
        match self {
            RowSource::Facts(relation) => relation.name,
            RowSource::Recorded(recorded) => recorded.name,
        }
    }

    fn schema(self) -> SchemaRef {
        match self {
            RowSource::Facts(relation) => relation.schema(),
            RowSource::Recorded(recorded) => {
                let columns = recorded.relation().into_iter().flat_map(|found| &found.columns);
                let fields = columns.filter_map(|one| field_of(one.name, one.pg_type, one.typmod));
                Arc::new(Schema::new(fields.collect::<Vec<_>>()))
            }
        }
    }

    /// How many rows there are, about: it decides which side of a join is looked up by the other. A plan for
    /// many statements, which has no facts, is made for many relations.
    fn rows_about(self, facts: Option<&Facts>) -> usize {
        let own = || facts.map_or(RELATIONS_ABOUT, |facts| facts.snapshot.relations().count());
        let relations = || recorded::RELATIONS.len() + own();
        match self.name() {
            "attributes" => relations().saturating_mul(COLUMNS_ABOUT),
            "classes" => relations(),
            "types" => recorded::TYPES.len() + 2 * relations(),
            "procedures" => recorded::PROCEDURES.len(),
            "descriptions" => recorded::DESCRIPTIONS.len() + relations(),
            _ => OTHER_ROWS,
        }
    }

    /// How many values a column has in so many rows, about; `None` where that is not known.
    fn values_about(self, column: &str, rows: usize) -> Option<usize> {
        let values = match (self.name(), column) {
            ("attributes", "attrelid") => rows / COLUMNS_ABOUT,
            ("attributes", "attnum") => COLUMNS_ABOUT,
            ("attributes", "atttypid") => TYPES_OF_COLUMNS_ABOUT,
            ("classes", "relnamespace") | ("types", "typnamespace") => SCHEMAS_ABOUT,
            _ => return None,
        };
        Some(values.clamp(1, rows.max(1)))
    }

    fn push(self, facts: &Facts, lookup: &Lookup, rows: &mut Rows) -> Result<()> {
        match self {
            RowSource::Facts(relation) => (relation.rows)(&Visible::new(facts), lookup, rows),
            RowSource::Recorded(recorded) => recorded.push(lookup, rows),
        }
    }
}

/// Rows that a look-up finds, columns of a relation and rows of the small relations, about.
const FOUND_ROWS: usize = 10;
const COLUMNS_ABOUT: usize = 20;
const RELATIONS_ABOUT: usize = 1000;
const SCHEMAS_ABOUT: usize = 5;
const TYPES_OF_COLUMNS_ABOUT: usize = 20;
const OTHER_ROWS: usize = 500;

/// The provider of one native relation.
#[derive(Debug)]
pub struct NativeTable {
    source: RowSource,
    schema: SchemaRef,
}

impl NativeTable {
    pub fn new(source: RowSource) -> Self {
        NativeTable { source, schema: source.schema() }
    }
}

#[async_trait]
impl TableProvider for NativeTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let projection = match projection {
            Some(columns) => columns.clone(),
            None => (0..self.schema.fields().len()).collect(),
        };
        let schema = Arc::new(self.schema.project(&projection)?);
        let asked = Asked::new(filters, state)?;
        let rows = match asked.is_empty() {
            true => self.source.rows_about(Facts::of(state.config_options()).ok().as_ref()),
            false => FOUND_ROWS,
        };
        Ok(Arc::new(NativeScan::new(self.source, schema, projection, asked, rows)))
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        let support = |filter: &&Expr| match Asked::understands(filter) {
            true => TableProviderFilterPushDown::Inexact,
            false => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(support).collect())
    }
}

/// The scan of one native relation.
#[derive(Debug)]
struct NativeScan {
    source: RowSource,
    projection: Vec<usize>,
    asked: Asked,
    join_keys: JoinKeys,
    rows_about: usize,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl NativeScan {
    fn new(
        source: RowSource,
        schema: SchemaRef,
        projection: Vec<usize>,
        asked: Asked,
        rows_about: usize,
    ) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        let (join_keys, properties) = (JoinKeys::default(), Arc::new(properties));
        let metrics = ExecutionPlanMetricsSet::new();
        NativeScan { source, projection, asked, join_keys, rows_about, properties, metrics }
    }

    /// The same scan for another run.
    fn with_keys(&self, join_keys: JoinKeys) -> Arc<Self> {
        Arc::new(NativeScan {
            source: self.source,
            projection: self.projection.clone(),
            asked: self.asked.clone(),
            join_keys,
            rows_about: self.rows_about,
            properties: Arc::clone(&self.properties),
            metrics: ExecutionPlanMetricsSet::new(),
        })
    }
}

impl DisplayAs for NativeScan {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SystemScan: {}", self.source.name())?;
        for column in self.asked.columns() {
            write!(f, ", by {column}")?;
        }
        Ok(())
    }
}

impl ExecutionPlan for NativeScan {
    fn name(&self) -> &str {
        "SystemScan"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        // A join tells its keys only where it finds somebody who asks for them.
        self.join_keys.apply(f)
    }

    fn replace_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn with_new_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        if partition != 0 {
            return internal_err!("a system relation has one partition, not {partition}");
        }
        let schema = self.schema();
        let mut rows = Rows::new(Arc::clone(&schema), self.projection.clone());
        let (source, asked, join_keys) = (self.source, self.asked.clone(), self.join_keys.clone());
        let found = MetricBuilder::new(&self.metrics).output_rows(partition);
        // A join has read its other side when it asks for the first batch, and not before.
        let batches = async move {
            let lookup = join_keys.narrow(&asked.lookup()?, &rows.schema());
            source.push(&Facts::of(context.session_config().options())?, &lookup, &mut rows)?;
            let batches = rows.finish()?;
            found.add(batches.iter().map(RecordBatch::num_rows).sum());
            Ok::<_, DataFusionError>(stream::iter(batches.into_iter().map(Ok)))
        };
        let batches = stream::once(batches).try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
    }

    /// For another run, whose joins find other keys and say them to nobody.
    fn reset_state(self: Arc<Self>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self.with_keys(JoinKeys::default()))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn statistics_from_inputs(
        &self,
        _: &[Arc<Statistics>],
        _: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        let mut statistics = Statistics::new_unknown(&self.schema());
        statistics.num_rows = Precision::Inexact(self.rows_about);
        let columns = statistics.column_statistics.iter_mut();
        for (column, field) in columns.zip(self.schema().fields()) {
            if let Some(values) = self.source.values_about(field.name(), self.rows_about) {
                column.distinct_count = Precision::Inexact(values);
            }
        }
        Ok(Arc::new(statistics))
    }

    fn handle_child_pushdown_result(
        &self,
        phase: FilterPushdownPhase,
        result: ChildPushdownResult,
        _: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn ExecutionPlan>>> {
        let filters = result.parent_filters.into_iter().map(|filter| filter.filter);
        let filters: Vec<_> = filters.collect();
        let answer = FilterPushdownPropagation::with_parent_pushdown_result(vec![
            PushedDown::No;
            filters.len()
        ]);
        if !matches!(phase, FilterPushdownPhase::Post) || filters.is_empty() {
            return Ok(answer);
        }
        Ok(answer.with_updated_node(self.with_keys(self.join_keys.and(filters))))
    }
}
