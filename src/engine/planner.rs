//! Bound queries to logical plans: the names that DataFusion's planner asks for are answered from the bound
//! statement and from nothing else. It runs nothing.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, FieldRef, SchemaRef};
use datafusion::catalog::TableFunctionArgs;
use datafusion::common::config::ConfigOptions;
use datafusion::common::{
    Column, DFSchema, DataFusionError, Result as DataFusionResult, ScalarValue, TableReference,
    not_impl_err, plan_err,
};
use datafusion::datasource::cte_worktable::CteWorkTable;
use datafusion::datasource::{TableType, provider_as_source};
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::planner::{
    ContextProvider, ExprPlanner, RelationPlanner, TypePlanner,
};
use datafusion::logical_expr::{
    AggregateUDF, Expr, HigherOrderUDF, LogicalPlan, LogicalPlanBuilder, ScalarUDF, TableSource,
    WindowUDF, cast,
};
use datafusion::optimizer::simplify_expressions::{ExprSimplifier, SimplifyContext};
use datafusion::sql::planner::{ParserOptions, PlannerContext, SqlToRel};
use sqlparser::ast;

use crate::base::name::ObjectName;
use crate::base::{PrincipalId, Result};

use super::error::locate;
use super::facts::Facts;
use super::function::undefined_function;
use super::grouped_key::extend_grouping;
use super::open::Meanings;
use super::rule::{
    convert_texts, count_copies, inline_laterals, keep_input_order, keep_told_types,
    narrow_integer_literals, refuse_casts, refuse_merged_columns, refuse_outer_aggregates,
    type_untyped,
};
use super::system::ViewPlanner;

/// What each relation name of one query stands for.
pub type Sources = HashMap<ObjectName, Arc<dyn TableSource>>;

/// Plans queries and expressions of one statement.
pub struct Planner<'a> {
    state: &'a SessionState,
    /// The whole text that the client sent, for error positions.
    text: &'a str,
    /// Declared types of `$1`, `$2`, …; `None` where they are to be inferred.
    parameters: &'a [Option<FieldRef>],
}

impl<'a> Planner<'a> {
    pub fn new(state: &'a SessionState, text: &'a str, parameters: &'a [Option<FieldRef>]) -> Self {
        Planner { state, text, parameters }
    }

    /// The plan of a query, which may group by keys of tables.
    pub fn query_of(&self, mut query: ast::Query, meanings: &Meanings) -> Result<LogicalPlan> {
        let aggregates = self.state.aggregate_functions();
        extend_grouping(&mut query, &meanings.keys, &|name| aggregates.contains_key(name));
        self.query(query, &meanings.sources)
    }

    /// The plan of a query whose names mean `sources`.
    pub fn query(&self, query: ast::Query, sources: &Sources) -> Result<LogicalPlan> {
        let names = Names { state: self.state, sources };
        let statement = ast::Statement::Query(Box::new(query));
        self.sql(&names)
            .sql_statement_to_plan_with_context(statement, &mut self.context())
            .and_then(|plan| refuse_merged_columns(&plan).map(|()| plan))
            .and_then(type_untyped)
            .and_then(keep_told_types)
            .and_then(narrow_integer_literals)
            .and_then(|plan| refuse_casts(&plan).map(|()| plan))
            .and_then(convert_texts)
            .and_then(|plan| refuse_outer_aggregates(&plan).map(|()| plan))
            .and_then(inline_laterals)
            .and_then(count_copies)
            .and_then(keep_input_order)
            .map_err(|error| locate(error, self.text))
    }

    /// The expression over `schema`, whose subqueries' names mean `sources`.
    pub fn expression(
        &self,
        expression: ast::Expr,
        schema: &DFSchema,
        sources: &Sources,
    ) -> Result<Expr> {
        let names = Names { state: self.state, sources };
        self.sql(&names)
            .sql_to_expr(expression, schema, &mut self.context())
            .map_err(|error| locate(error, self.text))
    }

    /// Who runs the statement.
    pub fn principal(&self) -> Result<Option<PrincipalId>> {
        let facts = Facts::of(self.state.config_options());
        Ok(facts.map_err(super::error::from_datafusion)?.principal)
    }

    fn sql<'n>(&self, names: &'n Names<'n>) -> SqlToRel<'n, Names<'n>> {
        let options = ParserOptions::new()
            .with_parse_float_as_decimal(true)
            .with_collect_spans(true)
            .with_map_string_types_to_utf8view(true);
        SqlToRel::new_with_options(names, options)
    }

    fn context(&self) -> PlannerContext {
        PlannerContext::new().with_prepare_param_data_types(self.parameters.to_vec())
    }
}

impl ViewPlanner for Planner<'_> {
    fn plan_view(&self, query: ast::Query, sources: &Sources) -> Result<LogicalPlan> {
        self.query(query, sources)
    }
}

/// A view in the place of a table: its plan, under the column names that the view declares.
#[derive(Debug)]
pub struct PlannedView {
    plan: LogicalPlan,
    schema: SchemaRef,
}

impl PlannedView {
    /// Gives `plan`'s columns the view's names: by place, or by name when the query has grown since.
    /// Errors: 42P17 when a column of the view is not to be found any more.
    pub fn new(view: &str, plan: LogicalPlan, columns: &[String]) -> Result<Self> {
        use crate::base::{Error, ErrorKind};
        let stale = || {
            Error::new(
                ErrorKind::InvalidObjectDefinition,
                format!("the query of view \"{view}\" does not give the view's columns any more"),
            )
            .with_hint("Make the view anew.")
        };
        let fields: Vec<Column> = plan.schema().columns();
        let expressions: Vec<Expr> = if fields.len() == columns.len() {
            let pairs = fields.into_iter().zip(columns);
            pairs.map(|(field, name)| Expr::Column(field).alias(name)).collect()
        } else {
            let found = columns.iter().map(|name| {
                let mut named = fields.iter().filter(|field| &field.name == name);
                match (named.next(), named.next()) {
                    (Some(field), None) => Ok(Expr::Column(field.clone()).alias(name)),
                    _ => Err(stale()),
                }
            });
            found.collect::<Result<_>>()?
        };
        let plan = LogicalPlanBuilder::from(plan)
            .project(expressions)
            .and_then(LogicalPlanBuilder::build)
            .map_err(super::error::from_datafusion)?;
        let schema = Arc::clone(plan.schema().inner());
        Ok(PlannedView { plan, schema })
    }
}

impl TableSource for PlannedView {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    fn get_logical_plan(&self) -> Option<Cow<'_, LogicalPlan>> {
        Some(Cow::Borrowed(&self.plan))
    }
}

const GENERATE_SERIES: &str = "generate_series";
/// The planner knows it without a function.
const UNNEST: &str = "unnest";

/// Whether a bound or step is a 32-bit integer by what is written.
fn is_integer_literal(argument: &Expr) -> bool {
    match argument {
        Expr::Literal(ScalarValue::Int64(Some(number)), _) => i32::try_from(*number).is_ok(),
        Expr::Negative(inner) => is_integer_literal(inner),
        Expr::BinaryExpr(operation) => {
            is_integer_literal(&operation.left) && is_integer_literal(&operation.right)
        }
        Expr::Cast(to) => matches!(to.field.data_type(), DataType::Int16 | DataType::Int32),
        _ => false,
    }
}

/// A bound or step as DataFusion counts.
fn as_bigint(argument: Expr) -> DataFusionResult<Expr> {
    match argument {
        Expr::Literal(number @ (ScalarValue::Int16(_) | ScalarValue::Int32(_)), metadata) => {
            Ok(Expr::Literal(number.cast_to(&DataType::Int64)?, metadata))
        }
        other => Ok(other),
    }
}

/// A series of `integer`, which DataFusion counts with 64 bits.
fn as_integers(name: &str, source: Arc<dyn TableSource>) -> DataFusionResult<Arc<dyn TableSource>> {
    let plan = LogicalPlanBuilder::scan(name, source, None)?.build()?;
    let columns = plan.schema().columns().into_iter().map(|column| {
        let name = column.name.clone();
        cast(Expr::Column(column), DataType::Int32).alias(name)
    });
    let plan = LogicalPlanBuilder::from(plan.clone()).project(columns)?.build()?;
    let schema = Arc::clone(plan.schema().inner());
    Ok(Arc::new(PlannedView { plan, schema }))
}

/// Answers DataFusion's planner: relations from the bound statement, functions from the engine's state.
struct Names<'a> {
    state: &'a SessionState,
    sources: &'a Sources,
}

impl ContextProvider for Names<'_> {
    fn get_table_source(&self, name: TableReference) -> DataFusionResult<Arc<dyn TableSource>> {
        let key = ObjectName {
            catalog: name.catalog().map(str::to_owned),
            schema: name.schema().map(str::to_owned),
            object: name.table().to_owned(),
            position: None,
        };
        match self.sources.get(&key) {
            Some(source) => Ok(Arc::clone(source)),
            None => Err(DataFusionError::Internal(format!("relation {name} was not bound"))),
        }
    }

    fn get_table_function_source(
        &self,
        name: &str,
        arguments: Vec<Expr>,
    ) -> DataFusionResult<Arc<dyn TableSource>> {
        let Some(function) = self.state.table_functions().get(name) else {
            return plan_err!("table function '{name}' not found");
        };
        let context = SimplifyContext::builder()
            .with_config_options(Arc::clone(self.state.config_options()))
            .with_query_execution_start_time(
                self.state.execution_props().query_execution_start_time,
            )
            .build();
        let simplifier = ExprSimplifier::new(context);
        let empty = DFSchema::empty();
        let is_integer = name == GENERATE_SERIES && arguments.iter().all(is_integer_literal);
        let arguments = arguments
            .into_iter()
            .map(|argument| {
                let simple = simplifier.simplify(simplifier.coerce(argument, &empty)?)?;
                if name == GENERATE_SERIES { as_bigint(simple) } else { Ok(simple) }
            })
            .collect::<DataFusionResult<Vec<_>>>()?;
        let arguments = TableFunctionArgs::new(&arguments, self.state);
        let source = provider_as_source(function.create_table_provider_with_args(arguments)?);
        if is_integer { as_integers(name, source) } else { Ok(source) }
    }

    fn create_cte_work_table(
        &self,
        name: &str,
        schema: SchemaRef,
    ) -> DataFusionResult<Arc<dyn TableSource>> {
        Ok(provider_as_source(Arc::new(CteWorkTable::new(name, schema))))
    }

    fn get_expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        self.state.expr_planners()
    }

    fn get_relation_planners(&self) -> &[Arc<dyn RelationPlanner>] {
        self.state.relation_planners()
    }

    fn get_type_planner(&self) -> Option<Arc<dyn TypePlanner>> {
        super::context::type_planner()
    }

    fn get_function_meta(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        let known = self.state.scalar_functions().get(name).cloned();
        let is_other = || {
            name == UNNEST
                || self.state.aggregate_functions().contains_key(name)
                || self.state.window_functions().contains_key(name)
                || self.state.higher_order_functions().contains_key(name)
        };
        known.or_else(|| (!is_other()).then(|| undefined_function(name)))
    }

    fn get_higher_order_meta(&self, name: &str) -> Option<Arc<HigherOrderUDF>> {
        self.state.higher_order_functions().get(name).cloned()
    }

    fn get_aggregate_meta(&self, name: &str) -> Option<Arc<AggregateUDF>> {
        self.state.aggregate_functions().get(name).cloned()
    }

    fn get_window_meta(&self, name: &str) -> Option<Arc<WindowUDF>> {
        self.state.window_functions().get(name).cloned()
    }

    fn get_variable_type(&self, _names: &[String]) -> Option<DataType> {
        None
    }

    fn get_file_type(
        &self,
        extension: &str,
    ) -> DataFusionResult<Arc<dyn datafusion::common::file_options::file_type::FileType>> {
        not_impl_err!("the file type {extension} is not supported here")
    }

    fn options(&self) -> &ConfigOptions {
        self.state.config_options()
    }

    fn udf_names(&self) -> Vec<String> {
        self.state.scalar_functions().keys().cloned().collect()
    }

    fn higher_order_function_names(&self) -> Vec<String> {
        self.state.higher_order_functions().keys().cloned().collect()
    }

    fn udaf_names(&self) -> Vec<String> {
        self.state.aggregate_functions().keys().cloned().collect()
    }

    fn udwf_names(&self) -> Vec<String> {
        self.state.window_functions().keys().cloned().collect()
    }
}
