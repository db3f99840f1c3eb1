//! Constants of a query that are a plan's parameters: the OIDs and names that clients write into their texts, and
//! which alone differ from one table to the next. It decides by what is written, and plans nothing.

use std::ops::ControlFlow;

use datafusion::arrow::datatypes::FieldRef;
use datafusion::common::ScalarValue;
use sqlparser::ast::{self, BinaryOperator, Expr, Value, ValueWithSpan, visit_expressions_mut};

use crate::base::Result;
use crate::base::datatype::{BaseType, PgType, pg_type_of};
use crate::base::text_style::TextStyle;
use crate::base::value::parse_text;
use crate::engine::error::from_datafusion;

/// A constant that was taken out of a query.
#[derive(Debug, Clone, PartialEq)]
pub struct Lifted {
    text: String,
    /// What is known of its type where it stands.
    pub declared: Option<PgType>,
}

impl Lifted {
    /// The constant as a value of the type that the plan has found for it.
    pub fn value(&self, field: &FieldRef) -> Result<ScalarValue> {
        let (pg_type, _) = pg_type_of(field)?;
        let value = parse_text(pg_type, &self.text, &TextStyle::default())?;
        value.cast_to(field.data_type()).map_err(from_datafusion)
    }
}

/// Puts parameters after `$count` in the places of constants. Those are read as the constants are: a bare string
/// takes its type from what it is compared with, as a parameter does.
pub fn lift(query: &mut ast::Query, count: usize) -> Vec<Lifted> {
    let mut lifted = Vec::new();
    let found = visit_expressions_mut(query, |expression| {
        let Expr::BinaryOp { left, op, right } = expression else {
            return ControlFlow::<()>::Continue(());
        };
        match op {
            BinaryOperator::Eq if !is_constant(left) => {
                take(right, None, is_number, count, &mut lifted);
            }
            BinaryOperator::Eq if !is_constant(right) => {
                take(left, None, is_number, count, &mut lifted);
            }
            BinaryOperator::PGRegexMatch if !is_constant(left) => {
                let text = Some(PgType::Scalar(BaseType::Text));
                take(right, text, is_whole_pattern, count, &mut lifted);
            }
            _ => {}
        }
        ControlFlow::Continue(())
    });
    match found {
        ControlFlow::Continue(()) | ControlFlow::Break(()) => lifted,
    }
}

/// Takes the string out of `place`, if it is one that `wanted` wants.
fn take(
    place: &mut Expr,
    declared: Option<PgType>,
    wanted: fn(&str) -> bool,
    count: usize,
    lifted: &mut Vec<Lifted>,
) {
    let place = match place {
        Expr::Collate { expr, .. } => expr.as_mut(),
        other => other,
    };
    if let Expr::Value(ValueWithSpan { value, .. }) = place
        && let Value::SingleQuotedString(text) = value
        && wanted(text)
    {
        lifted.push(Lifted { text: std::mem::take(text), declared });
        *value = Value::Placeholder(format!("${}", count + lifted.len()));
    }
}

fn is_constant(side: &Expr) -> bool {
    matches!(side, Expr::Value(_))
}

/// Digits of an OID at most: a longer number is no name of an object.
const DIGITS_MAX: usize = 10;

fn is_number(text: &str) -> bool {
    (1..=DIGITS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A pattern of a whole name: `^(orders)$`.
fn is_whole_pattern(text: &str) -> bool {
    text.starts_with("^(") && text.ends_with(")$")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::statement::Statement;
    use crate::sql::{ParseLimits, parse};

    fn lifted(sql: &str) -> (String, Vec<String>) {
        let limits = ParseLimits { statement_bytes_max: 1000, statement_depth_max: 100 };
        let Statement::Query(query) = parse(sql, &limits).unwrap().pop().unwrap().statement else {
            panic!("{sql}")
        };
        let mut ast = query.ast;
        let lifted = lift(&mut ast, 1);
        (ast.to_string(), lifted.into_iter().map(|one| one.text).collect())
    }

    #[test]
    fn what_names_an_object_is_lifted() {
        let psql = "SELECT 'x', relname FROM pg_class c WHERE c.oid = '16384' AND relname
            OPERATOR(pg_catalog.~) '^(orders)$' COLLATE pg_catalog.default AND relkind = 'r' AND $1 = 5";
        let (sql, texts) = lifted(psql);
        assert_eq!(texts, ["16384", "^(orders)$"]);
        assert!(sql.contains("c.oid = $2"), "{sql}");
        assert!(sql.contains("relname ~ $3 AND relkind = 'r'"), "{sql}");
    }

    #[test]
    fn other_constants_stay() {
        for sql in [
            "SELECT '1' = '1'",
            "SELECT oid = '99999999999999' FROM t",
            "SELECT oid = 'pg_class' FROM t",
            "SELECT a ~ 'x' FROM t",
            "SELECT a = '' FROM t",
            "SELECT a < '1' FROM t",
        ] {
            assert!(lifted(sql).1.is_empty(), "{sql}");
        }
    }
}
