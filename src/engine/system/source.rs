//! System relations as the sources of a query's plan. Each view is planned once in the life of the process:
//! its plan names only native relations, which hold no facts. It plans no SQL itself.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::{LogicalPlan, TableSource, TableType};
use sqlparser::ast;

use crate::base::name::ObjectName;
use crate::base::{Error, Result};
use crate::sql::statement::{Query, Statement};
use crate::sql::{ParseLimits, parse};

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
    let query = query_of(view)?;
    let mut sources = HashMap::new();
    for reference in query.relations {
        let schema = reference.name.schema.as_deref().unwrap_or("pg_catalog");
        let Some(found) = source(schema, &reference.name.object, planner)? else {
            return Err(broken(view, format!("there is no {}", reference.name)));
        };
        sources.insert(reference.key, found);
    }
    let plan = planner.plan_view(*query.ast, &sources)?;
    let made: Arc<dyn TableSource> = Arc::new(ViewSource::new(plan));
    let mut known = PLANNED.write().unwrap_or_else(PoisonError::into_inner);
    Ok(Arc::clone(known.entry(key).or_insert(made)))
}

/// The bounds on the system's own texts, which nobody sends.
const LIMITS: ParseLimits = ParseLimits { statement_bytes_max: 1 << 20, statement_depth_max: 128 };

fn query_of(view: &SystemView) -> Result<Query> {
    let statements = parse(view.sql, &LIMITS);
    match statements.map(|mut statements| statements.pop().map(|parsed| parsed.statement)) {
        Ok(Some(Statement::Query(query))) => Ok(query),
        Ok(_) => Err(broken(view, "it is not a query".to_owned())),
        Err(error) => Err(broken(view, error.to_string())),
    }
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
