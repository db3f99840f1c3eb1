//! Materialized views: REFRESH, and what reading one gives that has no rows yet. Making one is CREATE TABLE AS
//! (`tables`). It authorizes nobody.

use std::borrow::Cow;
use std::sync::Arc;

use datafusion::arrow::datatypes::{FieldRef, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, TableSource, lit};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::stream;

use crate::base::{Error, ErrorKind, Result};
use crate::bind::BoundQuery;
use crate::bind::bound::BoundRefresh;
use crate::catalog::{Change, Relation};
use crate::delta::change;

use super::error::from_datafusion;
use super::facts::{FactValues, Facts};
use super::insert::{assigned, name_relation};
use super::open::location_of;
use super::planner::Planner;
use super::{Completion, Engine, Request};

impl Engine {
    /// REFRESH: the rows that the query gives now, in one commit, in place of those of before.
    pub(super) async fn refresh(
        self: &Arc<Self>,
        refresh: BoundRefresh,
        request: &Request,
    ) -> Result<Completion> {
        let BoundRefresh { relation, query } = refresh;
        let (id, populated) = (relation.id, query.is_some());
        let was_populated = relation.as_materialized().is_some_and(|before| before.populated);
        let engine = Arc::clone(self);
        let refresh = move |request: Request, change: Option<Change>| {
            let (engine, relation, query) =
                (Arc::clone(&engine), Arc::clone(&relation), query.clone());
            async move {
                let (running, within) = (Arc::clone(&engine), request.clone());
                let rows = async move { running.refresh_rows(&relation, query, &within).await };
                engine.cpu.run(rows).await?;
                match change {
                    Some(change) => engine.change_metastore(&[change], &request).await,
                    None => Ok(()),
                }
            }
        };
        let _admitted = self.admission.enter().await?;
        if populated && was_populated {
            refresh(request.clone(), None).await?;
        } else {
            // Its rows, and that there are some to read, are one.
            let change = Change::SetPopulated { id, populated };
            self.as_one(request, |within| refresh(within, Some(change.clone()))).await?;
        }
        Ok(Completion::new("REFRESH MATERIALIZED VIEW"))
    }

    async fn refresh_rows(
        &self,
        relation: &Relation,
        query: Option<Arc<BoundQuery>>,
        request: &Request,
    ) -> Result<()> {
        let location = location_of(relation)?;
        let version = self.open_newest(relation, &request.work).await?;
        let facts = facts_of_owner(&request.facts, relation);
        let state = self.context.statement(&facts);
        let rows = match query {
            None => no_rows(&version.schema())?,
            Some(query) => {
                let opened = self.open_all(&query.relations, &request.work, &state).await?;
                // Positions in the query's text would point into a text that nobody sent.
                let planner = Planner::new(&state, "", &[]);
                let view = self.view(relation, &query, &opened, &planner)?;
                let plan = view.get_logical_plan().map(Cow::into_owned);
                plan.ok_or_else(|| Error::internal("a view has no plan"))?
            }
        };
        let targets: Vec<FieldRef> = version.schema().fields().iter().map(Arc::clone).collect();
        let rows = assigned(rows, &targets)?;
        let ctx = self.change_context(state, request, None);
        let outcome = change::overwrite(&ctx, &location, rows).await;
        outcome.map(drop).map_err(|error| name_relation(error, relation, &request.facts.snapshot))
    }
}

/// The same session, acting as the owner: what system relations and functions tell whoever refreshes is not what
/// readers may know.
fn facts_of_owner(facts: &Facts, relation: &Relation) -> Facts {
    let owner = facts.snapshot.principal_by_id(relation.owner);
    let current_user = owner.map(|owner| owner.name.clone()).unwrap_or_default();
    let values = FactValues {
        principal: Some(relation.owner),
        current_user,
        // Nor does the query act on the session: what `set_config` and `pg_notify` ask for is not done.
        assignments: Arc::default(),
        notifications: Arc::default(),
        ..FactValues::clone(facts)
    };
    Facts::new(values).watched(facts.watch().clone())
}

fn no_rows(schema: &SchemaRef) -> Result<LogicalPlan> {
    let nulls = schema.fields().iter().map(|field| {
        let null = ScalarValue::try_from(field.data_type());
        null.map(|null| lit(null).alias(field.name()))
    });
    let nulls = nulls.collect::<std::result::Result<Vec<_>, _>>().map_err(from_datafusion)?;
    LogicalPlanBuilder::empty(false)
        .project(nulls)
        .and_then(LogicalPlanBuilder::build)
        .map_err(from_datafusion)
}

/// What stands for a materialized view that is not populated: its columns, and 55000 for whoever wants rows.
pub(super) fn unpopulated(
    relation: &Relation,
    columns: &dyn TableProvider,
) -> Result<Arc<dyn TableProvider>> {
    let schema = columns.schema();
    let rows = Unpopulated { schema: Arc::clone(&schema), name: relation.name.clone() };
    let table = StreamingTable::try_new(schema, vec![Arc::new(rows)]).map_err(from_datafusion)?;
    Ok(Arc::new(table))
}

pub(super) fn not_populated(name: &str) -> Error {
    let message = format!("materialized view \"{name}\" has not been populated");
    Error::new(ErrorKind::ObjectNotInPrerequisiteState, message)
        .with_hint("Use the REFRESH MATERIALIZED VIEW command.")
}

/// See [`unpopulated`].
#[derive(Debug)]
struct Unpopulated {
    schema: SchemaRef,
    name: String,
}

impl PartitionStream for Unpopulated {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _ctx: Arc<TaskContext>) -> SendableRecordBatchStream {
        let error = DataFusionError::External(Box::new(not_populated(&self.name)));
        let rows = stream::iter([Err(error)]);
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), rows))
    }
}
