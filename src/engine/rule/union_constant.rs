//! String constants in a union: they are read as values of the type that the other inputs have in the column, as
//! PostgreSQL reads its unknown literals. <https://www.postgresql.org/docs/16/typeconv-union-case.html>

use std::sync::Arc;

use datafusion::arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType, FieldRef};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::expr::{Alias, Cast};
use datafusion::logical_expr::{Expr, LogicalPlan, Projection, Union};

use crate::base::datatype::{BaseType, PgType, pg_type_of};

/// The inputs with their constants of the types that the other inputs tell.
pub fn read(union: Union) -> Result<Union> {
    let count = union.inputs.first().map_or(0, |input| input.schema().fields().len());
    let told: Vec<Option<FieldRef>> = (0..count)
        .map(|column| union.inputs.iter().find_map(|input| told_type(input, column)))
        .collect();
    let inputs = union.inputs.into_iter().map(|input| with_constants(input, &told));
    Ok(Union { inputs: inputs.collect::<Result<_>>()?, schema: union.schema })
}

fn constant(input: &LogicalPlan, column: usize) -> Option<&str> {
    let LogicalPlan::Projection(projection) = input else { return None };
    text_of(projection.expr.get(column)?)
}

fn text_of(expression: &Expr) -> Option<&str> {
    match expression {
        Expr::Alias(Alias { expr, .. }) => text_of(expr),
        Expr::Literal(ScalarValue::Utf8(text), _) => text.as_deref(),
        _ => None,
    }
}

/// The type of an input's column, where it is one that texts are to be read as.
fn told_type(input: &LogicalPlan, column: usize) -> Option<FieldRef> {
    let field = input.schema().fields().get(column)?;
    let is_text = field.data_type().is_null()
        || matches!(
            pg_type_of(field),
            Ok((PgType::Scalar(BaseType::Text | BaseType::Unknown), _)) | Err(_)
        );
    (!is_text && constant(input, column).is_none()).then(|| Arc::clone(field))
}

fn with_constants(input: Arc<LogicalPlan>, told: &[Option<FieldRef>]) -> Result<Arc<LogicalPlan>> {
    let is_told = |(column, field): (usize, &Option<FieldRef>)| {
        field.is_some() && constant(&input, column).is_some()
    };
    if !told.iter().enumerate().any(is_told) {
        return Ok(input);
    }
    let LogicalPlan::Projection(Projection { expr, input, .. }) = Arc::unwrap_or_clone(input)
    else {
        return Err(datafusion::common::DataFusionError::Internal("no projection".to_owned()));
    };
    let expressions = expr.into_iter().zip(told).map(|(expression, field)| match field {
        Some(field) if text_of(&expression).is_some() => cast(expression, field),
        _ => expression,
    });
    let projection = Projection::try_new(expressions.collect(), input)?;
    Ok(Arc::new(LogicalPlan::Projection(projection)))
}

fn cast(expression: Expr, field: &FieldRef) -> Expr {
    let name = expression.schema_name().to_string();
    let digits = text_of(&expression).and_then(|text| text.split_once('.')).map(|(_, rest)| rest);
    let field = match field.data_type() {
        // All digits of the constant are kept.
        DataType::Decimal128(_, scale) => {
            let scale =
                digits.map_or(0, |rest| i8::try_from(rest.len()).unwrap_or(i8::MAX)).max(*scale);
            let wide = DataType::Decimal128(DECIMAL128_MAX_PRECISION, scale);
            Arc::new(field.as_ref().clone().with_data_type(wide))
        }
        _ => Arc::clone(field),
    };
    Expr::Cast(Cast::new_from_field(Box::new(expression.unalias()), field)).alias(name)
}
