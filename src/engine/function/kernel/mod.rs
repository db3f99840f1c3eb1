//! How a PostgreSQL function that works on whole columns becomes a DataFusion function: overloads by kinds of
//! types, PostgreSQL's choice among them, and typed access to columns and constants. It knows no function.
//!
//! `define` has the functions of single values: catalog look-ups and facts of the session.

mod arguments;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::buffer::NullBuffer;
use datafusion::arrow::datatypes::{
    DECIMAL128_MAX_PRECISION, DataType, Field, FieldRef, IntervalUnit, TimeUnit,
};
use datafusion::common::metadata::FieldMetadata;
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility,
};

use crate::base::datatype::{
    BaseType, NO_TYPMOD, PgType, TYPE_METADATA, TYPMOD_METADATA, pg_type_of,
};
use crate::base::{Error, ErrorKind, Result};
use crate::engine::system::field::field_of;

pub use arguments::{Arguments, Flags, Texts, Values};

/// What a parameter takes. Columns of several Arrow types are one kind; a kernel sees the ones named here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Bool,
    Int2,
    Int4,
    Int8,
    Float4,
    Float8,
    /// `Decimal128` of any precision and scale.
    Numeric,
    /// `Utf8` or `Utf8View`.
    Text,
    Bytea,
    Date,
    Time,
    Timestamp,
    Timestamptz,
    Interval,
    /// A list of anything.
    Array,
    /// A value of any type, given as it is.
    Any,
}

/// The type of a result.
#[derive(Clone, Copy)]
pub enum Returns {
    Type(BaseType),
    ArrayOf(BaseType),
    /// That of an argument.
    Argument(usize),
    /// What the arguments' types and constants say.
    Computed(fn(&Shape<'_>) -> Result<Field>),
}

/// What is known of a call before it runs.
pub struct Shape<'a> {
    pub fields: &'a [FieldRef],
    pub constants: &'a [Option<&'a ScalarValue>],
}

impl Shape<'_> {
    /// The text constant at `index`.
    pub fn text(&self, index: usize) -> Option<&str> {
        self.constants.get(index).copied().flatten()?.try_as_str().flatten()
    }

    /// The whole number constant at `index`.
    pub fn integer(&self, index: usize) -> Option<i64> {
        match self.constants.get(index).copied().flatten()? {
            ScalarValue::Int8(value) => value.map(i64::from),
            ScalarValue::Int16(value) => value.map(i64::from),
            ScalarValue::Int32(value) => value.map(i64::from),
            ScalarValue::Int64(value) => *value,
            _ => None,
        }
    }

    /// Precision and scale of the decimal argument at `index`.
    pub fn decimal(&self, index: usize) -> (u8, i8) {
        match self.fields.get(index).map(|field| field.data_type()) {
            Some(DataType::Decimal128(precision, scale)) => {
                let below_zero = scale.min(&0).unsigned_abs();
                let digits = precision.saturating_add(below_zero).min(DECIMAL128_MAX_PRECISION);
                (digits, *scale.max(&0))
            }
            _ => (38, 0),
        }
    }
}

/// A field of `numeric` without a modifier, carried by a decimal of this scale.
pub fn numeric_field(precision: u8, scale: i8) -> Field {
    let metadata = [
        (TYPE_METADATA.to_owned(), BaseType::Numeric.name().to_owned()),
        (TYPMOD_METADATA.to_owned(), NO_TYPMOD.to_string()),
    ];
    let data_type = DataType::Decimal128(precision, scale);
    Field::new("numeric", data_type, true).with_metadata(metadata.into_iter().collect())
}

/// The body: all rows of the arguments to all rows of the result.
pub type Body = fn(&Arguments<'_>) -> Result<ArrayRef>;

/// One way to call a function.
pub struct Overload {
    parameters: &'static [Kind],
    /// How many of the parameters, from the right, may be left out.
    optional: usize,
    /// What any number of further arguments must be.
    rest: Option<Kind>,
    returns: Returns,
    strict: bool,
    body: Body,
}

impl Overload {
    /// A strict one: a NULL argument gives NULL.
    pub const fn new(parameters: &'static [Kind], returns: Returns, body: Body) -> Self {
        Overload { parameters, optional: 0, rest: None, returns, strict: true, body }
    }

    pub const fn optional(self, count: usize) -> Self {
        Overload { optional: count, ..self }
    }

    pub const fn variadic(self, rest: Kind) -> Self {
        Overload { rest: Some(rest), ..self }
    }

    /// The body sees NULL arguments.
    pub const fn sees_null(self) -> Self {
        Overload { strict: false, ..self }
    }

    fn parameter(&self, index: usize) -> Option<Kind> {
        self.parameters.get(index).copied().or(self.rest)
    }

    /// How well arguments fit: exact ones, conversions to the preferred type of a category, and none that
    /// may lose digits.
    fn fit(&self, given: &[DataType]) -> Option<(usize, usize, bool)> {
        let least = self.parameters.len() - self.optional;
        if given.len() < least || (given.len() > self.parameters.len() && self.rest.is_none()) {
            return None;
        }
        let (mut exact, mut preferred, mut widens) = (0, 0, true);
        for (index, data_type) in given.iter().enumerate() {
            match self.parameter(index)?.fit(data_type)? {
                Fit::Exact => exact += 1,
                Fit::Preferred => preferred += 1,
                Fit::Possible => {}
                Fit::Narrowing => widens = false,
            }
        }
        Some((exact, preferred, widens))
    }
}

enum Fit {
    Exact,
    Preferred,
    Possible,
    Narrowing,
}

impl Kind {
    fn of(data_type: &DataType) -> Kind {
        match data_type {
            DataType::Boolean => Kind::Bool,
            DataType::Int8 | DataType::UInt8 | DataType::Int16 => Kind::Int2,
            DataType::UInt16 | DataType::Int32 => Kind::Int4,
            DataType::UInt32 | DataType::Int64 => Kind::Int8,
            DataType::Float16 | DataType::Float32 => Kind::Float4,
            DataType::Float64 => Kind::Float8,
            DataType::UInt64
            | DataType::Decimal32(..)
            | DataType::Decimal64(..)
            | DataType::Decimal128(..)
            | DataType::Decimal256(..) => Kind::Numeric,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Kind::Text,
            DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
            | DataType::FixedSizeBinary(_) => Kind::Bytea,
            DataType::Date32 | DataType::Date64 => Kind::Date,
            DataType::Time32(_) | DataType::Time64(_) => Kind::Time,
            DataType::Timestamp(_, None) => Kind::Timestamp,
            DataType::Timestamp(_, Some(_)) => Kind::Timestamptz,
            DataType::Interval(_) | DataType::Duration(_) => Kind::Interval,
            DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => Kind::Array,
            DataType::Dictionary(_, values) => Kind::of(values),
            _ => Kind::Any,
        }
    }

    /// Whether PostgreSQL converts without being asked. A string may be a constant of unknown type.
    fn fit(self, given: &DataType) -> Option<Fit> {
        use Kind::*;
        if *given == DataType::Null {
            return Some(if self == Text { Fit::Exact } else { Fit::Possible });
        }
        let from = Kind::of(given);
        if from == self || self == Any {
            return Some(Fit::Exact);
        }
        // Counts of the engine are 64-bit where PostgreSQL's are 32-bit.
        if (from, self) == (Int8, Int4) {
            return Some(Fit::Narrowing);
        }
        let is_preferred = matches!(self, Float8 | Timestamptz | Interval);
        let converts = matches!(
            (from, self),
            (Text, _)
                | (Int2, Int4 | Int8 | Numeric | Float4 | Float8)
                | (Int4, Int8 | Numeric | Float4 | Float8)
                | (Int8, Numeric | Float4 | Float8)
                | (Numeric, Float4 | Float8)
                | (Float4, Float8)
                | (Date, Timestamp | Timestamptz)
                | (Timestamp, Timestamptz)
                | (Time, Interval)
        );
        match (converts, is_preferred) {
            (true, true) => Some(Fit::Preferred),
            (true, false) => Some(Fit::Possible),
            (false, _) => None,
        }
    }

    /// The Arrow type that the kernel gets.
    fn accepted(self, given: &DataType) -> DataType {
        match self {
            Kind::Bool => DataType::Boolean,
            Kind::Int2 => DataType::Int16,
            Kind::Int4 => DataType::Int32,
            Kind::Int8 => DataType::Int64,
            Kind::Float4 => DataType::Float32,
            Kind::Float8 => DataType::Float64,
            Kind::Numeric => match given {
                // A constant like `1e30` has a scale below zero.
                DataType::Decimal128(precision, scale) if *scale < 0 => {
                    let digits = precision.saturating_add(scale.unsigned_abs());
                    DataType::Decimal128(digits.min(DECIMAL128_MAX_PRECISION), 0)
                }
                DataType::Decimal128(..) => given.clone(),
                DataType::Decimal32(precision, scale) | DataType::Decimal64(precision, scale) => {
                    DataType::Decimal128(*precision, *scale)
                }
                DataType::Decimal256(_, scale) => DataType::Decimal128(38, *scale),
                DataType::Int8 | DataType::UInt8 | DataType::Int16 => DataType::Decimal128(5, 0),
                DataType::UInt16 | DataType::Int32 => DataType::Decimal128(10, 0),
                DataType::UInt32 | DataType::Int64 | DataType::UInt64 => {
                    DataType::Decimal128(20, 0)
                }
                _ => DataType::Decimal128(38, 10),
            },
            Kind::Text => match given {
                DataType::Utf8View => DataType::Utf8View,
                _ => DataType::Utf8,
            },
            Kind::Bytea => DataType::Binary,
            Kind::Date => DataType::Date32,
            Kind::Time => DataType::Time64(TimeUnit::Microsecond),
            Kind::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
            Kind::Timestamptz => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Kind::Interval => DataType::Interval(IntervalUnit::MonthDayNano),
            Kind::Array => match given {
                DataType::List(_) => given.clone(),
                DataType::LargeList(element) | DataType::FixedSizeList(element, _) => {
                    DataType::List(Arc::clone(element))
                }
                _ => DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true))),
            },
            Kind::Any => match given {
                DataType::Dictionary(_, values) => values.as_ref().clone(),
                DataType::Null => DataType::Null,
                other => other.clone(),
            },
        }
    }
}

/// A function with its overloads, as it is declared in a family's file.
pub struct Kernel {
    pub name: &'static str,
    pub aliases: &'static [&'static str],
    pub volatility: Volatility,
    /// Whether the result follows from the types of the arguments alone.
    pub of_types: bool,
    pub overloads: &'static [Overload],
}

impl Kernel {
    /// A function of its arguments alone.
    pub const fn immutable(name: &'static str, overloads: &'static [Overload]) -> Self {
        let volatility = Volatility::Immutable;
        Kernel { name, aliases: &[], volatility, of_types: false, overloads }
    }

    /// A function of its arguments and the session's settings.
    pub const fn stable(name: &'static str, overloads: &'static [Overload]) -> Self {
        Kernel { name, aliases: &[], volatility: Volatility::Stable, of_types: false, overloads }
    }

    /// A function that gives another value in every row.
    pub const fn volatile(name: &'static str, overloads: &'static [Overload]) -> Self {
        let volatility = Volatility::Volatile;
        Kernel { name, aliases: &[], volatility, of_types: false, overloads }
    }

    /// Nobody needs the values of the arguments.
    pub const fn of_types(self) -> Self {
        Kernel { of_types: true, ..self }
    }

    pub const fn aliases(self, aliases: &'static [&'static str]) -> Self {
        Kernel { aliases, ..self }
    }
}

/// An error of a library that a kernel cannot bring about.
pub fn broken(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::internal("a function failed inside the engine").caused_by(error)
}

/// A [`Kernel`] in DataFusion's form.
pub struct KernelFunction {
    kernel: &'static Kernel,
    aliases: Vec<String>,
    signature: Signature,
}

impl KernelFunction {
    pub fn udf(kernel: &'static Kernel) -> Arc<ScalarUDF> {
        let signature = Signature::user_defined(kernel.volatility);
        let aliases = kernel.aliases.iter().map(|&alias| alias.to_owned()).collect();
        Arc::new(ScalarUDF::new_from_impl(KernelFunction { kernel, aliases, signature }))
    }

    /// PostgreSQL's choice: most exact arguments, then most that become a preferred type.
    fn overload(&self, given: &[DataType]) -> Result<&'static Overload> {
        let mut best: Option<((usize, usize, bool), &'static Overload)> = None;
        for overload in self.kernel.overloads {
            if let Some(fit) = overload.fit(given)
                && best.as_ref().is_none_or(|(known, _)| fit > *known)
            {
                best = Some((fit, overload));
            }
        }
        best.map(|(_, overload)| overload).ok_or_else(|| undefined(self.kernel.name, given))
    }
}

/// 42883 in PostgreSQL's words.
pub fn undefined(name: &str, given: &[DataType]) -> Error {
    let field = |data_type: &DataType| Arc::new(Field::new("", data_type.clone(), true));
    let fields: Vec<FieldRef> = given.iter().map(|one| field(one) as FieldRef).collect();
    undefined_with(name, &fields, &[])
}

/// The same with what is known of the arguments: a string constant is of type unknown, a whole number that fits
/// an integer.
pub fn undefined_with(
    name: &str,
    fields: &[FieldRef],
    constants: &[Option<&ScalarValue>],
) -> Error {
    let type_name = |(index, field): (usize, &FieldRef)| {
        match constants.get(index).copied().flatten() {
            Some(ScalarValue::Utf8(_) | ScalarValue::Utf8View(_)) => return "unknown".to_owned(),
            Some(ScalarValue::Int64(Some(number))) if i32::try_from(*number).is_ok() => {
                return BaseType::Int4.sql_name().to_owned();
            }
            _ => {}
        }
        match pg_type_of(field) {
            Ok((pg_type, _)) if *field.data_type() != DataType::Null => pg_type.sql_name(NO_TYPMOD),
            _ => "unknown".to_owned(),
        }
    };
    let names: Vec<String> = fields.iter().enumerate().map(type_name).collect();
    let message = format!("function {name}({}) does not exist", names.join(", "));
    Error::new(ErrorKind::UndefinedFunction, message).with_hint(
        "No function matches the given name and argument types. You might need to add explicit type casts.",
    )
}

fn external(error: Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

impl ScalarUDFImpl for KernelFunction {
    fn name(&self) -> &str {
        self.kernel.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, given: &[DataType]) -> datafusion::common::Result<DataType> {
        let fields: Vec<FieldRef> =
            given.iter().map(|given| Arc::new(Field::new("", given.clone(), true))).collect();
        let scalar_arguments = vec![None; given.len()];
        let shape = ReturnFieldArgs { arg_fields: &fields, scalar_arguments: &scalar_arguments };
        self.return_field_from_args(shape).map(|field| field.data_type().clone())
    }

    fn return_field_from_args(
        &self,
        call: ReturnFieldArgs<'_>,
    ) -> datafusion::common::Result<FieldRef> {
        let given: Vec<DataType> =
            call.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        let overload = self.overload(&given).map_err(|_| {
            external(undefined_with(self.kernel.name, call.arg_fields, call.scalar_arguments))
        })?;
        let no_type = || external(Error::internal("a function has no result type"));
        let of = |pg_type| field_of(self.kernel.name, pg_type, NO_TYPMOD).ok_or_else(no_type);
        let field = match overload.returns {
            Returns::Type(BaseType::Numeric) => numeric_field(38, 10),
            Returns::Type(base) => of(PgType::Scalar(base))?,
            Returns::ArrayOf(base) => of(PgType::Array(base))?,
            Returns::Argument(index) => {
                let field = call.arg_fields.get(index).ok_or_else(no_type)?;
                field.as_ref().clone().with_nullable(true)
            }
            Returns::Computed(compute) => {
                let shape = Shape { fields: call.arg_fields, constants: call.scalar_arguments };
                compute(&shape).map_err(external)?
            }
        };
        Ok(Arc::new(field.with_name(self.kernel.name)))
    }

    fn coerce_types(&self, given: &[DataType]) -> datafusion::common::Result<Vec<DataType>> {
        // What no overload takes is refused where constants can be told from columns.
        let Ok(overload) = self.overload(given) else { return Ok(given.to_vec()) };
        let accepted = given.iter().enumerate().map(|(index, data_type)| {
            let kind = overload.parameter(index).unwrap_or(Kind::Any);
            kind.accepted(data_type)
        });
        Ok(accepted.collect())
    }

    /// What follows from types is known before anything runs. A scan that computes expressions would no longer know
    /// what the columns are declared as.
    fn simplify(
        &self,
        arguments: Vec<Expr>,
        info: &SimplifyContext,
    ) -> datafusion::common::Result<ExprSimplifyResult> {
        if !self.kernel.of_types {
            return Ok(ExprSimplifyResult::Original(arguments));
        }
        let fields = arguments.iter().map(|argument| Ok(argument.to_field(info.schema())?.1));
        let arg_fields = fields.collect::<datafusion::common::Result<Vec<FieldRef>>>()?;
        let scalar_arguments = vec![None; arg_fields.len()];
        let shape =
            ReturnFieldArgs { arg_fields: &arg_fields, scalar_arguments: &scalar_arguments };
        let return_field = self.return_field_from_args(shape)?;
        let nulls = arg_fields
            .iter()
            .map(|field| ScalarValue::try_from(field.data_type()).map(ColumnarValue::Scalar));
        let call = ScalarFunctionArgs {
            args: nulls.collect::<datafusion::common::Result<_>>()?,
            arg_fields,
            number_rows: 1,
            return_field: Arc::clone(&return_field),
            config_options: Arc::clone(info.config_options()),
        };
        match self.invoke_with_args(call)? {
            ColumnarValue::Scalar(value) => {
                let metadata = FieldMetadata::new_from_field(&return_field);
                Ok(ExprSimplifyResult::Simplified(Expr::Literal(value, Some(metadata))))
            }
            ColumnarValue::Array(_) => Ok(ExprSimplifyResult::Original(arguments)),
        }
    }

    fn invoke_with_args(
        &self,
        call: ScalarFunctionArgs,
    ) -> datafusion::common::Result<ColumnarValue> {
        let given: Vec<DataType> =
            call.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        let overload = self.overload(&given).map_err(external)?;
        let is_constant = |value: &ColumnarValue| matches!(value, ColumnarValue::Scalar(_));
        let constant =
            call.args.iter().all(is_constant) && self.kernel.volatility != Volatility::Volatile;
        let rows = if constant { 1 } else { call.number_rows };
        let mut arrays = Vec::with_capacity(call.args.len());
        for value in &call.args {
            match value {
                ColumnarValue::Array(array) => arrays.push((Arc::clone(array), false)),
                ColumnarValue::Scalar(value) => arrays.push((value.to_array()?, true)),
            }
        }
        let nulls = if overload.strict { nulls_of(&arrays, rows) } else { None };
        let arguments = Arguments {
            arrays,
            fields: &call.arg_fields,
            returns: &call.return_field,
            rows,
            nulls,
            options: &call.config_options,
        };
        let result = (overload.body)(&arguments).map_err(external)?;
        match constant {
            true => constant_of(&result).map(ColumnarValue::Scalar),
            false => Ok(ColumnarValue::Array(result)),
        }
    }
}

/// The value of an array with one row. An array of arrays keeps what the field of its elements says.
fn constant_of(result: &ArrayRef) -> datafusion::common::Result<ScalarValue> {
    match result.as_list_opt::<i32>() {
        Some(list) if list.len() == 1 => Ok(ScalarValue::List(Arc::new(list.clone()))),
        _ => ScalarValue::try_from_array(result, 0),
    }
}

/// The rows in which any argument is NULL.
fn nulls_of(arrays: &[(ArrayRef, bool)], rows: usize) -> Option<NullBuffer> {
    let mut all: Option<NullBuffer> = None;
    for (array, constant) in arrays {
        let nulls = match (array.logical_nulls(), constant) {
            (Some(nulls), true) if nulls.null_count() > 0 => Some(NullBuffer::new_null(rows)),
            (_, true) => None,
            (nulls, false) => nulls,
        };
        all = NullBuffer::union(all.as_ref(), nulls.as_ref());
    }
    all
}

impl fmt::Debug for KernelFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kernel.name)
    }
}

/// A name stands for one function.
impl PartialEq for KernelFunction {
    fn eq(&self, other: &Self) -> bool {
        self.kernel.name == other.kernel.name
    }
}

impl Eq for KernelFunction {}

impl Hash for KernelFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.kernel.name.hash(state);
    }
}
