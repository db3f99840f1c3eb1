//! How a PostgreSQL function becomes a DataFusion function: declared parameters, a result type and a body
//! that works on one row. It knows no function.
//!
//! Row by row is right for what these functions are for: catalog look-ups, session facts, formatting. A
//! call whose arguments are constants is made once.

use std::cell::OnceCell;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{DataFusionError, Result, ScalarValue, internal_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use crate::base::datatype::{BaseType, NO_TYPMOD, PgType};
use crate::base::{Error, Oid};
use crate::engine::facts::Facts;
use crate::engine::system::cell::{Cell, Column, cell_at};
use crate::engine::system::field::{data_type_of, field_of};
use crate::engine::system::visible::Visible;

/// What a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parameter {
    /// This type; others are cast to it.
    Type(PgType),
    /// A name as text, or an OID.
    NameOrOid,
    /// A value of any type, given as it is.
    Any,
}

/// The body: one row of arguments to one value.
pub type Body = for<'a> fn(&'a Call<'_>, &'a [Cell<'a>]) -> Result<Cell<'a>, Error>;

/// A function, as it is declared in a family's file.
pub struct Function {
    pub name: &'static str,
    /// Other names, for example those that SQL calls without parentheses.
    pub aliases: &'static [&'static str],
    pub parameters: &'static [Parameter],
    /// How many of the parameters, from the right, may be left out.
    pub optional: usize,
    pub returns: PgType,
    pub volatility: Volatility,
    /// Whether a NULL argument gives NULL without a call.
    pub strict: bool,
    pub body: Body,
}

impl Function {
    /// A strict function of the statement's facts.
    pub const fn stable(
        name: &'static str,
        parameters: &'static [Parameter],
        returns: PgType,
        body: Body,
    ) -> Self {
        let volatility = Volatility::Stable;
        let aliases = &[];
        Function { name, aliases, parameters, optional: 0, returns, volatility, strict: true, body }
    }

    /// A strict function of its arguments alone.
    pub const fn immutable(
        name: &'static str,
        parameters: &'static [Parameter],
        returns: PgType,
        body: Body,
    ) -> Self {
        let volatility = Volatility::Immutable;
        Function { volatility, ..Function::stable(name, parameters, returns, body) }
    }

    /// A strict function that does something each time it is called.
    pub const fn volatile(
        name: &'static str,
        parameters: &'static [Parameter],
        returns: PgType,
        body: Body,
    ) -> Self {
        let volatility = Volatility::Volatile;
        Function { volatility, ..Function::stable(name, parameters, returns, body) }
    }

    /// A function of something that PostgreSQL has and Lakegate has not: always NULL.
    pub const fn null(
        name: &'static str,
        parameters: &'static [Parameter],
        returns: PgType,
    ) -> Self {
        Function::immutable(name, parameters, returns, |_, _| Ok(Cell::Null))
    }

    /// The last `count` parameters may be left out.
    pub const fn optional(self, count: usize) -> Self {
        Function { optional: count, ..self }
    }

    pub const fn aliases(self, aliases: &'static [&'static str]) -> Self {
        Function { aliases, ..self }
    }

    /// The body sees NULL arguments.
    pub const fn sees_null(self) -> Self {
        Function { strict: false, ..self }
    }
}

/// Types as declarations write them.
pub const BOOL: PgType = PgType::Scalar(BaseType::Bool);
pub const INT4: PgType = PgType::Scalar(BaseType::Int4);
pub const INT8: PgType = PgType::Scalar(BaseType::Int8);
pub const TEXT: PgType = PgType::Scalar(BaseType::Text);
pub const NAME: PgType = PgType::Scalar(BaseType::Name);
pub const OID: PgType = PgType::Scalar(BaseType::Oid);
pub const TIMESTAMP: PgType = PgType::Scalar(BaseType::Timestamp);
pub const TIMESTAMPTZ: PgType = PgType::Scalar(BaseType::Timestamptz);
pub const DATE: PgType = PgType::Scalar(BaseType::Date);

/// Parameters as declarations write them.
pub const A_BOOL: Parameter = Parameter::Type(BOOL);
pub const AN_INT4: Parameter = Parameter::Type(INT4);
pub const AN_INT8: Parameter = Parameter::Type(INT8);
pub const A_TEXT: Parameter = Parameter::Type(TEXT);
pub const AN_OID: Parameter = Parameter::Type(OID);

/// What a body may ask about its statement and its arguments.
pub struct Call<'a> {
    facts: Option<&'a Facts>,
    visible: OnceCell<Visible<'a>>,
}

impl<'a> Call<'a> {
    pub fn facts(&self) -> Result<&'a Facts, Error> {
        self.facts.ok_or_else(|| Error::internal("the statement carries no session facts"))
    }

    /// What the statement may see of the metastore.
    pub fn visible(&self) -> Result<&Visible<'a>, Error> {
        let facts = self.facts()?;
        Ok(self.visible.get_or_init(|| Visible::new(facts)))
    }
}

/// A [`Function`] in DataFusion's form.
pub struct PostgresFunction {
    function: &'static Function,
    aliases: Vec<String>,
    signature: Signature,
}

impl PostgresFunction {
    pub fn udf(function: &'static Function) -> Arc<ScalarUDF> {
        let signature = match function.parameters {
            [] => Signature::nullary(function.volatility),
            _ => Signature::user_defined(function.volatility),
        };
        let aliases = function.aliases.iter().map(|&alias| alias.to_owned()).collect();
        Arc::new(ScalarUDF::new_from_impl(PostgresFunction { function, aliases, signature }))
    }

    fn call(&self, arguments: &[ArrayRef], rows: usize, call: &Call<'_>) -> Result<ArrayRef> {
        let Some(data_type) = data_type_of(self.function.returns, NO_TYPMOD) else {
            return internal_err!("{} has no result type", self.function.name);
        };
        let mut column = Column::new(&data_type);
        for row in 0..rows {
            let cells = arguments.iter().map(|array| cell_at(array, row));
            let cells = cells.collect::<Result<Vec<_>>>()?;
            let value = match self.function.strict && cells.iter().any(Cell::is_null) {
                true => Cell::Null,
                false => (self.function.body)(call, &cells)
                    .map_err(|error| DataFusionError::External(Box::new(error)))?,
            };
            column.push(&value)?;
        }
        Ok(column.finish())
    }
}

impl ScalarUDFImpl for PostgresFunction {
    fn name(&self) -> &str {
        self.function.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        match data_type_of(self.function.returns, NO_TYPMOD) {
            Some(data_type) => Ok(data_type),
            None => internal_err!("{} has no result type", self.function.name),
        }
    }

    fn return_field_from_args(&self, _: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        match field_of(self.function.name, self.function.returns, NO_TYPMOD) {
            Some(field) => Ok(Arc::new(field)),
            None => internal_err!("{} has no result type", self.function.name),
        }
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let parameters = self.function.parameters;
        let least = parameters.len().saturating_sub(self.function.optional);
        if arguments.len() < least || arguments.len() > parameters.len() {
            let count = arguments.len();
            return plan_err!("function {}() does not take {count} arguments", self.function.name);
        }
        parameters
            .iter()
            .zip(arguments)
            .map(|(parameter, given)| accepted(*parameter, given))
            .collect()
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let facts = Facts::of(&arguments.config_options).ok();
        let call = Call { facts: facts.as_ref(), visible: OnceCell::new() };
        let constant = self.function.volatility != Volatility::Volatile
            && arguments.args.iter().all(|value| matches!(value, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { arguments.number_rows };
        let arrays = arguments.args.iter().map(|value| value.to_array(rows));
        let result = self.call(&arrays.collect::<Result<Vec<_>>>()?, rows, &call)?;
        match constant {
            true => Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?)),
            false => Ok(ColumnarValue::Array(result)),
        }
    }
}

fn accepted(parameter: Parameter, given: &DataType) -> Result<DataType> {
    match parameter {
        Parameter::Any => Ok(given.clone()),
        Parameter::NameOrOid if given.is_integer() => Ok(DataType::Int64),
        Parameter::NameOrOid => Ok(DataType::Utf8),
        Parameter::Type(pg_type) => match data_type_of(pg_type, NO_TYPMOD) {
            Some(data_type) => Ok(data_type),
            None => internal_err!("a parameter has no type"),
        },
    }
}

impl fmt::Debug for PostgresFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.function.name)
    }
}

/// A name stands for one function.
impl PartialEq for PostgresFunction {
    fn eq(&self, other: &Self) -> bool {
        self.function.name == other.function.name
    }
}

impl Eq for PostgresFunction {}

impl Hash for PostgresFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.function.name.hash(state);
    }
}

/// The text argument at `index`; empty for another type, which `coerce_types` does not let through.
pub fn text<'a>(arguments: &'a [Cell<'a>], index: usize) -> &'a str {
    match arguments.get(index) {
        Some(Cell::Text(text)) => text,
        _ => "",
    }
}

/// The integer argument at `index`, 0 (no object) for another type.
pub fn number(arguments: &[Cell<'_>], index: usize) -> i64 {
    match arguments.get(index) {
        Some(Cell::Int8(number)) => *number,
        Some(Cell::Int4(number)) => i64::from(*number),
        Some(Cell::Int2(number)) => i64::from(*number),
        _ => 0,
    }
}

/// The OID argument at `index`; [`Oid::INVALID`] for what is none.
pub fn oid(arguments: &[Cell<'_>], index: usize) -> Oid {
    Oid(u32::try_from(number(arguments, index)).unwrap_or_default())
}

/// The boolean argument at `index`, false when it is left out.
pub fn flag(arguments: &[Cell<'_>], index: usize) -> bool {
    matches!(arguments.get(index), Some(Cell::Bool(true)))
}
