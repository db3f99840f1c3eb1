//! What every new row of a table must hold: NOT NULL, CHECK constraints, invariants, generated columns.
//! It never shows the row that does not.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use datafusion::arrow::buffer::NullBuffer;
use datafusion::arrow::datatypes::{DataType, Field, Fields};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::execution::context::SessionState;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, ident, lit};
use datafusion::physical_expr::PhysicalExpr;
use delta_kernel::schema::{MetadataValue, StructField};
use deltalake::delta_datafusion::expr::parse_predicate_expression;
use deltalake::kernel::StructTypeExt;

use super::error::of_datafusion;
use super::shape::Shape;
use crate::base::datatype::{PgType, pg_type_of};
use crate::base::{Error, ErrorKind, ErrorObject, Result};
use crate::delta::carried::{DECLARED_TYPE, carried_type};
use crate::delta::check::{CHECK_PREFIX, declared_check};

/// The function that rounds a moment to so many digits of a second.
const ROUNDED: &str = "datetime_rounded";

/// The rules of one table, ready to be checked.
pub struct Rules {
    /// The fields as the table declares them, NOT NULL included.
    fields: Fields,
    rules: Vec<Rule>,
}

struct Rule {
    kind: RuleKind,
    /// True for every row that follows the rule.
    holds: Arc<dyn PhysicalExpr>,
}

enum RuleKind {
    Check {
        name: String,
        /// Whether NULL passes, as it does where SQL declares the constraint.
        takes_null: bool,
    },
    Invariant(String),
    Generated(String),
    /// The condition under which INSERT replaces rows.
    Replaced,
}

impl Rules {
    /// The rules of a table; `replaced` is the condition of an INSERT that replaces rows.
    pub fn try_new(state: &SessionState, shape: &Shape, replaced: Option<&Expr>) -> Result<Self> {
        let mut rules = Vec::new();
        if let Some(condition) = replaced {
            rules.push(Rule::try_new(state, shape, RuleKind::Replaced, condition.clone())?);
        }
        let mut checks: Vec<(&str, &str)> = shape
            .properties
            .iter()
            .filter_map(|(key, sql)| Some((key.strip_prefix(CHECK_PREFIX)?, sql.as_str())))
            .collect();
        // PostgreSQL checks constraints in the order of their names.
        checks.sort_unstable();
        for (name, sql) in checks {
            let declared = declared_check(sql);
            let holds = parsed(state, shape, declared.unwrap_or(sql))?;
            let kind = RuleKind::Check { name: name.to_owned(), takes_null: declared.is_some() };
            rules.push(Rule::try_new(state, shape, kind, holds)?);
        }
        let invariants = shape.schema.get_invariants().map_err(|cause| {
            Error::new(ErrorKind::DataCorrupted, "an invariant of the table cannot be read")
                .caused_by(cause)
        })?;
        for invariant in invariants {
            let holds = parsed(state, shape, &invariant.invariant_sql)?;
            let kind = RuleKind::Invariant(invariant.field_name);
            rules.push(Rule::try_new(state, shape, kind, holds)?);
        }
        for (name, _) in shape.generated() {
            let value = generated_value(state, shape, name)?;
            let same = Operator::IsNotDistinctFrom;
            let holds = BinaryExpr::new(Box::new(ident(name)), same, Box::new(value));
            let kind = RuleKind::Generated(name.to_owned());
            rules.push(Rule::try_new(state, shape, kind, Expr::BinaryExpr(holds))?);
        }
        Ok(Rules { fields: declared_fields(shape), rules })
    }

    /// Refuses a batch of new rows, in the table's columns, if one of them breaks a rule.
    pub fn check(&self, batch: &RecordBatch) -> Result<()> {
        for (field, column) in self.fields.iter().zip(batch.columns()) {
            if has_forbidden_null(field, column, None) {
                return Err(Error::new(
                    ErrorKind::NotNullViolation,
                    format!(
                        "null value in column \"{}\" of relation violates not-null constraint",
                        field.name()
                    ),
                )
                .about(ErrorObject {
                    column: Some(field.name().clone()),
                    ..ErrorObject::default()
                }));
            }
        }
        for rule in &self.rules {
            let holds = rule.holds.evaluate(batch).map_err(of_datafusion)?;
            let holds = holds.into_array(batch.num_rows()).map_err(of_datafusion)?;
            let holds = holds.as_boolean();
            let is_kept = match &rule.kind {
                RuleKind::Check { takes_null: true, .. } => !holds.has_false(),
                RuleKind::Check { takes_null: false, .. }
                | RuleKind::Invariant(_)
                | RuleKind::Generated(_)
                | RuleKind::Replaced => all_true(holds),
            };
            if !is_kept {
                return Err(rule.kind.violated());
            }
        }
        Ok(())
    }
}

impl Rule {
    fn try_new(state: &SessionState, shape: &Shape, kind: RuleKind, holds: Expr) -> Result<Self> {
        let columns = df_schema(shape)?;
        let holds = state.create_physical_expr(holds, &columns).map_err(of_datafusion)?;
        match holds.data_type(&shape.columns).map_err(of_datafusion)? {
            DataType::Boolean => Ok(Rule { kind, holds }),
            _ => Err(Error::new(
                ErrorKind::DatatypeMismatch,
                format!("{} must be of type boolean", kind.subject()),
            )),
        }
    }
}

impl RuleKind {
    fn subject(&self) -> String {
        match self {
            RuleKind::Check { name, .. } => format!("check constraint \"{name}\""),
            RuleKind::Invariant(column) => format!("the invariant of column \"{column}\""),
            RuleKind::Generated(column) => format!("the generation of column \"{column}\""),
            RuleKind::Replaced => "the condition of REPLACE WHERE".to_owned(),
        }
    }

    fn violated(&self) -> Error {
        let error =
            Error::new(ErrorKind::CheckViolation, format!("new row violates {}", self.subject()));
        match self {
            RuleKind::Check { name, takes_null } => {
                let constraint = Some(name.clone());
                let error = error.about(ErrorObject { constraint, ..ErrorObject::default() });
                match takes_null {
                    true => error,
                    false => error
                        .with_hint("This constraint of the Delta table must be true; NULL is not."),
                }
            }
            RuleKind::Invariant(_) => error,
            RuleKind::Replaced => error.with_hint("Add such rows by an INSERT of their own."),
            RuleKind::Generated(_) => error.with_hint("Leave the column out of the statement."),
        }
    }
}

/// The value of a generated column, as an expression over the table's columns.
pub fn generated_value(state: &SessionState, shape: &Shape, column: &str) -> Result<Expr> {
    let sql = shape.generated().find(|(name, _)| *name == column).map(|(_, sql)| sql);
    let field = shape.columns.field_with_name(column).ok();
    let (Some(sql), Some(field)) = (sql, field) else {
        return Err(Error::internal("a generated column without a generation expression"));
    };
    let value = parsed(state, shape, sql)?;
    Ok(datafusion::logical_expr::cast(value, field.data_type().clone()))
}

/// The value that a column has in new rows that say nothing of it.
pub fn default_value(state: &SessionState, shape: &Shape, column: &str) -> Result<Expr> {
    let (Some(sql), Ok(field)) = (shape.default_of(column), shape.columns.field_with_name(column))
    else {
        return Ok(lit(ScalarValue::Null));
    };
    let value = default_expression(state, sql)?;
    match shape.schema.field(column).and_then(declared_digits) {
        Some(digits) => rounded(state, value, field.data_type(), digits),
        None => Ok(value),
    }
}

/// The value that the SQL of a column's default stands for.
pub fn column_default(state: &SessionState, field: &Field, sql: &str) -> Result<Expr> {
    let value = default_expression(state, sql)?;
    match pg_type_of(field) {
        Ok((PgType::Scalar(base), digits)) if base.has_precision() && digits >= 0 => {
            rounded(state, value, field.data_type(), digits)
        }
        _ => Ok(value),
    }
}

fn declared_digits(field: &StructField) -> Option<i32> {
    match field.metadata.get(DECLARED_TYPE) {
        Some(MetadataValue::String(name)) => carried_type(name).and_then(|(_, digits)| digits),
        _ => None,
    }
}

/// A moment with so many digits of a second.
fn rounded(state: &SessionState, value: Expr, data_type: &DataType, digits: i32) -> Result<Expr> {
    let function = state.scalar_functions().get(ROUNDED);
    let function = function.ok_or_else(|| Error::internal("the rounding of moments is missing"))?;
    let value = datafusion::logical_expr::cast(value, data_type.clone());
    Ok(function.call(vec![value, lit(digits)]))
}

/// The SQL of a default as an expression.
pub fn default_expression(state: &SessionState, sql: &str) -> Result<Expr> {
    parse_predicate_expression(&DFSchema::empty(), sql, state).map_err(|cause| {
        Error::unsupported(format!("the default \"{sql}\" of a column")).caused_by(cause)
    })
}

/// An expression of the table's metadata, which is SQL of Spark.
pub fn parsed(state: &SessionState, shape: &Shape, sql: &str) -> Result<Expr> {
    parse_predicate_expression(&df_schema(shape)?, sql, state).map_err(|cause| {
        Error::unsupported(format!("the expression \"{sql}\" of the table"))
            .with_detail("It is checked for every new row, so the table cannot be written to.")
            .caused_by(cause)
    })
}

fn df_schema(shape: &Shape) -> Result<DFSchema> {
    DFSchema::try_from(Arc::clone(&shape.columns)).map_err(of_datafusion)
}

/// The table's fields under their logical names, with the nullability that the table declares.
fn declared_fields(shape: &Shape) -> Fields {
    let fields = shape.columns.fields().iter().zip(shape.files.fields());
    fields
        .map(|(column, file)| {
            Field::new(column.name(), file.data_type().clone(), file.is_nullable())
        })
        .collect()
}

fn all_true(values: &BooleanArray) -> bool {
    values.null_count() == 0 && values.true_count() == values.len()
}

/// Whether there is a NULL where the field, or a field inside of it, allows none. `outer` are the rows
/// in which the field is there at all.
fn has_forbidden_null(field: &Field, array: &ArrayRef, outer: Option<&NullBuffer>) -> bool {
    if !field.is_nullable() {
        let absent = array.logical_nulls();
        let forbidden = match (&absent, outer) {
            (None, _) => false,
            (Some(absent), None) => absent.null_count() > 0,
            (Some(absent), Some(outer)) => {
                (0..absent.len()).any(|row| absent.is_null(row) && outer.is_valid(row))
            }
        };
        if forbidden {
            return true;
        }
    }
    match field.data_type() {
        DataType::Struct(fields) => {
            let Some(values) = array.as_struct_opt() else { return false };
            let here = NullBuffer::union(outer, values.nulls());
            let mut fields = fields.iter().zip(values.columns());
            fields.any(|(field, column)| has_forbidden_null(field, column, here.as_ref()))
        }
        DataType::List(element) => {
            let Some(lists) = array.as_list_opt::<i32>() else { return false };
            has_forbidden_null(element, &used_values(lists.values(), lists.offsets()), None)
        }
        DataType::Map(entries, _) => {
            let (Some(maps), DataType::Struct(fields)) = (array.as_map_opt(), entries.data_type())
            else {
                return false;
            };
            let columns = maps.entries().columns().iter();
            fields.iter().zip(columns).any(|(field, column)| {
                has_forbidden_null(field, &used_values(column, maps.offsets()), None)
            })
        }
        _ => false,
    }
}

/// The part of a list's values that its rows use.
fn used_values(values: &ArrayRef, offsets: &[i32]) -> ArrayRef {
    let bound = |offset: Option<&i32>| offset.and_then(|&at| usize::try_from(at).ok()).unwrap_or(0);
    let (first, last) = (bound(offsets.first()), bound(offsets.last()));
    values.slice(first, last.saturating_sub(first))
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::{Int32Array, StructArray};

    #[test]
    fn nulls_inside_absent_structs_are_allowed() {
        let inner = Field::new("x", DataType::Int32, false);
        let declared = Field::new("s", DataType::Struct(vec![inner.clone()].into()), true);
        let relaxed: Fields = vec![Field::new("x", DataType::Int32, true)].into();
        let values: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), None]));
        let rows = |present: Vec<bool>| -> ArrayRef {
            let nulls = NullBuffer::from(present);
            let columns = vec![Arc::clone(&values)];
            Arc::new(StructArray::new(relaxed.clone(), columns, Some(nulls)))
        };
        assert!(!has_forbidden_null(&declared, &rows(vec![true, false]), None));
        assert!(has_forbidden_null(&declared, &rows(vec![true, true]), None));
    }
}
