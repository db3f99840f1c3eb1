//! The system views, planned: each once, when it is first named, and kept for every session, since what it
//! reads comes with the statement. It holds no fact of a session.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::TableSource;

use crate::base::{Error, Result};
use crate::sql::statement::{Query, Statement};
use crate::sql::{ParseLimits, parse};

use super::planner::{PlannedView, Planner, Sources};
use super::system::{SystemCatalog, SystemRelation, SystemView};

/// The plans of system views, by schema and name.
#[derive(Debug, Default)]
pub struct SystemPlans(Mutex<HashMap<(&'static str, &'static str), Arc<PlannedView>>>);

/// Whether the system has a relation of this schema and name.
pub fn exists(schema: &str, name: &str) -> bool {
    SystemCatalog::resolve(schema, name).is_some()
}

impl SystemPlans {
    /// The source of a system relation's rows.
    pub fn source(
        &self,
        schema: &str,
        name: &str,
        planner: &Planner<'_>,
    ) -> Result<Arc<dyn TableSource>> {
        match SystemCatalog::resolve(schema, name) {
            Some(SystemRelation::Native(provider)) => Ok(provider_as_source(provider)),
            Some(SystemRelation::View(view)) => {
                let planned: Arc<dyn TableSource> = self.view(view, planner)?;
                Ok(planned)
            }
            None => Err(Error::internal(format!("there is no system relation {schema}.{name}"))),
        }
    }

    fn view(&self, view: &'static SystemView, planner: &Planner<'_>) -> Result<Arc<PlannedView>> {
        let key = (view.schema, view.name);
        if let Some(planned) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Arc::clone(planned));
        }
        let query = query_of(view)?;
        let mut sources = Sources::new();
        for reference in &query.relations {
            let schema = reference.name.schema.as_deref().unwrap_or("pg_catalog");
            let source = self.source(schema, &reference.name.object, planner)?;
            sources.insert(reference.key.clone(), source);
        }
        let plan = planner.query(*query.ast, &sources).map_err(|error| broken(view, error))?;
        let planned = Arc::new(PlannedView::of(plan));
        let mut plans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        plans.insert(key, Arc::clone(&planned));
        Ok(planned)
    }
}

/// Bounds for the system's own texts, which nobody sends.
const LIMITS: ParseLimits = ParseLimits { statement_bytes_max: 1 << 20, statement_depth_max: 128 };

fn query_of(view: &SystemView) -> Result<Query> {
    let mut statements = parse(view.sql, &LIMITS).map_err(|error| broken(view, error))?;
    match statements.pop().map(|parsed| parsed.statement) {
        Some(Statement::Query(query)) => Ok(query),
        _ => Err(broken(view, Error::internal("it is no query"))),
    }
}

fn broken(view: &SystemView, error: Error) -> Error {
    Error::internal(format!("the system view {}.{} cannot be planned", view.schema, view.name))
        .caused_by(error)
}
