//! Hypothetical-set aggregates: `rank(3) WITHIN GROUP (ORDER BY x)` is how many values stand before 3, and one
//! more. So they become counts with a filter.

use sqlparser::ast::{
    BinaryOperator, CastKind, DataType, DuplicateTreatment, Expr, Function, FunctionArg,
    FunctionArgExpr, FunctionArguments, Ident, ObjectName, OrderByExpr, Value,
};

use super::call;
use crate::base::{Error, ErrorKind, Result};
use crate::sql::dialect::joined;

/// The aggregate as an expression of counts.
pub fn rank(function: &Function) -> Result<Expr> {
    let name = function.name.to_string().to_lowercase();
    let FunctionArguments::List(list) = &function.args else {
        return Err(Error::unsupported(format_args!("{name} without arguments")));
    };
    let row: Vec<&Expr> = list
        .args
        .iter()
        .filter_map(|argument| match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) => Some(value),
            _ => None,
        })
        .collect();
    if row.len() != function.within_group.len() {
        let message = format!("function {name} does not exist");
        return Err(Error::new(ErrorKind::UndefinedFunction, message).with_hint(format!(
            "To use the hypothetical-set aggregate {name}, the number of hypothetical direct arguments (here {}) \
             must match the number of ordering columns (here {}).",
            row.len(),
            function.within_group.len()
        )));
    }
    let keys: Vec<Key<'_>> = row.into_iter().zip(&function.within_group).map(Key::new).collect();
    let filter = function.filter.as_deref();
    let before = || counted(filter, Some(before_of(&keys)), None);
    Ok(nested(match name.as_str() {
        "rank" => plus_one(before()),
        "dense_rank" => match keys.as_slice() {
            [key] => dense_rank(key, filter),
            _ => return Err(Error::unsupported("dense_rank of a row of several values")),
        },
        "percent_rank" => {
            let all = call("nullif", vec![counted(filter, None, None), number("0")]);
            let share = binary(float(before()), BinaryOperator::Divide, all);
            call("coalesce", vec![share, float(number("0"))])
        }
        _ => {
            let tie = keys.iter().map(Key::tie).collect();
            let up_to = or(before_of(&keys), joined(tie, &BinaryOperator::And).unwrap_or(truth()));
            let all = plus_one(counted(filter, None, None));
            let rank = plus_one(counted(filter, Some(up_to), None));
            binary(float(rank), BinaryOperator::Divide, all)
        }
    }))
}

/// A value of the hypothetical row, and what the others are sorted by.
struct Key<'a> {
    value: &'a Expr,
    by: &'a Expr,
    descending: bool,
    nulls_first: bool,
}

impl<'a> Key<'a> {
    fn new((value, order): (&'a Expr, &'a OrderByExpr)) -> Self {
        let descending = order.options.asc == Some(false);
        let nulls_first = order.options.nulls_first.unwrap_or(descending);
        Key { value, by: &order.expr, descending, nulls_first }
    }

    /// Whether a row's value stands before the hypothetical one.
    fn before(&self) -> Expr {
        let operator = if self.descending { BinaryOperator::Gt } else { BinaryOperator::Lt };
        let is_less = binary(self.by.clone(), operator, self.value.clone());
        let (null, value) = match self.nulls_first {
            true => (self.by, self.value),
            false => (self.value, self.by),
        };
        let is_null = Expr::IsNull(Box::new(nested(null.clone())));
        let is_value = Expr::IsNotNull(Box::new(nested(value.clone())));
        or(is_less, binary(is_null, BinaryOperator::And, is_value))
    }

    fn tie(&self) -> Expr {
        let by = Box::new(nested(self.by.clone()));
        nested(Expr::IsNotDistinctFrom(by, Box::new(nested(self.value.clone()))))
    }
}

/// The first key that is no tie decides.
fn before_of(keys: &[Key<'_>]) -> Expr {
    let mut keys = keys.iter().rev();
    let last = keys.next().map_or(truth(), Key::before);
    keys.fold(last, |rest, key| or(key.before(), binary(key.tie(), BinaryOperator::And, rest)))
}

/// NULL is one value more, which `count(DISTINCT …)` leaves out.
fn dense_rank(key: &Key<'_>, filter: Option<&Expr>) -> Expr {
    let values = counted(filter, Some(key.before()), Some(key.by.clone()));
    if !key.nulls_first {
        return plus_one(values);
    }
    let is_null = Expr::IsNull(Box::new(nested(key.by.clone())));
    let nulls = binary(key.before(), BinaryOperator::And, is_null);
    let null = call("least", vec![counted(filter, Some(nulls), None), number("1")]);
    plus_one(binary(values, BinaryOperator::Plus, null))
}

/// `count(*)` or `count(DISTINCT x)`, of the rows that both conditions let through.
fn counted(filter: Option<&Expr>, condition: Option<Expr>, distinct: Option<Expr>) -> Expr {
    let conditions = filter.cloned().map(nested).into_iter().chain(condition.map(nested));
    let mut count = call("count", Vec::new());
    if let Expr::Function(Function { name, filter, args, .. }) = &mut count {
        *name = ObjectName::from(vec![Ident::new("count")]);
        *filter = joined(conditions.collect(), &BinaryOperator::And).map(Box::new);
        if let FunctionArguments::List(list) = args {
            list.duplicate_treatment = distinct.as_ref().map(|_| DuplicateTreatment::Distinct);
            let argument = distinct.map_or(FunctionArgExpr::Wildcard, FunctionArgExpr::Expr);
            list.args = vec![FunctionArg::Unnamed(argument)];
        }
    }
    count
}

fn plus_one(count: Expr) -> Expr {
    nested(binary(count, BinaryOperator::Plus, number("1")))
}

fn number(digits: &str) -> Expr {
    Expr::value(Value::Number(digits.to_owned(), false))
}

fn truth() -> Expr {
    Expr::value(Value::Boolean(true))
}

fn float(value: Expr) -> Expr {
    Expr::Cast {
        kind: CastKind::DoubleColon,
        expr: Box::new(nested(value)),
        data_type: DataType::DoublePrecision,
        array: false,
        format: None,
    }
}

fn or(one: Expr, other: Expr) -> Expr {
    nested(binary(nested(one), BinaryOperator::Or, nested(other)))
}

fn nested(expression: Expr) -> Expr {
    Expr::Nested(Box::new(expression))
}

fn binary(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::BinaryOp { left: Box::new(nested(left)), op, right: Box::new(nested(right)) }
}
