//! `(a, b) = (1, 2)`, `(a, b) > (1, 2)` and `(a, b) IN ((1, 2), (3, 4))` become comparisons of columns joined by
//! AND and OR, which is how the standard defines them. The planner would make structs, whose comparison with
//! NULL inside differs. `(a, b) IN (SELECT …)` becomes EXISTS over such a comparison.

use sqlparser::ast::{
    BinaryOperator, Expr, Ident, Query, SetExpr, TableAliasColumnDef, TableFactor, UnaryOperator,
    Value,
};

use super::{made_query, row_values};
use crate::base::{Error, ErrorKind, Result};
use crate::sql::dialect::joined;

/// Each entry of an ordered comparison nests the rest of it.
const ENTRIES_MAX: usize = 64;

/// The operator between a start and an end that may be an interval.
pub const PERIOD_END: &str = "period_end";

pub fn rewrite(expression: &mut Expr) -> Result<()> {
    let rewritten = match expression {
        Expr::BinaryOp { left, op, right } => match (row(left), row(right)) {
            (Some(left), Some(right)) if *op == BinaryOperator::Overlaps => {
                Some(overlaps(left, right)?)
            }
            (Some(left), Some(right)) => compare(op, &left, &right)?,
            _ => None,
        },
        Expr::IsDistinctFrom(left, right) => distinct(left, right, Expr::IsDistinctFrom)?,
        Expr::IsNotDistinctFrom(left, right) => {
            distinct(left, right, Expr::IsDistinctFrom)?.map(not)
        }
        Expr::InList { expr, list, negated } => match row(expr) {
            Some(left) => Some(in_list(&left, list, *negated)?),
            None => None,
        },
        Expr::InSubquery { expr, subquery, negated } => match row(expr) {
            Some(left) => Some(in_subquery(&left, subquery, *negated)?),
            None => None,
        },
        _ => None,
    };
    if let Some(rewritten) = rewritten {
        *expression = Expr::Nested(Box::new(rewritten));
    }
    Ok(())
}

/// The values of `(a, b)` or `ROW(a, b)`.
fn row(expression: &Expr) -> Option<Vec<Expr>> {
    match expression {
        Expr::Tuple(values) => Some(values.clone()),
        other => row_values::fields(other),
    }
}

fn compare(operator: &BinaryOperator, left: &[Expr], right: &[Expr]) -> Result<Option<Expr>> {
    if left.len() != right.len() {
        let message = "unequal number of entries in row expressions";
        return Err(Error::new(ErrorKind::SyntaxError, message));
    }
    if left.len() > ENTRIES_MAX {
        let message = format!("row comparisons can have at most {ENTRIES_MAX} entries");
        return Err(Error::new(ErrorKind::TooManyColumns, message));
    }
    let strict = match operator {
        BinaryOperator::Eq => return Ok(Some(equal(left, right))),
        BinaryOperator::NotEq => return Ok(Some(not(equal(left, right)))),
        BinaryOperator::Lt | BinaryOperator::LtEq => BinaryOperator::Lt,
        BinaryOperator::Gt | BinaryOperator::GtEq => BinaryOperator::Gt,
        _ => return Ok(None),
    };
    Ok(Some(ordered(operator, &strict, left, right)))
}

/// `(a, b) OVERLAPS (c, d)` as a call. An end may be an interval, which counts from its start.
fn overlaps(left: Vec<Expr>, right: Vec<Expr>) -> Result<Expr> {
    let mut arguments = Vec::with_capacity(4);
    for (side, period) in [("left", left), ("right", right)] {
        let [start, end] = <[Expr; 2]>::try_from(period).map_err(|_| {
            let message =
                format!("wrong number of parameters on {side} side of OVERLAPS expression");
            Error::new(ErrorKind::SyntaxError, message)
        })?;
        arguments.push(start.clone());
        arguments.push(Expr::Nested(Box::new(Expr::BinaryOp {
            left: Box::new(start),
            op: BinaryOperator::Custom(PERIOD_END.to_owned()),
            right: Box::new(end),
        })));
    }
    Ok(super::call("overlaps", arguments))
}

/// Rows are distinct where any of their fields are.
fn distinct(
    left: &Expr,
    right: &Expr,
    test: fn(Box<Expr>, Box<Expr>) -> Expr,
) -> Result<Option<Expr>> {
    let (Some(left), Some(right)) = (row(left), row(right)) else { return Ok(None) };
    if left.len() != right.len() {
        let message = "unequal number of entries in row expressions";
        return Err(Error::new(ErrorKind::SyntaxError, message));
    }
    let pairs = left.into_iter().zip(right);
    let tests = pairs.map(|(left, right)| test(Box::new(left), Box::new(right)));
    Ok(joined(tests.collect(), &BinaryOperator::Or))
}

fn equal(left: &[Expr], right: &[Expr]) -> Expr {
    let pairs = left.iter().zip(right);
    let equalities = pairs.map(|(left, right)| join(left, &BinaryOperator::Eq, right));
    joined(equalities.collect(), &BinaryOperator::And)
        .unwrap_or_else(|| Expr::value(Value::Boolean(true)))
}

/// The first unequal pair decides, and the last one alone may be equal with `<=` and `>=`.
fn ordered(
    operator: &BinaryOperator,
    strict: &BinaryOperator,
    left: &[Expr],
    right: &[Expr],
) -> Expr {
    let mut pairs = left.iter().zip(right).rev();
    let last = pairs.next().map(|(left, right)| join(left, operator, right));
    let last = last.unwrap_or_else(|| Expr::value(Value::Boolean(true)));
    pairs.fold(last, |rest, (left, right)| {
        let tie = join(left, &BinaryOperator::Eq, right);
        let decided_later = nested(join(&tie, &BinaryOperator::And, &nested(rest)));
        join(&join(left, strict, right), &BinaryOperator::Or, &decided_later)
    })
}

fn in_list(left: &[Expr], list: &[Expr], negated: bool) -> Result<Expr> {
    let mut alternatives: Vec<Expr> = Vec::with_capacity(list.len());
    for item in list {
        let Some(right) = row(item) else {
            return Err(Error::unsupported("a list of rows with a value that is no row"));
        };
        let equality = compare(&BinaryOperator::Eq, left, &right)?;
        alternatives.extend(equality.map(nested));
    }
    let any = joined(alternatives, &BinaryOperator::Or)
        .unwrap_or_else(|| Expr::value(Value::Boolean(false)));
    Ok(if negated { not(any) } else { any })
}

/// `EXISTS (SELECT 1 FROM (subquery) AS r (c0, c1) WHERE a = c0 AND b = c1)`. Without a row that is equal, the
/// answer is false even where a comparison with NULL leaves it open; as a condition both are the same, and
/// for NOT IN an open comparison counts.
fn in_subquery(left: &[Expr], subquery: &Query, negated: bool) -> Result<Expr> {
    let columns: Vec<Ident> = (0..left.len()).map(|n| Ident::new(format!("__entry_{n}"))).collect();
    let right: Vec<Expr> = columns.iter().cloned().map(Expr::Identifier).collect();
    let Some(equality) = compare(&BinaryOperator::Eq, left, &right)? else {
        return Err(Error::internal("rows are compared by something else than ="));
    };
    let condition = match negated {
        false => equality,
        true => Expr::IsNotFalse(Box::new(nested(equality))),
    };
    let mut query = made_query("SELECT 1 FROM (SELECT 1) AS r")?;
    if let SetExpr::Select(select) = query.body.as_mut() {
        select.selection = Some(condition);
        if let Some(from) = select.from.first_mut()
            && let TableFactor::Derived { subquery: derived, alias: Some(alias), .. } =
                &mut from.relation
        {
            **derived = subquery.clone();
            alias.name = Ident::new("__entries");
            alias.columns = columns
                .into_iter()
                .map(|name| TableAliasColumnDef { name, data_type: None })
                .collect();
        }
    }
    Ok(Expr::Exists { subquery: query, negated })
}

fn join(left: &Expr, operator: &BinaryOperator, right: &Expr) -> Expr {
    Expr::BinaryOp {
        left: Box::new(left.clone()),
        op: operator.clone(),
        right: Box::new(right.clone()),
    }
}

fn nested(expression: Expr) -> Expr {
    Expr::Nested(Box::new(expression))
}

fn not(expression: Expr) -> Expr {
    Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(nested(expression)) }
}
