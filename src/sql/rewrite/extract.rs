//! `EXTRACT(field FROM x)` becomes `extract('field', x)`, which is how PostgreSQL defines it: a number with a
//! fraction, where the planner would make `date_part`.

use sqlparser::ast::{DateTimeField, Expr, Value};

use super::{call, take};
use crate::base::Result;

pub fn rewrite(expression: &mut Expr) -> Result<()> {
    let Expr::Extract { field, expr, .. } = expression else { return Ok(()) };
    let name = match field {
        DateTimeField::Custom(name) => name.value.to_lowercase(),
        field => field.to_string().to_lowercase(),
    };
    let name = name.trim_matches('\'').to_owned();
    let value = take(expr);
    *expression = call("extract", vec![Expr::value(Value::SingleQuotedString(name)), value]);
    Ok(())
}
