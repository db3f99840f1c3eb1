//! `sum` and `avg` of intervals, which DataFusion's functions of these names do not take, and `min` and `max`, which
//! would compare months before days. Values and arrays of values keep the types that their fields tell. Of everything
//! else the functions are those that stand behind.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::datatypes::{
    DataType, Field, FieldRef, Int64Type, IntervalMonthDayNano, IntervalMonthDayNanoType,
    IntervalUnit,
};
use datafusion::common::{DataFusionError, Result, ScalarValue, internal_err};
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::function::{
    AccumulatorArgs, AggregateFunctionSimplification, StateFieldsArgs,
};
use datafusion::logical_expr::type_coercion::functions::fields_with_udf;
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Expr, GroupsAccumulator, Operator, ReversedUDAF,
    SetMonotonicity, Signature, StatisticsArgs, Volatility,
};

use crate::base::datatype::{BaseType, PgType, pg_type_of};
use crate::base::{Error, ErrorKind};

use super::datetime_arithmetic::average_interval;
use super::row_order::in_order;

const INTERVAL: DataType = DataType::Interval(IntervalUnit::MonthDayNano);

/// What is made of intervals.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fold {
    #[default]
    Sum,
    Average,
    Least,
    Greatest,
}

/// `inner` that takes intervals too.
pub fn over_intervals(inner: Arc<AggregateUDF>, fold: Fold) -> Arc<AggregateUDF> {
    let signature = Signature::user_defined(Volatility::Immutable);
    Arc::new(AggregateUDF::new_from_impl(OverIntervals { inner, fold: Some(fold), signature }))
}

/// `inner`, to which intervals are like everything else.
pub fn of_told_types(inner: Arc<AggregateUDF>) -> Arc<AggregateUDF> {
    let signature = Signature::user_defined(Volatility::Immutable);
    Arc::new(AggregateUDF::new_from_impl(OverIntervals { inner, fold: None, signature }))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct OverIntervals {
    inner: Arc<AggregateUDF>,
    /// What is made of intervals, where that is not what `inner` makes.
    fold: Option<Fold>,
    signature: Signature,
}

fn is_interval(data_type: Option<&DataType>) -> bool {
    matches!(data_type, Some(DataType::Interval(_) | DataType::Duration(_)))
}

impl OverIntervals {
    fn takes_interval(&self, fields: &[FieldRef]) -> bool {
        self.fold.is_some() && is_interval(fields.first().map(|field| field.data_type()))
    }
}

/// `made` of values of the first field, with the type that it tells beyond Arrow's.
fn keeping(made: FieldRef, fields: &[FieldRef]) -> FieldRef {
    let Some(told) = fields.first().filter(|field| !field.data_type().is_decimal()) else {
        return made;
    };
    let is_same = match made.data_type() {
        DataType::List(element) => element.data_type() == told.data_type(),
        data_type => data_type == told.data_type(),
    };
    match is_same && !told.metadata().is_empty() {
        true => Arc::new(made.as_ref().clone().with_metadata(told.metadata().clone())),
        false => made,
    }
}

impl AggregateUDFImpl for OverIntervals {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        if self.fold.is_some() && is_interval(types.first()) && types.len() == 1 {
            return Ok(vec![INTERVAL]);
        }
        let undefined = || {
            let error = super::kernel::undefined(self.inner.name(), types);
            DataFusionError::External(Box::new(error))
        };
        if types.len() != 1 {
            return Err(undefined());
        }
        if self.fold == Some(Fold::Sum) && *types == [DataType::Float32] {
            return Ok(types.to_vec());
        }
        let field = |data_type: &DataType| Arc::new(Field::new("", data_type.clone(), true));
        let fields: Vec<FieldRef> = types.iter().map(|one| field(one) as FieldRef).collect();
        let coerced = fields_with_udf(&fields, self.inner.as_ref()).map_err(|_| undefined())?;
        Ok(coerced.iter().map(|field| field.data_type().clone()).collect())
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match self.fold.is_some() && is_interval(types.first()) {
            true => Ok(INTERVAL),
            false => self.inner.return_type(types),
        }
    }

    fn return_field(&self, fields: &[FieldRef]) -> Result<FieldRef> {
        let is_document = fields.first().is_some_and(|field| {
            let found = pg_type_of(field).map(|(pg_type, _)| pg_type);
            matches!(found, Ok(PgType::Scalar(BaseType::Json | BaseType::Jsonb)))
        });
        if matches!(self.fold, Some(Fold::Least | Fold::Greatest)) && is_document {
            let error = super::kernel::undefined_with(self.name(), fields, &[]);
            return Err(DataFusionError::External(Box::new(error)));
        }
        match self.takes_interval(fields) {
            true => Ok(Arc::new(Field::new(self.name(), INTERVAL, true))),
            false => Ok(keeping(self.inner.return_field(fields)?, fields)),
        }
    }

    fn is_descending(&self) -> Option<bool> {
        self.inner.is_descending()
    }

    fn accumulator(&self, arguments: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let Some(fold) = self.fold.filter(|_| self.takes_interval(arguments.expr_fields)) else {
            return in_order(arguments, |arguments| self.inner.accumulator(arguments));
        };
        let is_sum = matches!(fold, Fold::Sum | Fold::Average);
        if arguments.is_distinct && is_sum {
            let what = format_args!("{}(DISTINCT …) of intervals", self.name());
            return Err(DataFusionError::External(Box::new(Error::unsupported(what))));
        }
        Ok(Box::new(Total { fold, ..Total::default() }))
    }

    fn create_sliding_accumulator(
        &self,
        arguments: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn Accumulator>> {
        match self.takes_interval(arguments.expr_fields) {
            true => self.accumulator(arguments),
            false => {
                in_order(arguments, |arguments| self.inner.create_sliding_accumulator(arguments))
            }
        }
    }

    fn state_fields(&self, arguments: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        if !self.takes_interval(arguments.input_fields) {
            return self.inner.state_fields(arguments);
        }
        let field = |name: &str, data_type| Arc::new(Field::new(name, data_type, true));
        Ok(vec![field("count", DataType::Int64), field("sum", INTERVAL)])
    }

    fn groups_accumulator_supported(&self, arguments: AccumulatorArgs<'_>) -> bool {
        !self.takes_interval(arguments.expr_fields)
            && self.inner.groups_accumulator_supported(arguments)
    }

    fn create_groups_accumulator(
        &self,
        arguments: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        self.inner.create_groups_accumulator(arguments)
    }

    fn simplify(&self) -> Option<AggregateFunctionSimplification> {
        self.inner.simplify()
    }

    fn simplify_expr_op_literal(
        &self,
        call: &AggregateFunction,
        argument: &Expr,
        operator: Operator,
        literal: &Expr,
        is_left: bool,
    ) -> Result<Option<Expr>> {
        self.inner.simplify_expr_op_literal(call, argument, operator, literal, is_left)
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        match self.inner.order_sensitivity() {
            // It can sort by itself, and the other aggregates of a query see the rows in the order in which they come.
            AggregateOrderSensitivity::SoftRequirement => AggregateOrderSensitivity::Beneficial,
            same @ (AggregateOrderSensitivity::Insensitive
            | AggregateOrderSensitivity::HardRequirement
            | AggregateOrderSensitivity::Beneficial) => same,
        }
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        match self.fold {
            Some(_) => ReversedUDAF::Identical,
            // DataFusion takes rows in the reverse order for rows in order where there is no reverse.
            None => match self.inner.reverse_udf() {
                ReversedUDAF::Reversed(reverse) => ReversedUDAF::Reversed(of_told_types(reverse)),
                same @ (ReversedUDAF::Identical | ReversedUDAF::NotSupported) => same,
            },
        }
    }

    fn with_beneficial_ordering(
        self: Arc<Self>,
        is_ordered: bool,
    ) -> Result<Option<Arc<dyn AggregateUDFImpl>>> {
        let ordered = self.inner.as_ref().clone().with_beneficial_ordering(is_ordered)?;
        let ordered = ordered.map(|inner| {
            let (fold, signature) = (self.fold, self.signature.clone());
            Arc::new(OverIntervals { inner: Arc::new(inner), fold, signature }) as _
        });
        Ok(ordered)
    }

    fn supports_null_handling_clause(&self) -> bool {
        self.inner.supports_null_handling_clause()
    }

    fn value_from_stats(&self, arguments: &StatisticsArgs<'_>) -> Option<ScalarValue> {
        self.inner.value_from_stats(arguments)
    }

    fn set_monotonicity(&self, data_type: &DataType) -> SetMonotonicity {
        self.inner.inner().set_monotonicity(data_type)
    }
}

#[derive(Debug, Default)]
struct Total {
    count: i64,
    months: i32,
    days: i32,
    nanoseconds: i64,
    fold: Fold,
}

/// Nanoseconds, a month as 30 days and a day as 24 hours.
fn span(interval: IntervalMonthDayNano) -> i128 {
    const DAY: i128 = 86_400_000_000_000;
    let days = i128::from(interval.months) * 30 + i128::from(interval.days);
    days * DAY + i128::from(interval.nanoseconds)
}

fn out_of_range() -> DataFusionError {
    let error = Error::new(ErrorKind::DatetimeFieldOverflow, "interval out of range");
    DataFusionError::External(Box::new(error))
}

impl Total {
    fn add(&mut self, interval: IntervalMonthDayNano, sign: i32) -> Option<()> {
        self.months = self.months.checked_add(interval.months.checked_mul(sign)?)?;
        self.days = self.days.checked_add(interval.days.checked_mul(sign)?)?;
        let nanoseconds = interval.nanoseconds.checked_mul(sign.into())?;
        self.nanoseconds = self.nanoseconds.checked_add(nanoseconds)?;
        Some(())
    }

    /// Takes the interval in the place of what there is, where it goes beyond that.
    fn surpass(&mut self, interval: IntervalMonthDayNano) {
        let known = span(self.total());
        let surpasses = match self.fold {
            Fold::Least => span(interval) < known,
            Fold::Sum | Fold::Average | Fold::Greatest => span(interval) > known,
        };
        if self.count == 0 || surpasses {
            self.months = interval.months;
            self.days = interval.days;
            self.nanoseconds = interval.nanoseconds;
        }
    }

    fn fold_in(&mut self, interval: IntervalMonthDayNano, sign: i32) -> Result<()> {
        match self.fold {
            Fold::Sum | Fold::Average => self.add(interval, sign).ok_or_else(out_of_range),
            Fold::Least | Fold::Greatest => {
                self.surpass(interval);
                Ok(())
            }
        }
    }

    fn add_all(&mut self, values: &[ArrayRef], sign: i32) -> Result<()> {
        let [values] = values else { return internal_err!("a sum takes one argument") };
        for interval in values.as_primitive::<IntervalMonthDayNanoType>().iter().flatten() {
            self.fold_in(interval, sign)?;
            self.count += i64::from(sign);
        }
        Ok(())
    }

    fn total(&self) -> IntervalMonthDayNano {
        IntervalMonthDayNano::new(self.months, self.days, self.nanoseconds)
    }
}

impl Accumulator for Total {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.add_all(values, 1)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.add_all(values, -1)
    }

    fn supports_retract_batch(&self) -> bool {
        matches!(self.fold, Fold::Sum | Fold::Average)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        if self.count == 0 {
            return Ok(ScalarValue::IntervalMonthDayNano(None));
        }
        let value = match self.fold {
            Fold::Average => average_interval(self.total(), self.count)
                .map_err(|error| DataFusionError::External(Box::new(error)))?,
            Fold::Sum | Fold::Least | Fold::Greatest => self.total(),
        };
        Ok(ScalarValue::IntervalMonthDayNano(Some(value)))
    }

    fn size(&self) -> usize {
        size_of::<Self>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let total = ScalarValue::IntervalMonthDayNano(Some(self.total()));
        Ok(vec![ScalarValue::Int64(Some(self.count)), total])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [counts, totals] = states else { return internal_err!("a sum keeps something else") };
        let counts = counts.as_primitive::<Int64Type>();
        let totals = totals.as_primitive::<IntervalMonthDayNanoType>();
        for row in (0..counts.len()).filter(|row| counts.is_valid(*row) && totals.is_valid(*row)) {
            if counts.value(row) > 0 {
                self.fold_in(totals.value(row), 1)?;
            }
            self.count += counts.value(row);
        }
        Ok(())
    }
}
