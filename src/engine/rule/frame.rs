//! The frame of a window that is ordered by values of which DataFusion has no ranges, such as `bytea` and `interval`:
//! without an offset RANGE is GROUPS, which needs no arithmetic. It leaves every other frame alone.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::{
    Expr, ExprSchemable, LogicalPlan, WindowFrame, WindowFrameBound, WindowFrameUnits,
};
use datafusion::optimizer::AnalyzerRule;

use crate::engine::plan_rewrite::rewrite_expressions;

/// Runs before type coercion.
#[derive(Debug)]
pub struct FrameRule;

impl AnalyzerRule for FrameRule {
    fn name(&self) -> &str {
        "frames_without_ranges"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        rewrite_expressions(plan, rewrite)
    }
}

fn rewrite(expression: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let Expr::WindowFunction(mut window) = expression else {
        return Ok(Transformed::no(expression));
    };
    let frame = &window.params.window_frame;
    let is_plain = !has_offset(&frame.start_bound) && !has_offset(&frame.end_bound);
    let first = window.params.order_by.first();
    let has_no_range = match first {
        Some(key) => key.expr.get_type(schema).is_ok_and(|key| !has_range(&key)),
        None => false,
    };
    if frame.units != WindowFrameUnits::Range || !is_plain || !has_no_range {
        return Ok(Transformed::no(Expr::WindowFunction(window)));
    }
    window.params.window_frame = WindowFrame::new_bounds(
        WindowFrameUnits::Groups,
        frame.start_bound.clone(),
        frame.end_bound.clone(),
    );
    Ok(Transformed::yes(Expr::WindowFunction(window)))
}

/// Whether a bound of a frame is so much away from the row.
pub(super) fn has_offset(bound: &WindowFrameBound) -> bool {
    match bound {
        WindowFrameBound::Preceding(distance) | WindowFrameBound::Following(distance) => {
            !distance.is_null()
        }
        WindowFrameBound::CurrentRow => false,
    }
}

/// Whether DataFusion plans RANGE over the type.
fn has_range(key: &DataType) -> bool {
    !matches!(
        key,
        DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
            | DataType::FixedSizeBinary(_)
            | DataType::Interval(_)
            | DataType::Struct(_)
            | DataType::Map(_, _)
    )
}
