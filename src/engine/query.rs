//! Queries: bound to planned to running.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::ParamValues;
use datafusion::common::metadata::{FieldMetadata, ScalarAndMetadata};
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};

use crate::base::datatype::{BaseType, PgType, pg_type_of, told_type};
use crate::base::{Error, ErrorKind, Result};
use crate::bind::bound::Relations;
use crate::bind::{BoundQuery, BoundRelation, BoundStatement};
use crate::sql::placeholders_by_column;

use super::admission::Place;
use super::error::{from_datafusion, locate, placed};
use super::function::{object_identifiers_as_text, typed_constants};
use super::output::{Origins, check_width, output_columns};
use super::planner::Planner;
use super::runtime::blocking;
use super::stream::RowStream;
use super::{Description, Engine, OutputColumn, Request};

/// A query ready to be optimised and run.
pub(super) struct PlannedQuery {
    pub state: SessionState,
    pub plan: LogicalPlan,
    origins: Origins,
}

/// A query ready to run.
pub(super) struct PreparedQuery {
    state: SessionState,
    pub physical: Arc<dyn ExecutionPlan>,
    pub columns: Vec<OutputColumn>,
}

impl PlannedQuery {
    pub(super) fn new(state: SessionState, plan: LogicalPlan, origins: Origins) -> Self {
        PlannedQuery { state, plan, origins }
    }

    /// What the query takes and gives.
    pub(super) fn describe(self, declared: &[Option<PgType>]) -> Result<Description> {
        let PlannedQuery { state, plan, origins } = self;
        let plan = typed_constants(plan).map_err(from_datafusion)?;
        let inferred = plan.get_parameter_fields().map_err(from_datafusion)?;
        // Parameters of unknown type may keep a plan from being analyzed before they have values.
        let columns = match analyzed(&state, &plan) {
            Err(_) if !inferred.is_empty() => output_columns(&plan, plan.schema(), &origins)?,
            analyzed => output_columns(&plan, analyzed?.schema(), &origins)?,
        };
        let parameters = parameter_types(&inferred, declared)?;
        Ok(Description { parameters, columns: Some(columns.into()) })
    }

    /// The plan with what a client reads: names of objects instead of their numbers, where it asked for
    /// text. `None` where that is the plan as it is.
    fn for_client(&self, formats: &[i16]) -> Result<Option<LogicalPlan>> {
        let is_text = |index: usize| {
            let format = if formats.len() == 1 { formats.first() } else { formats.get(index) };
            format.is_none_or(|format| *format == 0)
        };
        object_identifiers_as_text(&self.plan, is_text).map_err(from_datafusion)
    }

    /// The constants of the result in PostgreSQL's types.
    fn with_typed_constants(self) -> Result<Self> {
        let plan = typed_constants(self.plan).map_err(from_datafusion)?;
        Ok(PlannedQuery { plan, ..self })
    }

    /// All that can be wrong with the query before it reads anything is found here.
    pub(super) async fn prepare(self, request: &Request) -> Result<PreparedQuery> {
        let planned = self.with_typed_constants()?;
        let (columns, analyzed) =
            planned.columns_and_plan().map_err(|error| placed(error, &request.text))?;
        let (state, text) = (&planned.state, &request.text);
        let physical = match planned.for_client(&request.formats)? {
            Some(plan) => physical_plan(state, &plan, text).await?,
            None => physical_plan_of_analyzed(state, analyzed, text).await?,
        };
        Ok(PreparedQuery { state: planned.state, physical, columns })
    }

    /// The result's columns.
    pub(super) fn columns(&self) -> Result<Vec<OutputColumn>> {
        self.columns_and_plan().map(|(columns, _)| columns)
    }

    /// The result's columns, and the analyzed plan that says their types.
    fn columns_and_plan(&self) -> Result<(Vec<OutputColumn>, LogicalPlan)> {
        let analyzed = analyzed(&self.state, &self.plan)?;
        let columns = output_columns(&self.plan, analyzed.schema(), &self.origins)?;
        Ok((columns, analyzed))
    }
}

impl Engine {
    /// Starts a query. Nothing is read before the rows are asked for, but for what planning needs.
    pub(super) async fn query(
        self: &Arc<Self>,
        query: BoundQuery,
        request: &Request,
    ) -> Result<RowStream> {
        if let Some(rows) = self.query_shared(&query, request).await? {
            return Ok(rows);
        }
        // What only the catalog is asked never waits behind what reads tables.
        let place = match reads_tables(&query.relations) {
            true => Some(Place::take(&self.admission).await?),
            false => None,
        };
        let (engine, running) = (Arc::clone(self), request.clone());
        let prepared = async move {
            let planned = engine.plan(query, &running).await?;
            planned.prepare(&running).await
        };
        let prepared = self.cpu.run(prepared).await?;
        self.start_prepared(prepared, place).await
    }

    /// Starts a query that is planned to the end.
    pub(super) async fn start_prepared(
        self: &Arc<Self>,
        prepared: PreparedQuery,
        place: Option<Place>,
    ) -> Result<RowStream> {
        let PreparedQuery { state, physical, columns } = prepared;
        // The plan starts on the execution threads too: their stacks are made for deep ones.
        let started =
            async move { execute_stream(physical, state.task_ctx()).map_err(from_datafusion) };
        let batches = self.cpu.run(started).await?;
        Ok(RowStream::new(columns.into(), self.cpu.carry(batches), place))
    }

    /// Plans a query with the request's parameter values in their places.
    pub(super) async fn plan(&self, query: BoundQuery, request: &Request) -> Result<PlannedQuery> {
        let fields = parameter_fields(request);
        let (state, plan, origins) = self.plan_with(query, &fields, request).await?;
        let plan = bind_parameters(plan, request)?;
        Ok(PlannedQuery { state, plan, origins })
    }

    async fn plan_with(
        &self,
        query: BoundQuery,
        parameters: &[Option<FieldRef>],
        request: &Request,
    ) -> Result<(SessionState, LogicalPlan, Origins)> {
        let state = self.context.statement(&request.facts);
        let (plan, origins) = self.plan_in(&state, query, parameters, request).await?;
        Ok((state, plan, origins))
    }

    /// Plans a query in a state that is made for it.
    pub(super) async fn plan_in(
        &self,
        state: &SessionState,
        query: BoundQuery,
        parameters: &[Option<FieldRef>],
        request: &Request,
    ) -> Result<(LogicalPlan, Origins)> {
        check_width(&query.ast)?;
        let opened = self.open_all(&query.relations, &request.work, state).await?;
        let planner = Planner::new(state, &request.text, parameters);
        let meanings = self.meanings(&query.relations, &opened, &planner)?;
        let plan = blocking(|| planner.query_of(*query.ast, &meanings))?;
        Ok((plan, meanings.origins))
    }

    pub(super) async fn description(
        self: &Arc<Self>,
        statement: BoundStatement,
        declared: &[Option<PgType>],
        request: &Request,
    ) -> Result<Description> {
        let none = |columns| Description { parameters: known(declared), columns };
        match statement {
            BoundStatement::Query(query) => {
                let engine = Arc::clone(self);
                let declared = declared.to_vec();
                let request = request.clone();
                self.cpu
                    .run(async move { engine.describe_query(query, &declared, &request).await })
                    .await
            }
            BoundStatement::SetValue(query) => {
                let described = self.describe_query(query, declared, request).await?;
                Ok(Description { columns: Some(super::setval::columns()?), ..described })
            }
            BoundStatement::Explain(explain) => Ok(none(Some(explain.columns()?))),
            BoundStatement::With(with) => {
                Box::pin(self.describe_parts(*with, declared, request)).await
            }
            BoundStatement::CopyInto(copy) => {
                Ok(none(Some(self.copy_into_columns(&copy, request).await?)))
            }
            BoundStatement::Show(show) => Ok(none(Some(self.show_columns(&show)?))),
            BoundStatement::Maintenance(statement) => {
                Ok(none(super::maintenance::columns(&statement.action)?))
            }
            statement => {
                let taken = statement.clone();
                let parameters = self.change_parameters(taken, declared, request).await?;
                self.describe_returning(&statement, parameters, request).await
            }
        }
    }

    async fn describe_query(
        &self,
        query: BoundQuery,
        declared: &[Option<PgType>],
        request: &Request,
    ) -> Result<Description> {
        if let Some(description) = self.describe_shared(&query, declared, request).await {
            return Ok(description);
        }
        let fields: Vec<_> = declared.iter().map(|t| t.map(parameter_field)).collect();
        let (state, plan, origins) = self.plan_with(query, &fields, request).await?;
        PlannedQuery { state, plan, origins }.describe(declared)
    }

    /// The parameter types of a query whose columns are to go into `targets`: a bare `$n` in a column's
    /// place has the column's type.
    pub(super) async fn insert_parameters(
        &self,
        query: BoundQuery,
        targets: &[FieldRef],
        declared: &[Option<PgType>],
        request: &Request,
    ) -> Result<Vec<PgType>> {
        let mut declared = declared.to_vec();
        for (parameter, column) in placeholders_by_column(&query.ast) {
            let Some(target) = targets.get(column) else { continue };
            if declared.len() < parameter {
                declared.resize(parameter, None);
            }
            if let Some(slot @ None) = declared.get_mut(parameter - 1) {
                *slot = Some(pg_type_of(target)?.0);
            }
        }
        let description = self.describe_query(query, &declared, request).await?;
        Ok(description.parameters)
    }
}

/// The plan with the types that its columns will have.
fn analyzed(state: &SessionState, plan: &LogicalPlan) -> Result<LogicalPlan> {
    let options = state.config_options();
    let analyze = || state.analyzer().execute_and_check(plan.clone(), options, |_, _| {});
    blocking(analyze).map_err(from_datafusion)
}

/// Optimises and makes the physical plan.
pub(super) async fn physical_plan(
    state: &SessionState,
    plan: &LogicalPlan,
    text: &str,
) -> Result<Arc<dyn ExecutionPlan>> {
    let optimized = blocking(|| state.optimize(plan)).map_err(|error| locate(error, text))?;
    let planned = state.query_planner().create_physical_plan(&optimized, state).await;
    planned.map_err(|error| locate(error, text))
}

/// The same for a plan that the analyzer has seen.
async fn physical_plan_of_analyzed(
    state: &SessionState,
    plan: LogicalPlan,
    text: &str,
) -> Result<Arc<dyn ExecutionPlan>> {
    let optimize = || state.optimizer().optimize(plan, state, |_, _| {});
    let optimized = blocking(optimize).map_err(|error| locate(error, text))?;
    let planned = state.query_planner().create_physical_plan(&optimized, state).await;
    planned.map_err(|error| locate(error, text))
}

fn reads_tables(relations: &Relations) -> bool {
    relations.values().any(|relation| match relation {
        BoundRelation::Table { .. } | BoundRelation::Files(_) => true,
        BoundRelation::View { query, .. } => reads_tables(&query.relations),
        BoundRelation::System { .. } | BoundRelation::WithItem(_) => false,
    })
}

pub(super) fn bind_parameters(plan: LogicalPlan, request: &Request) -> Result<LogicalPlan> {
    if request.parameters.is_empty() {
        return Ok(plan);
    }
    plan.replace_params_with_values(&parameter_values(request))
        .map_err(|error| locate(error, &request.text))
}

/// The types of the request's parameters.
pub(super) fn parameter_fields(request: &Request) -> Vec<Option<FieldRef>> {
    request.parameters.iter().map(|parameter| Some(Arc::new(parameter.field()))).collect()
}

/// The values of the request's parameters, with what their types say beyond Arrow's.
pub(super) fn parameter_values(request: &Request) -> ParamValues {
    let values = request.parameters.iter().map(|parameter| {
        let metadata = FieldMetadata::from(parameter.field().metadata());
        let metadata = (!metadata.is_empty()).then_some(metadata);
        ScalarAndMetadata::new(parameter.value.clone(), metadata)
    });
    ParamValues::List(values.collect())
}

/// The types of `$1` to the last, from what the client declared and what the plan says; a parameter that
/// nothing tells about is `text`.
pub(super) fn parameter_types(
    inferred: &HashMap<String, Option<FieldRef>>,
    declared: &[Option<PgType>],
) -> Result<Vec<PgType>> {
    let numbers = inferred.keys().filter_map(|name| name.strip_prefix('$')?.parse::<usize>().ok());
    let count = numbers.max().unwrap_or(0).max(declared.len());
    let types = (1..=count).map(|number| {
        if let Some(Some(pg_type)) = declared.get(number - 1) {
            return Ok(*pg_type);
        }
        match inferred.get(&format!("${number}")) {
            Some(Some(field)) if *field.data_type() != DataType::Null => {
                pg_type_of(field).map(|(pg_type, _)| pg_type)
            }
            Some(_) => Ok(PgType::Scalar(BaseType::Text)),
            None => Err(Error::new(
                ErrorKind::IndeterminateDatatype,
                format!("could not determine data type of parameter ${number}"),
            )),
        }
    });
    types.collect()
}

/// Declared types with `text` for those left open.
pub(super) fn known(declared: &[Option<PgType>]) -> Vec<PgType> {
    declared.iter().map(|t| t.unwrap_or(PgType::Scalar(BaseType::Text))).collect()
}

/// The Arrow type that a parameter of a PostgreSQL type is planned with.
pub(super) fn parameter_field(pg_type: PgType) -> FieldRef {
    use datafusion::arrow::datatypes::{IntervalUnit, TimeUnit};
    let scalar = |base| match base {
        BaseType::Bool => DataType::Boolean,
        BaseType::Bytea => DataType::Binary,
        BaseType::Int8 | BaseType::Oid | BaseType::Xid => DataType::Int64,
        BaseType::Regproc
        | BaseType::Regclass
        | BaseType::Regtype
        | BaseType::Regnamespace
        | BaseType::Regprocedure
        | BaseType::Regoper
        | BaseType::Regoperator
        | BaseType::Regcollation
        | BaseType::Regrole => DataType::Int64,
        BaseType::Int2 => DataType::Int16,
        BaseType::Int4 => DataType::Int32,
        BaseType::Float4 => DataType::Float32,
        BaseType::Float8 => DataType::Float64,
        BaseType::Date => DataType::Date32,
        BaseType::Time => DataType::Time64(TimeUnit::Microsecond),
        BaseType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
        BaseType::Timestamptz => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        BaseType::Interval => DataType::Interval(IntervalUnit::MonthDayNano),
        BaseType::Numeric => DataType::Decimal128(38, 10),
        BaseType::Char
        | BaseType::Name
        | BaseType::Int2Vector
        | BaseType::Text
        | BaseType::OidVector
        | BaseType::Json
        | BaseType::PgNodeTree
        | BaseType::Inet
        | BaseType::Cidr
        | BaseType::Macaddr
        | BaseType::Timetz
        | BaseType::PgLsn
        | BaseType::AnyArray
        | BaseType::PgNdistinct
        | BaseType::PgDependencies
        | BaseType::PgMcvList
        | BaseType::Unknown
        | BaseType::AclItem
        | BaseType::Bpchar
        | BaseType::Varchar
        | BaseType::Record
        | BaseType::Void
        | BaseType::Uuid
        | BaseType::Jsonb => DataType::Utf8,
    };
    let data_type = match pg_type {
        PgType::Scalar(base) => scalar(base),
        PgType::Array(base) => DataType::List(Arc::new(Field::new_list_field(scalar(base), true))),
    };
    Arc::new(Field::new("", data_type, true).with_metadata(told_type(pg_type)))
}
