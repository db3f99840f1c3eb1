//! Casts between types whose values are texts here and that PostgreSQL writes otherwise when it casts them: an `inet` that
//! becomes a text says its length, an `inet` that becomes a `cidr` loses its host, a `timetz` its offset. It looks at the
//! casts that a query writes, before any other has been made, and changes no other.

use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::{Cast, Expr, ExprSchemable, LogicalPlan};

use super::conversion::call;
use crate::base::datatype::{BaseType, PgType, pg_type_of};
use crate::engine::function::{
    CIDR_OF_INET, INET_OF_CIDR, NETWORK_SHOW, TIME_OF_ZONED, ZONED_OF_TIME,
};
use crate::engine::plan_rewrite::rewrite_expressions;

/// Puts functions in the places of such casts.
pub fn convert_texts(plan: LogicalPlan) -> Result<LogicalPlan> {
    rewrite_expressions(plan, in_expression)
}

fn in_expression(expression: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let Expr::Cast(Cast { expr, field }) = expression else {
        return Ok(Transformed::no(expression));
    };
    let source = expr.to_field(schema).ok().and_then(|(_, field)| pg_type_of(&field).ok());
    let target = pg_type_of(&field).ok();
    let function = match (source, target) {
        (Some((PgType::Scalar(from), _)), Some((PgType::Scalar(to), _))) => conversion(from, to),
        _ => None,
    };
    Ok(match function {
        Some(function) => {
            let converted = call(function, *expr)?;
            Transformed::yes(Expr::Cast(Cast::new_from_field(Box::new(converted), field)))
        }
        None => Transformed::no(Expr::Cast(Cast { expr, field })),
    })
}

fn conversion(from: BaseType, to: BaseType) -> Option<&'static str> {
    use BaseType::*;
    match (from, to) {
        (Inet | Cidr, Text | Varchar | Bpchar | Name) => Some(NETWORK_SHOW),
        (Inet, Cidr) => Some(CIDR_OF_INET),
        (Cidr, Inet) => Some(INET_OF_CIDR),
        (Timetz, Time) => Some(TIME_OF_ZONED),
        (Time | Timestamptz, Timetz) => Some(ZONED_OF_TIME),
        _ => None,
    }
}
