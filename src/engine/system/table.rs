//! A native system relation as DataFusion sees it: a table provider without state, and the scan that fills
//! batches from the statement's facts when it runs. No table is opened and nothing is fetched.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{
    Boundedness, EmissionType, ReplaceChildrenOptions,
};
use datafusion::physical_plan::memory::MemoryStream;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties,
};

use crate::base::datatype::{NO_TYPMOD, PgType};
use crate::engine::facts::Facts;

use super::field::field_of;
use super::lookup::Lookup;
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

    fn push(self, facts: &Facts, lookup: &Lookup, rows: &mut Rows) -> Result<()> {
        match self {
            RowSource::Facts(relation) => (relation.rows)(&Visible::new(facts), lookup, rows),
            RowSource::Recorded(recorded) => recorded.push(lookup, rows),
        }
    }
}

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
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let projection = match projection {
            Some(columns) => columns.clone(),
            None => (0..self.schema.fields().len()).collect(),
        };
        let schema = Arc::new(self.schema.project(&projection)?);
        Ok(Arc::new(NativeScan::new(self.source, schema, projection, Lookup::new(filters))))
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        let support = |filter: &&Expr| match Lookup::understands(filter) {
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
    lookup: Lookup,
    properties: Arc<PlanProperties>,
}

impl NativeScan {
    fn new(source: RowSource, schema: SchemaRef, projection: Vec<usize>, lookup: Lookup) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        NativeScan { source, projection, lookup, properties: Arc::new(properties) }
    }
}

impl DisplayAs for NativeScan {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SystemScan: {}", self.source.name())?;
        for column in self.lookup.columns() {
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
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
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
        let facts = Facts::of(context.session_config().options())?;
        let schema = self.schema();
        let mut rows = Rows::new(Arc::clone(&schema), self.projection.clone());
        self.source.push(facts, &self.lookup, &mut rows)?;
        Ok(Box::pin(MemoryStream::try_new(rows.finish()?, schema, None)?))
    }
}
