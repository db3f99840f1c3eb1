//! The equality filters of a scan: which columns they bind, and the constants that give the values when the query
//! runs. It never decides that a row is wanted, the filter above the scan does.

use std::sync::Arc;

use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::catalog::Session;
use datafusion::common::tree_node::TreeNode;
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{BinaryExpr, ColumnarValue, Expr, Operator};
use datafusion::physical_expr::PhysicalExpr;

use crate::engine::function::MATCHES;

use super::lookup::Lookup;

/// What filters, all of which must hold, say about columns.
#[derive(Debug, Clone)]
pub struct Asked(Arc<[Question]>);

/// That a column has one of some values, or is the only text that a pattern matches.
#[derive(Debug)]
struct Question {
    column: String,
    values: Vec<Arc<dyn PhysicalExpr>>,
    is_pattern: bool,
}

impl Asked {
    pub fn new(filters: &[Expr], session: &dyn Session) -> Result<Self> {
        let none = DFSchema::empty();
        let questions = filters.iter().filter_map(binding).map(|binding| {
            let values = binding.values.into_iter();
            let values = values.map(|value| session.create_physical_expr(value.clone(), &none));
            Ok(Question {
                column: binding.column.to_owned(),
                values: values.collect::<Result<_>>()?,
                is_pattern: binding.is_pattern,
            })
        });
        questions.collect::<Result<_>>().map(Asked)
    }

    /// Whether `filter` binds a column.
    pub fn understands(filter: &Expr) -> bool {
        binding(filter).is_some()
    }

    /// Whether no column is bound.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names of the bound columns.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|question| question.column.as_str())
    }

    /// The values that the columns may have in this run.
    pub fn lookup(&self) -> Result<Lookup> {
        let mut lookup = Lookup::default();
        if self.is_empty() {
            return Ok(lookup);
        }
        let one_row = RecordBatchOptions::new().with_row_count(Some(1));
        let schema: SchemaRef = Arc::new(Schema::empty());
        let row = RecordBatch::try_new_with_options(schema, Vec::new(), &one_row)?;
        for Question { column, values, is_pattern } in self.0.iter() {
            let values = values.iter().map(|value| constant(value, &row));
            // The filter tells what is wrong with a constant, if there is a row to be filtered.
            let Ok(values) = values.collect::<Result<Vec<_>>>() else { continue };
            if !is_pattern {
                lookup.bind(column, values.iter());
            } else if let [pattern] = values.as_slice()
                && let Some(text) = pattern.try_as_str().flatten().and_then(only_match)
            {
                lookup.bind(column, [ScalarValue::from(text)].iter());
            }
        }
        Ok(lookup)
    }
}

fn constant(value: &Arc<dyn PhysicalExpr>, row: &RecordBatch) -> Result<ScalarValue> {
    match value.evaluate(row)? {
        ColumnarValue::Scalar(value) => Ok(value),
        ColumnarValue::Array(values) => ScalarValue::try_from_array(&values, 0),
    }
}

/// A filter that binds a column to constants.
struct Binding<'e> {
    column: &'e str,
    values: Vec<&'e Expr>,
    is_pattern: bool,
}

fn binding(filter: &Expr) -> Option<Binding<'_>> {
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => {
            match (left.as_ref(), right.as_ref()) {
                (Expr::Column(column), value) | (value, Expr::Column(column))
                    if is_constant(value) =>
                {
                    Some(Binding { column: &column.name, values: vec![value], is_pattern: false })
                }
                _ => None,
            }
        }
        // Short IN lists arrive as a chain of ORs.
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            let (mut left, right) = (binding(left)?, binding(right)?);
            if left.column != right.column || left.is_pattern || right.is_pattern {
                return None;
            }
            left.values.extend(right.values);
            Some(left)
        }
        Expr::InList(InList { expr, list, negated: false }) => {
            let Expr::Column(column) = expr.as_ref() else { return None };
            list.iter().all(is_constant).then(|| Binding {
                column: &column.name,
                values: list.iter().collect(),
                is_pattern: false,
            })
        }
        Expr::ScalarFunction(call) if call.name() == MATCHES => match call.args.as_slice() {
            [Expr::Column(column), pattern, rest @ ..]
                if is_constant(pattern) && has_no_flags(rest) =>
            {
                Some(Binding { column: &column.name, values: vec![pattern], is_pattern: true })
            }
            _ => None,
        },
        _ => None,
    }
}

/// Whether the value is the same for all rows, and known without a look at another relation.
fn is_constant(value: &Expr) -> bool {
    let depends = |part: &Expr| {
        matches!(
            part,
            Expr::Column(_)
                | Expr::OuterReferenceColumn(..)
                | Expr::ScalarSubquery(_)
                | Expr::Exists(_)
                | Expr::InSubquery(_)
                | Expr::SetComparison(_)
                | Expr::Placeholder(_)
        )
    };
    !value.is_volatile() && value.exists(|part| Ok(depends(part))).is_ok_and(|depends| !depends)
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

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::prelude::{SessionContext, col, lit, random};

    #[test]
    fn equality_and_lists_bind_a_column() {
        let filters = [
            col("oid").in_list(vec![lit(5_i64), lit(7_i64)], false),
            lit("t").eq(col("relname")),
            col("relkind").eq(lit("r")).or(col("relkind").eq(lit("v"))),
            col("relnatts").gt(lit(3_i64)),
            col("relowner").eq(lit(5_i64) + lit(6_i64)),
        ];
        let session = SessionContext::new().state();
        let lookup = Asked::new(&filters, &session).unwrap().lookup().unwrap();
        assert_eq!(lookup.numbers("oid").unwrap().iter().copied().collect::<Vec<_>>(), [5, 7]);
        assert!(lookup.admits_text("relname", "t") && !lookup.admits_text("relname", "u"));
        assert_eq!(lookup.texts("relkind").unwrap().len(), 2);
        assert!(lookup.admits_number("relnatts", 1_i64));
        assert!(lookup.admits_number("relowner", 11) && !lookup.admits_number("relowner", 5));
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
    fn what_says_no_single_column_or_no_constant_binds_nothing() {
        assert!(!Asked::understands(&col("oid").in_list(vec![lit(5_i64)], true)));
        assert!(!Asked::understands(&col("a").eq(lit(1_i64)).or(col("b").eq(lit(1_i64)))));
        assert!(!Asked::understands(&col("a").eq(col("b"))));
        assert!(!Asked::understands(&col("a").eq(random())));
    }
}
