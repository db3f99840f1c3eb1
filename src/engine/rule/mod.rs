//! Analyzer rules that give DataFusion's plans PostgreSQL's meaning, where the two differ without an error:
//! integers that wrap, quotients that lose digits, texts that are read otherwise. They plan and run nothing.
//!
//! A rule of the first stage sees the types that SQL says; one of the last stage sees those that DataFusion
//! has made of them, and changes none.

mod arithmetic;
mod constant_digits;
mod conversion;
mod date_comparison;
mod dependent;
mod empty_subquery;
mod explicit_cast;
mod float;
mod frame;
mod input_order;
mod integer;
mod join;
mod late_subquery;
mod lateral;
mod outer_aggregate;
mod precision;
mod set_operation;
mod subquery;
mod text_carried;
mod text_input;
mod told_type;
mod union_constant;
mod untyped;
mod value_groups;

use std::sync::Arc;

use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::LogicalPlan;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::optimizer::{Analyzer, AnalyzerRule};

pub use empty_subquery::EmptySubqueryRule;
pub use explicit_cast::refuse_casts;
pub use input_order::keep_input_order;
pub use integer::narrow_integer_literals;
pub use join::refuse_merged_columns;
pub use lateral::inline_laterals;
pub use outer_aggregate::refuse_outer_aggregates;
pub use set_operation::count_copies;
pub use text_carried::convert_texts;
pub use told_type::keep_told_types;
pub use untyped::type_untyped;

use super::function;

type Rules = Vec<Arc<dyn AnalyzerRule + Send + Sync>>;

/// The analyzer rules of a statement, in their order.
pub fn analyzer_rules() -> Rules {
    let mut rules: Rules = vec![
        Arc::new(function::CastArgumentRule),
        Arc::new(text_input::TextInputRule),
        Arc::new(precision::PrecisionRule),
        Arc::new(subquery::SubqueryRule),
    ];
    rules.extend(function::analyzer_rules_before_coercion());
    rules.push(Arc::new(late_subquery::LateSubqueryRule));
    rules.push(Arc::new(dependent::DependentRule));
    rules.push(Arc::new(frame::FrameRule));
    rules.extend(Analyzer::new().rules);
    // Type coercion has cast texts by then.
    rules.push(Arc::new(text_input::TextInputRule));
    rules.push(Arc::new(conversion::ConversionRule));
    rules.push(Arc::new(value_groups::ValueGroupsRule));
    rules.push(Arc::new(arithmetic::ArithmeticRule));
    rules.push(Arc::new(date_comparison::DateComparisonRule));
    rules
}

/// The columns that a node's expressions name.
fn schema_below(node: &LogicalPlan) -> Result<DFSchema> {
    let mut schema = merge_schema(&node.inputs());
    if let LogicalPlan::TableScan(scan) = node {
        let source = scan.source.schema();
        let name = scan.table_name.clone();
        schema.merge(&DFSchema::try_from_qualified_schema(name, &source)?);
    }
    Ok(schema)
}
