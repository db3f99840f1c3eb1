//! PostgreSQL's functions, types and operators where DataFusion has none or others: scalar functions by
//! family, the planner of type names, and the rule that makes `oid` and the `reg*` types real.
//!
//! How object identifier types work (`object_identifier` has the whole of it):
//! - a value is an Int64 whose field metadata names the type (`base::datatype::TYPE_METADATA`);
//! - [`TypePlanner`] turns `x::regclass` into a cast to such a field;
//! - [`ObjectIdentifierRule`], an analyzer rule that runs before DataFusion's own, turns casts between text
//!   and these fields into look-ups (`regclassin`, `regclassout`), and compares them with literals;
//! - [`object_identifiers_as_text`] makes the names that a client reads, over the finished plan.

mod advisory;
mod array;
mod array_slice;
mod assigned;
mod average;
mod bounded;
mod byte_string;
mod cast_argument;
mod catalog;
mod clock;
mod constraint;
mod datetime_arithmetic;
mod datetime_field;
mod datetime_make;
mod datetime_zone;
mod define;
mod float_variance;
mod format;
mod identity;
mod interval_aggregate;
mod json;
mod json_edit;
mod json_make;
mod json_path;
mod json_record;
mod kernel;
mod literal;
mod math;
mod moment;
mod network;
mod number;
mod numeric_division;
mod numeric_math;
mod object_identifier;
mod object_name;
mod operator;
mod pattern;
mod period;
mod privilege;
mod quantified;
mod quoting;
mod record;
mod regular_expression;
mod routine_name;
mod row_order;
mod scalar_subquery;
mod series;
mod session;
mod size;
mod statistics;
mod string;
mod sum;
mod template;
mod text_output;
mod type_planner;
mod undefined;
mod variance;
mod window;
mod window_by_row;
mod zoned_time;

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::common::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::execution::session_state::SessionState;
use datafusion::functions_aggregate::array_agg::array_agg_udaf;
use datafusion::functions_aggregate::bool_and_or::bool_and_udaf;
use datafusion::functions_aggregate::min_max::{max_udaf, min_udaf};
use datafusion::logical_expr::{ScalarUDF, planner};
use datafusion::optimizer::AnalyzerRule;

use define::{Function, PostgresFunction};
use interval_aggregate::Fold;
use kernel::{Kernel, KernelFunction};

pub use array::ROUNDED_ELEMENTS;
pub use assigned::{NAME_OF_TEXT, OID_OF_INTEGER};
pub use cast_argument::CastArgumentRule;
pub use datetime_arithmetic::SPAN;
pub use datetime_zone::{
    DATETIME_ROUNDED, INSTANT, INSTANT_ELEMENTS, INTERVAL_OF_TIME, LOCAL_ELEMENTS, LOCAL_TIMESTAMP,
    TIME_OF_INTERVAL,
};
pub use json_path::ORDER_KEY;
pub use literal::typed_constants;
pub use math::REAL_OF_DOUBLE;
pub use network::{CIDR_OF_INET, INET_OF_CIDR, NETWORK_KEY, NETWORK_SHOW};
pub use numeric_division::QUOTIENT;
pub use object_identifier::{ObjectIdentifierRule, object_identifiers_as_text};
pub use operator::OperatorPlanner;
pub use quantified::is_quantified;
pub use regular_expression::MATCHES;
pub use scalar_subquery::at_most_one_row;
pub use text_output::{TEXT_ELEMENTS, TEXT_OF};
pub use type_planner::TypePlanner;
pub use undefined::undefined_function;
pub use zoned_time::{TIME_OF_ZONED, ZONED_OF_TIME, ZONED_TIME_KEY};

/// The families.
static FAMILIES: &[&[Function]] = &[
    advisory::FUNCTIONS,
    catalog::FUNCTIONS,
    clock::FUNCTIONS,
    object_name::FUNCTIONS,
    privilege::FUNCTIONS,
    quoting::FUNCTIONS,
    routine_name::FUNCTIONS,
    session::FUNCTIONS,
    size::FUNCTIONS,
];

/// The families of functions over whole columns.
static KERNELS: &[&[Kernel]] = &[
    array::KERNELS,
    assigned::KERNELS,
    byte_string::KERNELS,
    array_slice::KERNELS,
    datetime_arithmetic::KERNELS,
    datetime_field::KERNELS,
    datetime_make::KERNELS,
    datetime_zone::KERNELS,
    format::KERNELS,
    identity::KERNELS,
    json::KERNELS,
    json_edit::KERNELS,
    json_make::KERNELS,
    json_path::KERNELS,
    json_record::KERNELS,
    math::KERNELS,
    network::KERNELS,
    number::KERNELS,
    numeric_division::KERNELS,
    period::KERNELS,
    record::KERNELS,
    regular_expression::KERNELS,
    statistics::KERNELS,
    string::KERNELS,
    template::KERNELS,
    text_output::KERNELS,
    zoned_time::KERNELS,
];

/// Gives a session state the functions of this room. Its [`analyzer_rules`] are set when it is built.
pub fn register(state: &mut SessionState) -> Result<()> {
    for stale in replaced_functions(state) {
        state.deregister_udf(&stale)?;
    }
    for function in all_scalar_functions() {
        state.register_udf(function)?;
    }
    for function in quantified::functions() {
        state.register_udf(Arc::new(function))?;
    }
    for (function, fold) in [
        (average::function(), Fold::Average),
        (sum::function(), Fold::Sum),
        (min_udaf(), Fold::Least),
        (max_udaf(), Fold::Greatest),
    ] {
        state.register_udaf(interval_aggregate::over_intervals(function, fold))?;
    }
    state.register_udaf(interval_aggregate::of_told_types(array_agg_udaf()))?;
    state.register_udaf(row_order::string_agg())?;
    for function in variance::functions() {
        state.register_udaf(function)?;
    }
    state.register_udaf(Arc::new(bool_and_udaf().as_ref().clone().with_aliases(["every"])))?;
    for function in window::functions().into_iter().chain(window_by_row::functions()) {
        state.register_udwf(function)?;
    }
    bounded::bound(state)?;
    let series = series::Series::udf(state.udf("generate_series")?);
    state.register_udf(series)?;
    state.register_expr_planner(Arc::new(literal::LiteralPlanner))?;
    state.register_expr_planner(Arc::new(cast_argument::CastArgumentPlanner))?;
    Ok(())
}

/// The names of DataFusion's functions in whose places this room's stand. A state that is made from another
/// registers all of them anew in any order, so that none may be left under another name.
fn replaced_functions(state: &SessionState) -> Vec<String> {
    let own: HashSet<String> = all_scalar_functions()
        .iter()
        .flat_map(|function| {
            let name = function.name().to_owned();
            function.aliases().iter().cloned().chain([name]).collect::<Vec<_>>()
        })
        .collect();
    let is_replaced = |function: &ScalarUDF| {
        own.contains(function.name()) || function.aliases().iter().any(|alias| own.contains(alias))
    };
    let functions = state.scalar_functions().iter();
    functions.filter(|(_, function)| is_replaced(function)).map(|(name, _)| name.clone()).collect()
}

/// This room's analyzer rules, which come before DataFusion's own.
pub fn analyzer_rules_before_coercion() -> Vec<Arc<dyn AnalyzerRule + Send + Sync>> {
    vec![Arc::new(literal::LiteralRule), Arc::new(ObjectIdentifierRule)]
}

/// The planner of type names.
pub fn type_planner() -> Option<Arc<dyn planner::TypePlanner>> {
    Some(Arc::new(TypePlanner))
}

/// A function over whole columns by its name.
pub fn column_function(name: &str) -> Option<Arc<ScalarUDF>> {
    let mut all = KERNELS.iter().flat_map(|family| family.iter());
    all.find(|kernel| kernel.name == name).map(KernelFunction::udf)
}

/// Every scalar function of this room; some take the place of DataFusion's of the same name.
pub fn all_scalar_functions() -> Vec<Arc<ScalarUDF>> {
    let of_rows = FAMILIES.iter().flat_map(|family| family.iter()).map(PostgresFunction::udf);
    let of_columns = KERNELS.iter().flat_map(|family| family.iter()).map(KernelFunction::udf);
    of_rows.chain(of_columns).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    /// Of two functions of one name the later one would silently take the earlier one's place.
    #[test]
    fn names_are_given_once() {
        let mut seen = HashSet::new();
        for function in super::all_scalar_functions() {
            assert!(seen.insert(function.name().to_owned()), "{} stands twice", function.name());
        }
    }
}
