//! What a query asks of a system relation by equality: the values that a column may have. Relations use it
//! to go straight to the object; it never decides that a row is wanted, the filter above the scan does.

use std::collections::BTreeSet;

use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

use crate::engine::function::MATCHES;

/// The columns that equality filters bind, by name.
#[derive(Debug, Clone, Default)]
pub struct Lookup(Vec<(String, Values)>);

/// The values that a column may have.
#[derive(Debug, Clone)]
enum Values {
    Numbers(BTreeSet<i64>),
    Texts(BTreeSet<String>),
}

impl Lookup {
    /// What `filters`, all of which must hold, say about columns.
    pub fn new(filters: &[Expr]) -> Self {
        Lookup(filters.iter().filter_map(bound_column).collect())
    }

    /// That `column` has one of these texts.
    pub fn by_texts(column: &str, texts: BTreeSet<String>) -> Self {
        Lookup(vec![(column.to_owned(), Values::Texts(texts))])
    }

    /// That `column` has one of these values too; nothing when they are of no kind that binds.
    pub fn bind<'a>(
        &mut self,
        column: &str,
        values: impl Iterator<Item = &'a ScalarValue> + Clone,
    ) {
        if let Some(values) = values_of(values) {
            // The first that binds a column is asked; the shorter list goes first.
            let place = match self.0.iter().position(|(name, _)| name == column) {
                Some(known)
                    if self.0.get(known).is_some_and(|(_, own)| own.len() <= values.len()) =>
                {
                    return;
                }
                Some(known) => known,
                None => self.0.len(),
            };
            self.0.insert(place, (column.to_owned(), values));
        }
    }

    /// Whether nothing is bound.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `filter` binds a column.
    pub fn understands(filter: &Expr) -> bool {
        bound_column(filter).is_some()
    }

    /// The OIDs or numbers that `column` may have; `None` when anything.
    pub fn numbers(&self, column: &str) -> Option<&BTreeSet<i64>> {
        self.0.iter().find_map(|(name, values)| match values {
            Values::Numbers(numbers) if name == column => Some(numbers),
            Values::Numbers(_) | Values::Texts(_) => None,
        })
    }

    /// The texts that `column` may have; `None` when anything.
    pub fn texts(&self, column: &str) -> Option<&BTreeSet<String>> {
        self.0.iter().find_map(|(name, values)| match values {
            Values::Texts(texts) if name == column => Some(texts),
            Values::Numbers(_) | Values::Texts(_) => None,
        })
    }

    /// Whether `column` may be `text`.
    pub fn admits_text(&self, column: &str, text: &str) -> bool {
        self.texts(column).is_none_or(|texts| texts.contains(text))
    }

    /// Whether `column` may be `number`.
    pub fn admits_number(&self, column: &str, number: impl Into<i64>) -> bool {
        self.numbers(column).is_none_or(|numbers| numbers.contains(&number.into()))
    }

    /// The names of the bound columns.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(column, _)| column.as_str())
    }
}

impl Values {
    fn len(&self) -> usize {
        match self {
            Values::Numbers(numbers) => numbers.len(),
            Values::Texts(texts) => texts.len(),
        }
    }
}

fn bound_column(filter: &Expr) -> Option<(String, Values)> {
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => {
            match (left.as_ref(), right.as_ref()) {
                (Expr::Column(column), Expr::Literal(value, _))
                | (Expr::Literal(value, _), Expr::Column(column)) => {
                    Some((column.name.clone(), values_of([value].into_iter())?))
                }
                _ => None,
            }
        }
        // Short IN lists arrive as a chain of ORs.
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            let ((name, left), (other, right)) = (bound_column(left)?, bound_column(right)?);
            (name == other).then_some(())?;
            Some((name, union(left, right)?))
        }
        Expr::InList(InList { expr, list, negated: false }) => {
            let Expr::Column(column) = expr.as_ref() else { return None };
            let literals: Option<Vec<_>> = list
                .iter()
                .map(|item| match item {
                    Expr::Literal(value, _) => Some(value),
                    _ => None,
                })
                .collect();
            Some((column.name.clone(), values_of(literals?.into_iter())?))
        }
        Expr::ScalarFunction(call) if call.name() == MATCHES => match call.args.as_slice() {
            [Expr::Column(column), Expr::Literal(pattern, _), rest @ ..] if has_no_flags(rest) => {
                let text = only_match(pattern.try_as_str().flatten()?)?;
                Some((column.name.clone(), Values::Texts([text.to_owned()].into())))
            }
            _ => None,
        },
        _ => None,
    }
}

fn has_no_flags(arguments: &[Expr]) -> bool {
    arguments.iter().all(|argument| {
        matches!(argument, Expr::Literal(flags, _) if flags.try_as_str() == Some(Some("")))
    })
}

/// The one text that a pattern matches, as psql sends it for a name: `^(name)$`.
fn only_match(pattern: &str) -> Option<&str> {
    let text = pattern.strip_prefix('^')?.strip_suffix('$')?;
    let text = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')).unwrap_or(text);
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | ' ' | '-');
    (!text.is_empty() && text.chars().all(is_plain)).then_some(text)
}

fn union(left: Values, right: Values) -> Option<Values> {
    match (left, right) {
        (Values::Numbers(left), Values::Numbers(right)) => {
            Some(Values::Numbers(left.into_iter().chain(right).collect()))
        }
        (Values::Texts(left), Values::Texts(right)) => {
            Some(Values::Texts(left.into_iter().chain(right).collect()))
        }
        (Values::Numbers(_), Values::Texts(_)) | (Values::Texts(_), Values::Numbers(_)) => None,
    }
}

fn values_of<'a>(values: impl Iterator<Item = &'a ScalarValue> + Clone) -> Option<Values> {
    let numbers: Option<BTreeSet<i64>> = values.clone().map(number_of).collect();
    if let Some(numbers) = numbers {
        return Some(Values::Numbers(numbers));
    }
    let texts: Option<BTreeSet<String>> =
        values.map(|value| value.try_as_str().flatten().map(str::to_owned)).collect();
    texts.map(Values::Texts)
}

fn number_of(value: &ScalarValue) -> Option<i64> {
    match value {
        ScalarValue::Int64(number) => *number,
        ScalarValue::Int32(number) => number.map(i64::from),
        ScalarValue::Int16(number) => number.map(i64::from),
        ScalarValue::UInt32(number) => number.map(i64::from),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::prelude::{col, lit};

    #[test]
    fn equality_and_lists_bind_a_column() {
        let filters = [
            col("oid").in_list(vec![lit(5_i64), lit(7_i64)], false),
            lit("t").eq(col("relname")),
            col("relkind").eq(lit("r")).or(col("relkind").eq(lit("v"))),
            col("relnatts").gt(lit(3_i64)),
        ];
        let lookup = Lookup::new(&filters);
        assert_eq!(lookup.numbers("oid").unwrap().iter().copied().collect::<Vec<_>>(), [5, 7]);
        assert!(lookup.admits_text("relname", "t") && !lookup.admits_text("relname", "u"));
        assert_eq!(lookup.texts("relkind").unwrap().len(), 2);
        assert!(lookup.admits_number("relnatts", 1_i64));
    }

    #[test]
    fn a_pattern_that_is_a_name_binds_a_column() {
        assert_eq!(only_match("^(orders_2024)$"), Some("orders_2024"));
        assert_eq!(only_match("^orders$"), Some("orders"));
        for pattern in ["orders", "^orders", "^(a|b)$", "^a.c$", r"^\d$", "^(a)(b)$", "^()$", "^$"]
        {
            assert_eq!(only_match(pattern), None, "{pattern}");
        }
    }

    #[test]
    fn negations_bind_nothing() {
        assert!(!Lookup::understands(&col("oid").in_list(vec![lit(5_i64)], true)));
        assert!(!Lookup::understands(&col("a").eq(lit(1_i64)).or(col("b").eq(lit(1_i64)))));
    }
}
