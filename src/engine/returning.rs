//! RETURNING: the rows that a change has made or taken away, given back once it is made. It changes nothing.

use std::sync::Arc;

use datafusion::arrow::datatypes::FieldRef;
use datafusion::datasource::provider_as_source;
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;

use crate::base::datatype::PgType;
use crate::base::name::ObjectName;
use crate::base::{Error, ErrorKind, Result};
use crate::bind::{BoundQuery, BoundStatement};
use crate::catalog::Relation;
use crate::delta::TableVersion;
use crate::delta::change::{ChangeContext, Returned};
use crate::sql::CHANGED_ROWS;

use super::admission::Place;
use super::output::{Origins, RelationOrigin};
use super::planner::Planner;
use super::query::{
    PlannedQuery, PreparedQuery, bind_parameters, parameter_field, parameter_fields,
};
use super::stream::RowStream;
use super::{Completion, Description, Engine, Outcome, Request};

/// What a change gives back, planned before it is made.
pub(super) struct Returning(PreparedQuery);

impl Engine {
    /// Plans what a change gives back, and lets the change keep its rows.
    pub(super) async fn returning(
        &self,
        query: Option<BoundQuery>,
        table: &Relation,
        version: &TableVersion,
        ctx: &mut ChangeContext,
        request: &Request,
    ) -> Result<Option<Returning>> {
        let Some(query) = query else { return Ok(None) };
        let returned = Returned::new(&ctx.state);
        let fields = parameter_fields(request);
        let planned = self.plan_returning(query, (table, version), &returned, &fields, request);
        let (state, plan, origins) = planned.await?;
        let plan = bind_parameters(plan, request)?;
        ctx.returned = Some(returned);
        let planned = PlannedQuery::new(state, plan, origins);
        Ok(Some(Returning(planned.prepare(request).await?)))
    }

    async fn plan_returning(
        &self,
        query: BoundQuery,
        (table, version): (&Relation, &TableVersion),
        returned: &Arc<Returned>,
        parameters: &[Option<FieldRef>],
        request: &Request,
    ) -> Result<(SessionState, LogicalPlan, Origins)> {
        let state = self.context.statement(&request.facts);
        let opened = self.open_all(&query.relations, &request.work, &state).await?;
        let planner = Planner::new(&state, &request.text, parameters);
        let mut meanings = self.meanings(&query.relations, &opened, &planner)?;
        let source = provider_as_source(returned.relation(&version.schema())?);
        let key = ObjectName {
            catalog: None,
            schema: None,
            object: CHANGED_ROWS.to_owned(),
            position: None,
        };
        let numbers = table.columns.iter();
        let numbers = numbers.map(|c| (c.field.name().clone(), c.number)).collect();
        let origin = RelationOrigin { relation: table.oid, numbers };
        meanings.origins.insert(key.to_string(), origin);
        meanings.sources.insert(key, source);
        let plan = planner.query(*query.ast, &meanings.sources)?;
        check_rows_stay_rows(&plan)?;
        Ok((state, plan, meanings.origins))
    }

    /// What came of a change of so many rows: its command tag, or the rows that it gives back.
    pub(super) async fn outcome(
        self: &Arc<Self>,
        tag: &'static str,
        changed: u64,
        returning: Option<Returning>,
        place: Place,
    ) -> Result<Outcome> {
        let Some(Returning(prepared)) = returning else {
            return Ok(Completion::new(format!("{tag} {changed}")).into());
        };
        let rows: RowStream = self.start_prepared(prepared, Some(place)).await?;
        Ok(Outcome::Rows { rows, tag })
    }

    /// What a change takes and gives, if it gives rows back.
    pub(super) async fn describe_returning(
        self: &Arc<Self>,
        statement: &BoundStatement,
        parameters: Vec<PgType>,
        request: &Request,
    ) -> Result<Description> {
        let (table, query) = match statement {
            BoundStatement::Insert(insert) => (&insert.table, insert.returning.clone()),
            BoundStatement::Update(update) => (&update.table, update.returning.clone()),
            BoundStatement::Delete(delete) => (&delete.table, delete.returning.clone()),
            BoundStatement::Merge(merge) => (&merge.table, merge.returning.clone()),
            _ => return Ok(Description { parameters, columns: None }),
        };
        let Some(query) = query else { return Ok(Description { parameters, columns: None }) };
        let (engine, table, request) = (Arc::clone(self), Arc::clone(table), request.clone());
        let described = async move {
            let version = engine.schema_of(&table, &request).await?;
            let returned = Returned::new(&engine.context.statement(&request.facts));
            let declared: Vec<Option<PgType>> = parameters.into_iter().map(Some).collect();
            let fields: Vec<Option<FieldRef>> =
                declared.iter().map(|known| known.map(parameter_field)).collect();
            let planned =
                engine.plan_returning(query, (&table, &version), &returned, &fields, &request);
            let (state, plan, origins) = planned.await?;
            PlannedQuery::new(state, plan, origins).describe(&declared)
        };
        self.cpu.run(described).await
    }
}

/// Every changed row gives one row: RETURNING has no aggregates, window functions or functions that make
/// several rows of one.
fn check_rows_stay_rows(plan: &LogicalPlan) -> Result<()> {
    let refused =
        |kind, what: &str| Err(Error::new(kind, format!("{what} are not allowed in RETURNING")));
    match plan {
        LogicalPlan::Aggregate(_) => refused(ErrorKind::GroupingError, "aggregate functions"),
        LogicalPlan::Window(_) => refused(ErrorKind::WindowingError, "window functions"),
        LogicalPlan::Unnest(_) => {
            refused(ErrorKind::FeatureNotSupported, "set-returning functions")
        }
        _ => plan.inputs().into_iter().try_for_each(check_rows_stay_rows),
    }
}
