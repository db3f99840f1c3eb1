//! `value AT TIME ZONE zone` becomes `timezone(zone, value)`, which is how PostgreSQL defines it. The planner
//! reads it as a cast, which is wrong for a timestamp that has no zone.

use sqlparser::ast::Expr;

use super::{call, take};
use crate::base::Result;

pub fn rewrite(expression: &mut Expr) -> Result<()> {
    if let Expr::AtTimeZone { timestamp, time_zone } = expression {
        *expression = call("timezone", vec![take(time_zone), take(timestamp)]);
    }
    Ok(())
}
