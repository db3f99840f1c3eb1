//! Operators that PostgreSQL has for types for which DataFusion has none or others, planned as calls: dates and
//! intervals, JSON, byte strings. It runs nothing.

use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::{DFSchema, DataFusionError, Result, ScalarValue};
use datafusion::functions_nested::expr_fn::{array_element, array_has_any};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::planner::{
    ExprPlanner, PlannerResult, RawBinaryExpr, RawFieldAccessExpr,
};
use datafusion::logical_expr::{
    Cast, Expr, ExprSchemable, GetFieldAccess, Operator, binary_expr, cast, lit,
};
use sqlparser::ast::BinaryOperator;

use crate::base::datatype::{BaseType, NO_TYPMOD, PgType, pg_type_of};
use crate::base::{Error, ErrorKind};
use crate::engine::system::field::field_of;
use crate::sql::{PERIOD_END, WHOLE_ROW};

use super::datetime_arithmetic::{DIVIDE, MINUS, PLUS, TIMES};
use super::json;
use super::json_edit;
use super::json_path;
use super::kernel::numeric_field;
use super::literal::array_constants;
use super::network;
use super::record;
use super::regular_expression::MATCHES;
use super::string::{BYTES_CONCAT, STARTS_WITH};

/// Plans such operators. It is asked before DataFusion's own planners.
#[derive(Debug)]
pub struct OperatorPlanner;

impl ExprPlanner for OperatorPlanner {
    /// The elements of `int2vector` and `oidvector` are counted from zero; a document has keys and elements.
    fn plan_field_access(
        &self,
        expression: RawFieldAccessExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawFieldAccessExpr>> {
        let of = expression.expr.to_field(schema)?.1;
        let is_vector = is_of(&of, BaseType::Int2Vector) || is_of(&of, BaseType::OidVector);
        let RawFieldAccessExpr { expr, field_access } = expression;
        match field_access {
            GetFieldAccess::ListIndex { key } if is_vector => {
                let place = binary_expr(cast(*key, DataType::Int64), Operator::Plus, lit(1_i64));
                Ok(PlannerResult::Planned(array_element(expr, place)))
            }
            GetFieldAccess::ListIndex { key } if is_of(&of, BaseType::Jsonb) => {
                call(json::GET, vec![expr, *key]).map(PlannerResult::Planned)
            }
            GetFieldAccess::NamedStructField { name } if is_of(&of, BaseType::Jsonb) => {
                call(json::GET, vec![expr, lit(name)]).map(PlannerResult::Planned)
            }
            field_access => Ok(PlannerResult::Original(RawFieldAccessExpr { expr, field_access })),
        }
    }

    fn plan_binary_op(
        &self,
        expression: RawBinaryExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawBinaryExpr>> {
        if let BinaryOperator::Custom(name) = &expression.op {
            return match name.as_str() {
                PERIOD_END => period_end(expression, schema),
                WHOLE_ROW => whole_row(expression, schema),
                "<<=" => Ok(of_networks(network::WITHIN_OR_SAME, expression)?),
                ">>=" => Ok(of_networks(network::AROUND_OR_SAME, expression)?),
                _ => Ok(PlannerResult::Original(expression)),
            };
        }
        let expression = match expression.op {
            BinaryOperator::PGOverlap | BinaryOperator::AtArrow | BinaryOperator::ArrowAt => {
                array_constants(expression, schema)?
            }
            _ => expression,
        };
        let left = expression.left.to_field(schema)?.1;
        let right = expression.right.to_field(schema)?.1;
        if matches!(expression.op, BinaryOperator::PGOverlap) && is_array(&left) && is_array(&right)
        {
            let RawBinaryExpr { left, right, .. } = expression;
            return Ok(PlannerResult::Planned(array_has_any(left, right)));
        }
        if is_network(&left) || is_network(&right) {
            let name = match expression.op {
                BinaryOperator::PGBitwiseShiftLeft => Some(network::WITHIN),
                BinaryOperator::PGBitwiseShiftRight => Some(network::AROUND),
                BinaryOperator::PGOverlap => Some(network::OVERLAP),
                _ => None,
            };
            if let Some(name) = name {
                return of_networks(name, expression);
            }
            let is_text = |side: &Expr, field: &Field| {
                let has_type = !matches!(side, Expr::Literal(..) | Expr::Placeholder(_));
                has_type && field.data_type().is_string() && !is_network(field)
            };
            let is_other = is_text(&expression.left, &left) || is_text(&expression.right, &right);
            if comparison_of(&expression.op).is_some() && is_other {
                return Err(undefined(&expression, &left, &right));
            }
        }
        if let Some((flags, negated)) = regular_expression(&expression.op) {
            let RawBinaryExpr { left: text, right: pattern, .. } = expression;
            let found = call(MATCHES, vec![text, pattern, lit(flags)])?;
            let found = if negated { Expr::Not(Box::new(found)) } else { found };
            return Ok(PlannerResult::Planned(found));
        }
        if let Some(comparison) = comparison_of(&expression.op)
            && (is_of(&left, BaseType::Jsonb) && is_document_or_text(&right)
                || is_of(&right, BaseType::Jsonb) && is_document_or_text(&left))
        {
            let RawBinaryExpr { left: one, right: other, .. } = expression;
            let order = call(json_path::COMPARE, vec![one, other])?;
            let planned = binary_expr(order, comparison, lit(0_i32));
            return Ok(PlannerResult::Planned(planned));
        }
        if comparison_of(&expression.op).is_some() && is_incomparable(&left, &right) {
            return Err(undefined(&expression, &left, &right));
        }
        if comparison_of(&expression.op).is_some()
            && is_of(&left, BaseType::Json)
            && (is_of(&right, BaseType::Json) || right.data_type().is_string())
        {
            return Err(undefined(&expression, &left, &right));
        }
        match function_of(&expression.op, &left, &right) {
            Some(name) => {
                let RawBinaryExpr { left: first, right: second, .. } = expression;
                let (first, second) = told(name, first, &left, second, &right);
                let second = if is_path(name) { path(second, &right)? } else { second };
                call(name, vec![first, second]).map(PlannerResult::Planned)
            }
            None => {
                let RawBinaryExpr { op, left: first, right: second } = expression;
                let (first, second) = read_constants(&op, first, &left, second, &right);
                let (first, second) = widened(&op, first, &left, second, &right);
                Ok(PlannerResult::Original(RawBinaryExpr { op, left: first, right: second }))
            }
        }
    }
}

fn is_network(field: &Field) -> bool {
    is_of(field, BaseType::Inet) || is_of(field, BaseType::Cidr)
}

/// An operator of two networks; constants are read by the function.
fn of_networks(name: &str, expression: RawBinaryExpr) -> Result<PlannerResult<RawBinaryExpr>> {
    let RawBinaryExpr { left, right, .. } = expression;
    call(name, vec![left, right]).map(PlannerResult::Planned)
}

/// The end of a period: an interval counts from the start.
fn period_end(
    expression: RawBinaryExpr,
    schema: &DFSchema,
) -> Result<PlannerResult<RawBinaryExpr>> {
    let RawBinaryExpr { left, right, .. } = expression;
    let end = match right.get_type(schema)? {
        DataType::Interval(_) => call(PLUS, vec![left, right])?,
        _ => right,
    };
    Ok(PlannerResult::Planned(end))
}

/// What a name means that may be a column or a relation: PostgreSQL looks for a column first.
fn whole_row(expression: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
    let name = expression.right.as_literal().and_then(|name| name.try_as_str().flatten());
    let name = name.unwrap_or_default();
    let of_relation = schema
        .iter()
        .filter(|(relation, _)| relation.is_some_and(|relation| relation.table() == name));
    let fields: Vec<Expr> = match schema.has_column_with_unqualified_name(name) {
        true => Vec::new(),
        false => of_relation
            .flat_map(|column| {
                let shown = crate::sql::shown(column.1.name());
                [lit(shown.as_ref()), Expr::Column(datafusion::common::Column::from(column))]
            })
            .collect(),
    };
    if !fields.is_empty() {
        return call(record::RECORD_OR_NULL, fields).map(PlannerResult::Planned);
    }
    let column = match schema.qualified_field_with_unqualified_name(name) {
        Ok(field) => datafusion::common::Column::from(field),
        Err(_) => datafusion::common::Column::new_unqualified(name),
    };
    Ok(PlannerResult::Planned(Expr::Column(column)))
}

fn call(name: &str, arguments: Vec<Expr>) -> Result<Expr> {
    let function = super::column_function(name).ok_or_else(|| {
        let error = Error::internal(format!("the function {name} of an operator is missing"));
        DataFusionError::External(Box::new(error))
    })?;
    Ok(Expr::ScalarFunction(ScalarFunction::new_udf(function, arguments)))
}

/// The flags of an operator of regular expressions, and whether it is true where nothing matches.
fn regular_expression(operator: &BinaryOperator) -> Option<(&'static str, bool)> {
    match operator {
        BinaryOperator::PGRegexMatch => Some(("", false)),
        BinaryOperator::PGRegexIMatch => Some(("i", false)),
        BinaryOperator::PGRegexNotMatch => Some(("", true)),
        BinaryOperator::PGRegexNotIMatch => Some(("i", true)),
        _ => None,
    }
}

/// The function that stands for an operator between two types.
fn function_of(operator: &BinaryOperator, left: &Field, right: &Field) -> Option<&'static str> {
    use BinaryOperator as Op;
    let is_temporal = is_temporal(left.data_type()) || is_temporal(right.data_type());
    match operator {
        Op::Plus if is_temporal => Some(PLUS),
        Op::Minus if is_temporal => Some(MINUS),
        Op::Multiply if is_temporal => Some(TIMES),
        Op::Divide if is_temporal => Some(DIVIDE),
        Op::Arrow => Some(json::GET),
        Op::LongArrow => Some(json::GET_TEXT),
        Op::HashArrow => Some(json::GET_PATH),
        Op::HashLongArrow => Some(json::GET_PATH_TEXT),
        Op::Question => Some(json::EXISTS),
        Op::QuestionPipe => Some(json::EXISTS_ANY),
        Op::QuestionAnd => Some(json::EXISTS_ALL),
        Op::AtQuestion => Some(json_path::PATH_EXISTS),
        Op::AtAt if is_document(left) => Some(json_path::PATH_MATCH),
        Op::HashMinus => Some(json_edit::DELETE_PATH),
        Op::AtArrow if is_document(left) || is_document(right) => Some(json::CONTAINS),
        Op::ArrowAt if is_document(left) || is_document(right) => Some(json::CONTAINED),
        Op::StringConcat
            if is_document(left) && right.data_type().is_string()
                || is_document(right) && left.data_type().is_string() =>
        {
            Some(json::CONCAT)
        }
        Op::Minus if is_document(left) && is_array(right) => Some(json_edit::DELETE_KEYS),
        Op::Minus if is_document(left) => Some(json::DELETE),
        Op::StringConcat if left.data_type().is_binary() && right.data_type().is_binary() => {
            Some(BYTES_CONCAT)
        }
        Op::PGStartsWith => Some(STARTS_WITH),
        _ => None,
    }
}

fn is_array(field: &Field) -> bool {
    matches!(field.data_type(), DataType::List(_) | DataType::LargeList(_))
}

fn is_path(name: &str) -> bool {
    matches!(
        name,
        json::GET_PATH
            | json::GET_PATH_TEXT
            | json::EXISTS_ANY
            | json::EXISTS_ALL
            | json_edit::DELETE_PATH
    )
}

/// A string constant in the place of an array of texts.
fn path(expression: Expr, field: &Field) -> Result<Expr> {
    if !field.data_type().is_string() {
        return Ok(expression);
    }
    let texts = field_of("text[]", PgType::Array(BaseType::Text), NO_TYPMOD).ok_or_else(|| {
        DataFusionError::External(Box::new(Error::internal("an array of texts has no type")))
    })?;
    Ok(Expr::Cast(Cast::new_from_field(Box::new(expression), texts.into())))
}

fn is_document(field: &Field) -> bool {
    is_of(field, BaseType::Jsonb) || is_of(field, BaseType::Json)
}

/// A `real` is reckoned with other numbers as `double precision`.
fn widened(
    operator: &BinaryOperator,
    first: Expr,
    left: &Field,
    second: Expr,
    right: &Field,
) -> (Expr, Expr) {
    use BinaryOperator as Op;
    let reckons = matches!(operator, Op::Plus | Op::Minus | Op::Multiply | Op::Divide);
    let is_real = |field: &Field| *field.data_type() == DataType::Float32;
    let is_other = |field: &Field| field.data_type().is_numeric() && !is_real(field);
    let wide = |value: Expr| cast(value, DataType::Float64);
    match reckons {
        true if is_real(left) && is_other(right) => (wide(first), wide(second)),
        true if is_other(left) && is_real(right) => (wide(first), wide(second)),
        _ => (first, second),
    }
}

/// Dates, times and truths are compared with no numbers.
fn is_incomparable(left: &Field, right: &Field) -> bool {
    let is_apart =
        |field: &Field| is_temporal(field.data_type()) || *field.data_type() == DataType::Boolean;
    let is_number = |field: &Field| field.data_type().is_numeric();
    is_apart(left) && is_number(right) || is_number(left) && is_apart(right)
}

/// 42883 in PostgreSQL's words.
fn undefined(expression: &RawBinaryExpr, left: &Field, right: &Field) -> DataFusionError {
    let name = |side: &Expr, field: &Field| match (side, pg_type_of(field)) {
        // Integer constants become 32-bit where they fit.
        (Expr::Literal(ScalarValue::Int64(Some(number)), _), _)
            if i32::try_from(*number).is_ok() =>
        {
            BaseType::Int4.sql_name().to_owned()
        }
        (_, Ok((pg_type, _))) => pg_type.sql_name(NO_TYPMOD),
        (_, Err(_)) => "unknown".to_owned(),
    };
    let (left, right) = (name(&expression.left, left), name(&expression.right, right));
    let message = format!("operator does not exist: {left} {} {right}", expression.op);
    let error = Error::new(ErrorKind::UndefinedFunction, message).with_hint(
        "No operator matches the given name and argument types. You might need to add explicit type casts.",
    );
    DataFusionError::External(Box::new(error))
}

fn is_document_or_text(field: &Field) -> bool {
    is_of(field, BaseType::Jsonb) || field.data_type().is_string() && !is_of(field, BaseType::Json)
}

/// Documents of `jsonb` are compared by their values, not by their texts.
fn comparison_of(operator: &BinaryOperator) -> Option<Operator> {
    match operator {
        BinaryOperator::Eq => Some(Operator::Eq),
        BinaryOperator::NotEq => Some(Operator::NotEq),
        BinaryOperator::Lt => Some(Operator::Lt),
        BinaryOperator::LtEq => Some(Operator::LtEq),
        BinaryOperator::Gt => Some(Operator::Gt),
        BinaryOperator::GtEq => Some(Operator::GtEq),
        _ => None,
    }
}

fn is_temporal(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Date32
            | DataType::Date64
            | DataType::Time32(_)
            | DataType::Time64(_)
            | DataType::Timestamp(..)
            | DataType::Interval(_)
            | DataType::Duration(_)
    )
}

/// A string constant beside a date or timestamp that is subtracted has that type.
fn told(name: &str, first: Expr, left: &Field, second: Expr, right: &Field) -> (Expr, Expr) {
    let is_moment =
        |field: &Field| matches!(field.data_type(), DataType::Date32 | DataType::Timestamp(..));
    let is_string = |expression: &Expr, field: &Field| {
        matches!(expression, Expr::Literal(..)) && field.data_type().is_string()
    };
    if name != MINUS {
        return (first, second);
    }
    if is_moment(left) && is_string(&second, right) {
        let second = cast(second, left.data_type().clone());
        return (first, second);
    }
    if is_moment(right) && is_string(&first, left) {
        let first = cast(first, right.data_type().clone());
        return (first, second);
    }
    (first, second)
}

/// A string constant beside a number that it is reckoned with, or beside a boolean, is read as one.
fn read_constants(
    operator: &BinaryOperator,
    first: Expr,
    left: &Field,
    second: Expr,
    right: &Field,
) -> (Expr, Expr) {
    use BinaryOperator as Op;
    let reckons = matches!(operator, Op::Plus | Op::Minus | Op::Multiply | Op::Divide | Op::Modulo);
    let compares = matches!(operator, Op::Eq | Op::NotEq | Op::Lt | Op::LtEq | Op::Gt | Op::GtEq);
    let applies = |other: &Field| {
        reckons && other.data_type().is_numeric()
            || compares && *other.data_type() == DataType::Boolean
    };
    let read = |constant: Expr, field: &Field, other: &Field| {
        let is_string = matches!(constant, Expr::Literal(..)) && field.data_type().is_string();
        if !is_string || !applies(other) {
            return constant;
        }
        let target = match other.data_type() {
            DataType::Decimal128(..) | DataType::Decimal256(..) => numeric_field(38, 10),
            // Integer constants become 32-bit where they fit.
            DataType::Int64 => Field::new("int4", DataType::Int32, true),
            data_type => Field::new("constant", data_type.clone(), true),
        };
        Expr::Cast(Cast::new_from_field(Box::new(constant), target.into()))
    };
    (read(first, left, right), read(second, right, left))
}

/// Whether a column holds this type by its declaration.
fn is_of(field: &Field, base: BaseType) -> bool {
    pg_type_of(field).is_ok_and(|(pg_type, _)| pg_type == PgType::Scalar(base))
}
