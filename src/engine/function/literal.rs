//! String constants whose type is told by what stands beside them, as PostgreSQL reads its unknown literals:
//! `relacl = '{}'` compares arrays, `'\x00ff'::bytea` is two bytes, `'{1,2}'::int[]` two numbers. And the
//! types that constants have in a result. It reads no column.
//!
//! Types whose texts depend on the session's settings (dates and times) are left to DataFusion.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::expr::{Alias, Case, Cast};
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{
    BinaryExpr, Expr, ExprSchemable, Limit, LogicalPlan, Projection, Sort,
};
use datafusion::optimizer::AnalyzerRule;
use sqlparser::ast::BinaryOperator;

use crate::base::Error;
use crate::base::datatype::{
    BaseType, NO_TYPMOD, PgType, TYPE_METADATA, TYPMOD_METADATA, pg_type_of,
};
use crate::base::text_style::TextStyle;
use crate::base::value::parse_text;
use crate::engine::comparison;
use crate::engine::plan_rewrite::rewrite_expressions;

/// Reads a string constant that is compared with an array as an array.
#[derive(Debug)]
pub struct LiteralPlanner;

impl ExprPlanner for LiteralPlanner {
    fn plan_binary_op(
        &self,
        expression: RawBinaryExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawBinaryExpr>> {
        match is_comparison(&expression.op) {
            true => array_constants(expression, schema).map(PlannerResult::Original),
            false => Ok(PlannerResult::Original(expression)),
        }
    }
}

/// The expression with a string constant beside an array read as one.
pub fn array_constants(mut expression: RawBinaryExpr, schema: &DFSchema) -> Result<RawBinaryExpr> {
    if let Some(text) = text_of(&expression.right) {
        if let Some(array) = beside(text, &expression.left, schema)? {
            expression.right = array;
        }
    } else if let Some(text) = text_of(&expression.left)
        && let Some(array) = beside(text, &expression.right, schema)?
    {
        expression.left = array;
    }
    Ok(expression)
}

fn is_comparison(operator: &BinaryOperator) -> bool {
    use BinaryOperator::*;
    matches!(operator, Eq | NotEq | Lt | LtEq | Gt | GtEq | AtArrow | ArrowAt | PGOverlap)
}

/// The constant `text` as an array like `other`; `None` when `other` is no array.
fn beside(text: &str, other: &Expr, schema: &DFSchema) -> Result<Option<Expr>> {
    let (_, field) = other.to_field(schema)?;
    match pg_type_of(&field) {
        Ok((PgType::Array(_), _)) => read(text, &field),
        _ => Ok(None),
    }
}

/// Reads string constants in casts. Runs before DataFusion's type coercion.
#[derive(Debug)]
pub struct LiteralRule;

impl AnalyzerRule for LiteralRule {
    fn name(&self) -> &str {
        "string_constants"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        rewrite_expressions(plan, rewrite_constants)
    }
}

fn rewrite_constants(expression: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    match expression {
        Expr::Case(case) => Ok(rewrite_case(case, schema)),
        Expr::BinaryExpr(_) | Expr::Between(_) | Expr::InList(_) => {
            beside_moments(expression, schema)
        }
        other => rewrite_cast(other),
    }
}

/// Constants that are compared with a timestamp are timestamps of its unit: DataFusion would compare both in
/// nanoseconds, which hold no year before 1678 and none after 2261. Those beside a time or an interval are such, too.
fn beside_moments(expression: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    if let Expr::BinaryExpr(BinaryExpr { op, .. }) = &expression
        && !comparison::is_comparison(*op)
    {
        return Ok(Transformed::no(expression));
    }
    let mut told = None;
    let mut has_constant = false;
    expression.apply_children(|side| {
        match is_untyped(side) {
            true => has_constant = true,
            false => told = told.take().or(moment(side, schema)?),
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    let Some(field) = told.filter(|_| has_constant) else { return Ok(Transformed::no(expression)) };
    expression.map_children(|side| match is_untyped(&side) {
        true => {
            let cast = Cast::new_from_field(Box::new(side), Arc::clone(&field));
            Ok(Transformed::yes(Expr::Cast(cast)))
        }
        false => Ok(Transformed::no(side)),
    })
}

/// Whether an expression is a string constant of which nothing says that it is of another type.
fn is_untyped(side: &Expr) -> bool {
    match side {
        Expr::Literal(value, metadata) => {
            let told = metadata.as_ref().is_some_and(|one| one.inner().contains_key(TYPE_METADATA));
            !told && value.try_as_str().flatten().is_some()
        }
        _ => false,
    }
}

/// Types whose values are canonical texts.
fn is_text_carried(base: BaseType) -> bool {
    matches!(base, BaseType::Inet | BaseType::Cidr | BaseType::Macaddr | BaseType::Timetz)
}

/// The type of a timestamp as Delta has it, of a time or of an interval, and of what is carried by a text.
fn moment(side: &Expr, schema: &DFSchema) -> Result<Option<FieldRef>> {
    let field = side.to_field(schema)?.1;
    if matches!(pg_type_of(&field), Ok((PgType::Scalar(base), _)) if is_text_carried(base)) {
        return Ok(Some(field));
    }
    let data_type = side.get_type(schema)?;
    let is_moment = matches!(
        data_type,
        DataType::Timestamp(TimeUnit::Microsecond, _)
            | DataType::Time64(TimeUnit::Microsecond)
            | DataType::Interval(_)
    );
    Ok(is_moment.then(|| Arc::new(Field::new("moment", data_type, true))))
}

/// `CASE flag WHEN 't' THEN …`: the constant is a truth value where the conditions' other side is one.
fn rewrite_case(mut case: Case, schema: &DFSchema) -> Transformed<Expr> {
    let is_boolean =
        |one: &Expr| one.get_type(schema).is_ok_and(|found| found == DataType::Boolean);
    let is_condition = |text: &str| matches!(text, "t" | "true" | "f" | "false");
    let mut changed = false;
    if case.expr.as_deref().is_some_and(is_boolean) {
        for (when, _) in &mut case.when_then_expr {
            if let Some(text) = text_of(when).filter(|text| is_condition(text)) {
                let value = matches!(text, "t" | "true");
                **when = Expr::Literal(ScalarValue::Boolean(Some(value)), None);
                changed = true;
            }
        }
    }
    Transformed::new(Expr::Case(case), changed, TreeNodeRecursion::Continue)
}

fn rewrite_cast(expression: Expr) -> Result<Transformed<Expr>> {
    let Expr::Cast(Cast { expr, field }) = &expression else {
        return Ok(Transformed::no(expression));
    };
    let Some(text) = text_of(expr) else { return Ok(Transformed::no(expression)) };
    match read(text, field)? {
        Some(value) => {
            let cast = Cast::new_from_field(Box::new(value), Arc::clone(field));
            Ok(Transformed::yes(Expr::Cast(cast)))
        }
        None => Ok(Transformed::no(expression)),
    }
}

/// The constant `text` as a value of `field`'s type; `None` for types that are left to DataFusion.
fn read(text: &str, field: &Field) -> Result<Option<Expr>> {
    let (pg_type, _) = pg_type_of(field).map_err(external)?;
    if !is_read_here(pg_type) {
        return Ok(None);
    }
    let value = parse_text(pg_type, text, &TextStyle::default()).map_err(external)?;
    Ok(Some(Expr::Literal(value.cast_to(field.data_type())?, None)))
}

fn is_read_here(pg_type: PgType) -> bool {
    use BaseType::*;
    match pg_type {
        PgType::Scalar(base) => base == Bytea,
        PgType::Array(base) => match base {
            Bool | Bytea | Char | Name | Int8 | Int2 | Int4 | Text | Oid | Xid | Json | Float4
            | Float8 | AclItem | Bpchar | Varchar | Numeric | Uuid | Jsonb | Inet | Cidr
            | Macaddr => true,
            Int2Vector | Regproc | Regprocedure | Regoper | Regoperator | Regcollation | Timetz
            | PgLsn | AnyArray | PgNdistinct | PgDependencies | PgMcvList | OidVector
            | PgNodeTree | Unknown | Date | Time | Timestamp | Timestamptz | Interval
            | Regclass | Regtype | Record | Void | Regnamespace | Regrole => false,
        },
    }
}

fn text_of(expression: &Expr) -> Option<&str> {
    match expression {
        Expr::Literal(value, _) => value.try_as_str().flatten(),
        _ => None,
    }
}

/// The plan with the types that PostgreSQL gives constants in a result: `integer` to whole numbers that fit,
/// and to a constant that is cast to `numeric` the digits that it is written with.
pub fn typed_constants(plan: LogicalPlan) -> Result<LogicalPlan> {
    match plan {
        LogicalPlan::Projection(Projection { expr, input, .. }) => {
            let expressions = expr.into_iter().map(typed_constant).collect::<Result<_>>()?;
            Projection::try_new(expressions, input).map(LogicalPlan::Projection)
        }
        LogicalPlan::Sort(Sort { expr, input, fetch }) => {
            let input = typed_constants(Arc::unwrap_or_clone(input))?.into();
            Ok(LogicalPlan::Sort(Sort { expr, input, fetch }))
        }
        LogicalPlan::Limit(Limit { skip, fetch, input }) => {
            let input = typed_constants(Arc::unwrap_or_clone(input))?.into();
            Ok(LogicalPlan::Limit(Limit { skip, fetch, input }))
        }
        other => Ok(other),
    }
}

fn typed_constant(expression: Expr) -> Result<Expr> {
    if let Expr::Alias(Alias { expr, relation, name, metadata }) = expression {
        let expr = Box::new(retyped(&expr)?.unwrap_or(*expr));
        return Ok(Expr::Alias(Alias { expr, relation, name, metadata }));
    }
    match retyped(&expression)? {
        Some(constant) => Ok(constant.alias(expression.schema_name().to_string())),
        None => Ok(expression),
    }
}

fn retyped(expression: &Expr) -> Result<Option<Expr>> {
    match expression {
        Expr::Literal(ScalarValue::Int64(Some(number)), metadata) => {
            let number = i32::try_from(*number).ok();
            let narrow = |number| Expr::Literal(ScalarValue::Int32(Some(number)), metadata.clone());
            Ok(number.map(narrow))
        }
        Expr::Cast(Cast { expr, field }) if is_numeric_without_modifier(field) => {
            let value = match expr.as_ref() {
                Expr::Literal(value, _) => digits(value)?,
                // `('1.5'::numeric)::numeric`, as drivers write parameters into the text.
                inner @ Expr::Cast(_) => match retyped(inner)? {
                    Some(Expr::Cast(Cast { expr, .. })) => expr.as_literal().cloned(),
                    _ => None,
                },
                _ => None,
            };
            let Some(value) = value else { return Ok(None) };
            let mut metadata = field.metadata().clone();
            metadata.insert(TYPE_METADATA.to_owned(), BaseType::Numeric.name().to_owned());
            let field = Field::new(field.name(), value.data_type(), true).with_metadata(metadata);
            let value = Box::new(Expr::Literal(value, None));
            Ok(Some(Expr::Cast(Cast::new_from_field(value, Arc::new(field)))))
        }
        _ => Ok(None),
    }
}

fn is_numeric_without_modifier(field: &Field) -> bool {
    let modifier = field.metadata().get(TYPMOD_METADATA).and_then(|modifier| modifier.parse().ok());
    field.data_type().is_decimal() && modifier == Some(NO_TYPMOD)
}

/// A decimal with the digits that a constant is written with; `None` for what is not a number.
fn digits(value: &ScalarValue) -> Result<Option<ScalarValue>> {
    match value {
        ScalarValue::Decimal128(Some(_), _, _) => Ok(Some(value.clone())),
        ScalarValue::Int64(Some(number)) => read_numeric(&number.to_string()).map(Some),
        other => match other.try_as_str().flatten() {
            Some(text) => read_numeric(text).map(Some),
            None => Ok(None),
        },
    }
}

fn read_numeric(text: &str) -> Result<ScalarValue> {
    parse_text(PgType::Scalar(BaseType::Numeric), text, &TextStyle::default()).map_err(external)
}

fn external(error: Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
