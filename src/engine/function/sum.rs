//! `sum` of decimals that may outgrow 38 digits: from where the total might, it is added up with 76, and an
//! error when it does not fit in the end. DataFusion's wraps around. That of `real` is `real`, added up as
//! `double precision`. Every other sum is DataFusion's.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use datafusion::arrow::compute::{CastOptions, cast, cast_with_options};
use datafusion::arrow::datatypes::{DataType, Decimal128Type, Field, FieldRef};
use datafusion::common::{DataFusionError, Result, ScalarValue, internal_err};
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, Expr, GroupsAccumulator, Operator,
    ReversedUDAF, Signature,
};

use crate::base::{Error, ErrorKind};

/// The function, under the name of DataFusion's.
pub fn function() -> Arc<AggregateUDF> {
    Arc::new(AggregateUDF::new_from_impl(Sum { inner: sum_udaf() }))
}

/// Digits of a decimal of which ten thousand million fit into 38.
const SAFE_PRECISION: u8 = 28;

#[derive(Debug, PartialEq, Eq, Hash)]
struct Sum {
    inner: Arc<AggregateUDF>,
}

/// The type to add up in, where the values' own may be too small.
fn wide_type(summed: &DataType) -> Option<DataType> {
    match summed {
        DataType::Float32 => Some(DataType::Float64),
        DataType::Decimal128(precision, scale) if *precision > SAFE_PRECISION => {
            Some(DataType::Decimal256(76, *scale))
        }
        _ => None,
    }
}

fn wide_argument(arguments: &AccumulatorArgs<'_>) -> Option<DataType> {
    arguments.expr_fields.first().and_then(|field| wide_type(field.data_type()))
}

fn is_real(arguments: &AccumulatorArgs<'_>) -> bool {
    arguments.expr_fields.first().is_some_and(|field| *field.data_type() == DataType::Float32)
}

fn retyped(field: &Field, data_type: &DataType) -> FieldRef {
    Arc::new(field.clone().with_data_type(data_type.clone()))
}

/// Calls `make` with arguments as if they were of the wide type.
fn widened<T>(
    arguments: &AccumulatorArgs<'_>,
    wide: &DataType,
    make: impl FnOnce(AccumulatorArgs<'_>) -> Result<T>,
) -> Result<T> {
    let fields: Vec<FieldRef> =
        arguments.expr_fields.iter().map(|field| retyped(field, wide)).collect();
    make(AccumulatorArgs {
        return_field: retyped(&arguments.return_field, wide),
        schema: arguments.schema,
        ignore_nulls: arguments.ignore_nulls,
        order_bys: arguments.order_bys,
        is_reversed: arguments.is_reversed,
        name: arguments.name,
        is_distinct: arguments.is_distinct,
        exprs: arguments.exprs,
        expr_fields: &fields,
    })
}

/// The accumulator that `make` gives for the wide type.
fn in_wide(
    arguments: &AccumulatorArgs<'_>,
    wide: DataType,
    make: impl FnOnce(AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>>,
) -> Result<Wide> {
    let inner = widened(arguments, &wide, make)?;
    Ok(Wide { inner, wide, result: arguments.return_field.data_type().clone() })
}

fn widen(values: &[ArrayRef], wide: &DataType) -> Result<Vec<ArrayRef>> {
    values.iter().map(|array| Ok(cast(array, wide)?)).collect()
}

/// The totals with 38 digits. Errors: 22003 when one has more.
fn narrow(totals: &ArrayRef, result: &DataType) -> Result<ArrayRef> {
    let options = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(totals, result, &options).map_err(|_| {
        let error = Error::new(ErrorKind::NumericValueOutOfRange, "value overflows numeric format")
            .with_detail("The sum has more than 38 digits.");
        DataFusionError::External(Box::new(error))
    })
}

impl AggregateUDFImpl for Sum {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types {
            [DataType::Float32] => Ok(DataType::Float32),
            types => self.inner.return_type(types),
        }
    }

    fn accumulator(&self, arguments: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let Some(wide) = wide_argument(&arguments) else {
            return self.inner.accumulator(arguments);
        };
        let wide = in_wide(&arguments, wide, |wide| self.inner.accumulator(wide))?;
        if arguments.is_distinct || is_real(&arguments) {
            return Ok(Box::new(wide));
        }
        let narrow = self.inner.accumulator(arguments)?;
        Ok(Box::new(Guarded { narrow, wide, guard: Guard::default() }))
    }

    fn create_sliding_accumulator(
        &self,
        arguments: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn Accumulator>> {
        let Some(wide) = wide_argument(&arguments) else {
            return self.inner.create_sliding_accumulator(arguments);
        };
        let make = |wide: AccumulatorArgs<'_>| self.inner.create_sliding_accumulator(wide);
        Ok(Box::new(in_wide(&arguments, wide, make)?))
    }

    fn state_fields(&self, arguments: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let wide = arguments.input_fields.first().and_then(|field| wide_type(field.data_type()));
        let is_wide = arguments.is_distinct || wide == Some(DataType::Float64);
        let Some(wide) = wide.filter(|_| is_wide) else {
            return self.inner.state_fields(arguments);
        };
        let fields: Vec<FieldRef> =
            arguments.input_fields.iter().map(|field| retyped(field, &wide)).collect();
        self.inner.state_fields(StateFieldsArgs {
            input_fields: &fields,
            return_field: retyped(&arguments.return_field, &wide),
            ..arguments
        })
    }

    fn groups_accumulator_supported(&self, arguments: AccumulatorArgs<'_>) -> bool {
        if is_real(&arguments) {
            return !arguments.is_distinct;
        }
        self.inner.groups_accumulator_supported(arguments)
    }

    fn create_groups_accumulator(
        &self,
        arguments: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        let Some(wide) = wide_argument(&arguments) else {
            return self.inner.create_groups_accumulator(arguments);
        };
        let inner = widened(&arguments, &wide, |wide| self.inner.create_groups_accumulator(wide))?;
        let result = arguments.return_field.data_type().clone();
        if is_real(&arguments) {
            return Ok(Box::new(WideGroups { inner, wide, result }));
        }
        let narrow = self.inner.create_groups_accumulator(arguments)?;
        let guard = Guard::default();
        Ok(Box::new(GuardedGroups { narrow, inner, wide, result, guard }))
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.inner.order_sensitivity()
    }

    fn simplify_expr_op_literal(
        &self,
        function: &AggregateFunction,
        argument: &Expr,
        operator: Operator,
        literal: &Expr,
        argument_is_left: bool,
    ) -> Result<Option<Expr>> {
        let inner = self.inner.inner();
        inner.simplify_expr_op_literal(function, argument, operator, literal, argument_is_left)
    }
}

/// A sum in the wide type.
#[derive(Debug)]
struct Wide {
    inner: Box<dyn Accumulator>,
    wide: DataType,
    result: DataType,
}

impl Accumulator for Wide {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.inner.update_batch(&widen(values, &self.wide)?)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let total = narrow(&self.inner.evaluate()?.to_array()?, &self.result)?;
        ScalarValue::try_from_array(&total, 0)
    }

    fn size(&self) -> usize {
        self.inner.size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.inner.state()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.inner.merge_batch(states)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.inner.retract_batch(&widen(values, &self.wide)?)
    }

    fn supports_retract_batch(&self) -> bool {
        self.inner.supports_retract_batch()
    }
}

/// Knows when a total of 38 digits might overflow.
#[derive(Debug, Default)]
struct Guard {
    /// What no total is beyond, in units of the last digit.
    bound: f64,
    is_wide: bool,
}

/// Well below the largest number of 128 bits, so that the roundings of the bound do not matter.
const BOUND_MAX: f64 = 1e38;

impl Guard {
    /// Whether totals fit after these values as well. Once they might not, they never do again.
    fn fits(&mut self, values: &ArrayRef) -> bool {
        let values = values.as_primitive::<Decimal128Type>();
        let largest = values.values().iter().map(|value| value.unsigned_abs()).max();
        #[expect(clippy::cast_precision_loss, reason = "a bound needs no digits")]
        let added = largest.unwrap_or(0) as f64 * values.len() as f64;
        self.bound += added;
        !self.is_wide && self.bound < BOUND_MAX
    }
}

/// A sum that moves to the wide type when it has to.
#[derive(Debug)]
struct Guarded {
    narrow: Box<dyn Accumulator>,
    wide: Wide,
    guard: Guard,
}

impl Guarded {
    /// Where these values, or the sums of others, are to be added.
    fn target(&mut self, values: &[ArrayRef]) -> Result<&mut dyn Accumulator> {
        let [array] = values else { return internal_err!("sum takes one argument") };
        if self.guard.fits(array) {
            return Ok(self.narrow.as_mut());
        }
        if !self.guard.is_wide {
            self.guard.is_wide = true;
            let states = self.narrow.state()?;
            let states = states.iter().map(ScalarValue::to_array).collect::<Result<Vec<_>>>()?;
            self.wide.update_batch(&states)?;
        }
        Ok(&mut self.wide)
    }
}

impl Accumulator for Guarded {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.target(values)?.update_batch(values)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        if self.guard.is_wide { self.wide.evaluate() } else { self.narrow.evaluate() }
    }

    fn size(&self) -> usize {
        self.narrow.size() + self.wide.size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        if self.guard.is_wide { Ok(vec![self.wide.evaluate()?]) } else { self.narrow.state() }
    }

    /// The state of a sum is a sum.
    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.target(states)?.update_batch(states)
    }
}

/// The same for many groups at once.
struct GuardedGroups {
    narrow: Box<dyn GroupsAccumulator>,
    /// In the wide type.
    inner: Box<dyn GroupsAccumulator>,
    wide: DataType,
    result: DataType,
    guard: Guard,
}

impl GuardedGroups {
    fn add(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        let [array] = values else { return internal_err!("sum takes one argument") };
        if self.guard.fits(array) {
            return self.narrow.update_batch(values, groups, filter, total);
        }
        if !self.guard.is_wide {
            self.guard.is_wide = true;
            let sums = self.narrow.state(EmitTo::All)?;
            let places: Vec<usize> = (0..sums.first().map_or(0, |sums| sums.len())).collect();
            self.inner.update_batch(&widen(&sums, &self.wide)?, &places, None, total)?;
        }
        self.inner.update_batch(&widen(values, &self.wide)?, groups, filter, total)
    }
}

impl GroupsAccumulator for GuardedGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.add(values, groups, filter, total)
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        match self.guard.is_wide {
            true => narrow(&self.inner.evaluate(emit)?, &self.result),
            false => self.narrow.evaluate(emit),
        }
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        match self.guard.is_wide {
            true => Ok(vec![narrow(&self.inner.evaluate(emit)?, &self.result)?]),
            false => self.narrow.state(emit),
        }
    }

    /// The state of a sum is a sum.
    fn merge_batch(&mut self, values: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.add(values, groups, None, total)
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        self.narrow.convert_to_state(values, filter)
    }

    fn size(&self) -> usize {
        self.narrow.size() + self.inner.size()
    }
}

/// Sums of many groups in the wide type.
struct WideGroups {
    inner: Box<dyn GroupsAccumulator>,
    wide: DataType,
    result: DataType,
}

impl GroupsAccumulator for WideGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.inner.update_batch(&widen(values, &self.wide)?, groups, filter, total)
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        narrow(&self.inner.evaluate(emit)?, &self.result)
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        self.inner.state(emit)
    }

    fn merge_batch(&mut self, values: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.inner.merge_batch(values, groups, total)
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        self.inner.convert_to_state(&widen(values, &self.wide)?, filter)
    }

    fn size(&self) -> usize {
        self.inner.size()
    }
}
