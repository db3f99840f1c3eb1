//! System relations as the sources of a query's plan. Each view is planned once in the life of the process:
//! its plan names only native relations, which hold no facts. It plans no SQL itself.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::{LogicalPlan, TableSource, TableType};
use sqlparser::ast::{self, Statement, visit_relations};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

use crate::base::name::ObjectName;
use crate::base::{Error, Result};

use super::{SystemCatalog, SystemRelation, SystemView};

/// Plans the query of a system view; the engine's planner, the same as for users' queries.
pub trait ViewPlanner {
    /// The plan of `query`, whose relation names mean `sources`.
    fn plan_view(
        &self,
        query: ast::Query,
        sources: &HashMap<ObjectName, Arc<dyn TableSource>>,
    ) -> Result<LogicalPlan>;
}

type Planned = HashMap<(&'static str, &'static str), Arc<dyn TableSource>>;

static PLANNED: LazyLock<RwLock<Planned>> = LazyLock::new(RwLock::default);

/// The source of a system relation; `None` when there is none of this name.
pub fn source(
    schema: &str,
    name: &str,
    planner: &dyn ViewPlanner,
) -> Result<Option<Arc<dyn TableSource>>> {
    match SystemCatalog::resolve(schema, name) {
        None => Ok(None),
        Some(SystemRelation::Native(provider)) => Ok(Some(provider_as_source(provider))),
        Some(SystemRelation::View(view)) => planned(view, planner).map(Some),
    }
}

fn planned(view: &'static SystemView, planner: &dyn ViewPlanner) -> Result<Arc<dyn TableSource>> {
    let key = (view.schema, view.name);
    // A map of finished plans is whole at any time, whoever panicked.
    if let Some(known) = PLANNED.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return Ok(Arc::clone(known));
    }
    let query = parse(view)?;
    let mut sources = HashMap::new();
    for name in names_of(&query) {
        let schema = name.schema.as_deref().unwrap_or("pg_catalog");
        let Some(found) = source(schema, &name.object, planner)? else {
            return Err(broken(view, format!("there is no {name}")));
        };
        sources.insert(name, found);
    }
    let plan = planner.plan_view(query, &sources)?;
    let made: Arc<dyn TableSource> = Arc::new(ViewSource::new(plan));
    let mut known = PLANNED.write().unwrap_or_else(PoisonError::into_inner);
    Ok(Arc::clone(known.entry(key).or_insert(made)))
}

fn parse(view: &SystemView) -> Result<ast::Query> {
    let statements = Parser::parse_sql(&PostgreSqlDialect {}, view.sql);
    match statements.map(|mut statements| statements.pop()) {
        Ok(Some(Statement::Query(query))) => Ok(*query),
        Ok(_) => Err(broken(view, "it is not a query".to_owned())),
        Err(error) => Err(broken(view, error.to_string())),
    }
}

fn names_of(query: &ast::Query) -> Vec<ObjectName> {
    let mut names = Vec::new();
    let _: ControlFlow<()> = visit_relations(query, |name| {
        let parts: Option<Vec<&str>> =
            name.0.iter().map(|part| part.as_ident().map(|ident| ident.value.as_str())).collect();
        if let Some([schema, object]) = parts.as_deref() {
            let schema = Some((*schema).to_owned());
            names.push(ObjectName { schema, ..ObjectName::bare(*object) });
        }
        ControlFlow::Continue(())
    });
    names
}

fn broken(view: &SystemView, reason: String) -> Error {
    Error::internal(format!("system view {}.{}: {reason}", view.schema, view.name))
}

/// A planned view.
#[derive(Debug)]
struct ViewSource {
    plan: LogicalPlan,
    schema: SchemaRef,
}

impl ViewSource {
    fn new(plan: LogicalPlan) -> Self {
        let schema = Arc::clone(plan.schema().inner());
        ViewSource { plan, schema }
    }
}

impl TableSource for ViewSource {
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
