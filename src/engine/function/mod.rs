//! PostgreSQL's functions, types and operators where DataFusion has none or others: scalar functions by
//! family, the planner of type names, and the rule that makes `oid` and the `reg*` types real.
//!
//! How object identifier types work (`object_identifier` has the whole of it):
//! - a value is an Int64 whose field metadata names the type (`base::datatype::TYPE_METADATA`);
//! - [`TypePlanner`] turns `x::regclass` into a cast to such a field;
//! - [`ObjectIdentifierRule`], an analyzer rule that runs before DataFusion's own, turns casts between text
//!   and these fields into look-ups (`regclassin`, `regclassout`), and compares them with literals;
//! - [`object_identifiers_as_text`] makes the names that a client reads, over the finished plan.

mod average;
mod bounded;
mod cast_argument;
mod catalog;
mod clock;
mod define;
mod format;
mod literal;
mod object_identifier;
mod object_name;
mod privilege;
mod quoting;
mod scalar_subquery;
mod session;
mod size;
mod type_planner;
mod window;

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::execution::session_state::SessionState;
use datafusion::functions_aggregate::bool_and_or::bool_and_udaf;
use datafusion::functions_aggregate::variance::var_samp_udaf;
use datafusion::logical_expr::{ScalarUDF, planner};
use datafusion::optimizer::{Analyzer, AnalyzerRule};

use define::{Function, PostgresFunction};

pub use cast_argument::CastArgumentRule;
pub use literal::typed_constants;
pub use object_identifier::{ObjectIdentifierRule, object_identifiers_as_text};
pub use scalar_subquery::ScalarSubqueryRule;
pub use type_planner::TypePlanner;

/// The families.
static FAMILIES: &[&[Function]] = &[
    catalog::FUNCTIONS,
    clock::FUNCTIONS,
    format::FUNCTIONS,
    object_name::FUNCTIONS,
    privilege::FUNCTIONS,
    quoting::FUNCTIONS,
    session::FUNCTIONS,
    size::FUNCTIONS,
];

/// Gives a session state the functions of this room. Its [`analyzer_rules`] are set when it is built.
pub fn register(state: &mut SessionState) -> Result<()> {
    for function in all_scalar_functions() {
        state.register_udf(function)?;
    }
    state.register_udaf(average::function())?;
    for (function, alias) in [(bool_and_udaf(), "every"), (var_samp_udaf(), "variance")] {
        let function = function.as_ref().clone().with_aliases([alias]);
        state.register_udaf(Arc::new(function))?;
    }
    for function in window::functions() {
        state.register_udwf(function)?;
    }
    bounded::bound(state)?;
    state.register_expr_planner(Arc::new(literal::LiteralPlanner))?;
    state.register_expr_planner(Arc::new(cast_argument::CastArgumentPlanner))?;
    Ok(())
}

/// The analyzer rules of a session state: this room's before DataFusion's own.
pub fn analyzer_rules() -> Vec<Arc<dyn AnalyzerRule + Send + Sync>> {
    let mut rules: Vec<Arc<dyn AnalyzerRule + Send + Sync>> = vec![
        Arc::new(literal::LiteralRule),
        Arc::new(ObjectIdentifierRule),
        Arc::new(ScalarSubqueryRule),
    ];
    rules.extend(Analyzer::new().rules);
    rules
}

/// The planner of type names.
pub fn type_planner() -> Option<Arc<dyn planner::TypePlanner>> {
    Some(Arc::new(TypePlanner))
}

/// Every scalar function of this room; some take the place of DataFusion's of the same name.
pub fn all_scalar_functions() -> Vec<Arc<ScalarUDF>> {
    FAMILIES.iter().flat_map(|family| family.iter()).map(PostgresFunction::udf).collect()
}
