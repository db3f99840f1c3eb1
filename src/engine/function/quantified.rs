//! `x = ANY (array)` and `x < ALL (array)` with PostgreSQL's three truths: an element that is NULL leaves open
//! what no other element decides. Over a subquery they are planned elsewhere.
//! <https://www.postgresql.org/docs/16/functions-comparisons.html>

use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray, BooleanArray, ListArray, UInt64Array};
use datafusion::arrow::compute::kernels::cmp;
use datafusion::arrow::compute::take;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, internal_err, plan_err};
use datafusion::logical_expr::expr::{InList, ScalarFunction};
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::type_coercion::binary::comparison_coercion;
use datafusion::logical_expr::{
    ColumnarValue, Expr, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

/// The functions of every comparison, for ANY and for ALL.
pub fn functions() -> impl Iterator<Item = ScalarUDF> {
    let all = [false, true].into_iter();
    all.flat_map(|is_all| {
        crate::sql::QUANTIFIED.iter().zip(OPERATORS).map(move |names| (names, is_all))
    })
    .map(|((names, operator), is_all)| {
        let name = if is_all { names.all } else { names.any };
        let signature = Signature::user_defined(Volatility::Immutable);
        ScalarUDF::new_from_impl(Quantified { name, operator, is_all, signature })
    })
}

/// In the order of [`crate::sql::QUANTIFIED`].
const OPERATORS: [Operator; 6] =
    [Operator::Eq, Operator::NotEq, Operator::Lt, Operator::LtEq, Operator::Gt, Operator::GtEq];

/// Whether a call compares its first argument with the elements of its second.
pub fn is_quantified(call: &ScalarFunction) -> bool {
    call.func.inner().downcast_ref::<Quantified>().is_some()
}

/// A comparison of a value with the elements of an array.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Quantified {
    name: &'static str,
    operator: Operator,
    is_all: bool,
    signature: Signature,
}

impl Quantified {
    fn compare(&self, value: &dyn Array, elements: &dyn Array) -> Result<BooleanArray> {
        let (value, elements): (
            &dyn datafusion::arrow::array::Datum,
            &dyn datafusion::arrow::array::Datum,
        ) = (&value, &elements);
        Ok(match self.operator {
            Operator::Eq => cmp::eq(value, elements),
            Operator::NotEq => cmp::neq(value, elements),
            Operator::Lt => cmp::lt(value, elements),
            Operator::LtEq => cmp::lt_eq(value, elements),
            Operator::Gt => cmp::gt(value, elements),
            Operator::GtEq => cmp::gt_eq(value, elements),
            other => return internal_err!("{other} compares nothing"),
        }?)
    }

    /// The truth of one row, whose elements compare as `truths` says from `start` to `end`.
    fn truth(&self, truths: &BooleanArray, start: usize, end: usize) -> Option<bool> {
        let mut is_open = false;
        for element in start..end {
            match truths.is_valid(element).then(|| truths.value(element)) {
                Some(truth) if truth != self.is_all => return Some(truth),
                Some(_) => {}
                None => is_open = true,
            }
        }
        (!is_open).then_some(self.is_all)
    }

    fn of_rows(&self, values: &dyn Array, lists: &ListArray) -> Result<BooleanArray> {
        let offsets = lists.value_offsets();
        let at =
            |row: usize| offsets.get(row).and_then(|at| usize::try_from(*at).ok()).unwrap_or(0);
        let first = at(0);
        let rows =
            (0..lists.len()).flat_map(|row| std::iter::repeat_n(row as u64, at(row + 1) - at(row)));
        let repeated = take(values, &UInt64Array::from_iter_values(rows), None)?;
        let elements = lists.values().slice(first, at(lists.len()) - first);
        let truths = self.compare(&repeated, &elements)?;
        let truth = |row: usize| match lists.is_null(row) {
            true => None,
            false => self.truth(&truths, at(row) - first, at(row + 1) - first),
        };
        Ok((0..lists.len()).map(truth).collect())
    }
}

impl ScalarUDFImpl for Quantified {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let [value, array] = types else { return internal_err!("{} takes two", self.name) };
        let list = |element: DataType| DataType::new_list(element, true);
        Ok(match array {
            DataType::List(field)
            | DataType::LargeList(field)
            | DataType::FixedSizeList(field, _) => {
                // An array of arrays is compared element by element.
                let mut element = field.data_type();
                while let DataType::List(inner) = element {
                    element = inner.data_type();
                }
                let common = match (value, element) {
                    (DataType::Null, element) => Some(element.clone()),
                    (value, DataType::Null) => Some(value.clone()),
                    (value, element) => comparison_coercion(value, element),
                };
                match common {
                    Some(common) if element == field.data_type() => {
                        vec![common.clone(), list(common)]
                    }
                    _ => {
                        return plan_err!(
                            "operator does not exist: {value} {} {element}",
                            self.operator
                        );
                    }
                }
            }
            // What an array is written as, or no array at all.
            array if array.is_string() || array.is_null() => {
                vec![value.clone(), list(value.clone())]
            }
            _ => return plan_err!("op ANY/ALL (array) requires array on right side"),
        })
    }

    fn simplify(&self, arguments: Vec<Expr>, _: &SimplifyContext) -> Result<ExprSimplifyResult> {
        let is_membership = match self.operator {
            Operator::Eq => !self.is_all,
            Operator::NotEq => self.is_all,
            _ => false,
        };
        let [value, Expr::Literal(ScalarValue::List(list), _)] = arguments.as_slice() else {
            return Ok(ExprSimplifyResult::Original(arguments));
        };
        if !is_membership || list.len() != 1 || list.is_null(0) {
            return Ok(ExprSimplifyResult::Original(arguments));
        }
        let elements = list.value(0);
        if elements.is_empty() {
            return Ok(ExprSimplifyResult::Original(arguments));
        }
        let elements = (0..elements.len())
            .map(|index| ScalarValue::try_from_array(&elements, index))
            .map(|element| Ok(Expr::Literal(element?, None)));
        let elements = elements.collect::<Result<Vec<_>>>()?;
        let expr = Box::new(value.clone());
        let membership = InList { expr, list: elements, negated: self.is_all };
        Ok(ExprSimplifyResult::Simplified(Expr::InList(membership)))
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_constant =
            call.args.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
        let rows = if is_constant { 1 } else { call.number_rows };
        let [value, lists] = call.args.as_slice() else {
            return internal_err!("{} takes two arguments", self.name);
        };
        let (value, lists) = (value.to_array(rows)?, lists.to_array(rows)?);
        let Some(lists) = lists.as_list_opt::<i32>() else {
            return internal_err!("{} takes an array", self.name);
        };
        let truths: BooleanArray = self.of_rows(&value, lists)?;
        match is_constant {
            true => ScalarValue::try_from_array(&truths, 0).map(ColumnarValue::Scalar),
            false => Ok(ColumnarValue::Array(Arc::new(truths))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_element_decides_nothing() {
        let of = |operator, is_all, truths: Vec<Option<bool>>| {
            let signature = Signature::user_defined(Volatility::Immutable);
            let function = Quantified { name: "", operator, is_all, signature };
            let truths = BooleanArray::from(truths);
            function.truth(&truths, 0, truths.len())
        };
        assert_eq!(of(Operator::Eq, false, vec![Some(false), None]), None);
        assert_eq!(of(Operator::Eq, false, vec![None, Some(true)]), Some(true));
        assert_eq!(of(Operator::Eq, true, vec![None, Some(false)]), Some(false));
        assert_eq!(of(Operator::Eq, true, Vec::new()), Some(true));
        assert_eq!(of(Operator::Eq, false, Vec::new()), Some(false));
    }
}
