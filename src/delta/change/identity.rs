//! Identity columns: the table numbers its rows, and its metadata keeps how far it has come (Delta protocol,
//! "Identity Columns"). It gives no number twice, unless a statement says where it goes on.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use datafusion::arrow::array::Int64Array;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result as DataFusionResult, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use deltalake::kernel::{
    Action, ColumnMetadataKey, DataType as DeltaType, Metadata, MetadataValue, StructField,
    StructType,
};
use serde_json::{Value, json};

use super::create::struct_type;
use super::target::Target;
use crate::base::{Error, ErrorKind, Result};

/// The metadata of identity columns of type integer or smallint: to Delta they are only of type bigint, so that other
/// writers must not take these for theirs. They see a column without a default.
const NARROW_PREFIX: &str = "lakegate.identity.";

/// A column whose values the table makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub column: String,
    /// The first number.
    pub start: i64,
    /// What is added for the next.
    pub step: i64,
    /// The last number that was given.
    mark: Option<i64>,
    /// Whether a statement may give values itself.
    pub takes_values: bool,
}

impl Identity {
    /// What the metadata of a column says, if it is such a column.
    pub fn of(field: &StructField) -> Option<Self> {
        let number = |key: ColumnMetadataKey| match field.metadata.get(&key_of(field, key)) {
            Some(MetadataValue::Number(number)) => Some(*number),
            Some(MetadataValue::String(text)) => text.parse().ok(),
            _ => None,
        };
        let allowed = key_of(field, ColumnMetadataKey::IdentityAllowExplicitInsert);
        let allowed = field.metadata.get(&allowed);
        Some(Identity {
            column: field.name.clone(),
            start: number(ColumnMetadataKey::IdentityStart)?,
            step: number(ColumnMetadataKey::IdentityStep)?,
            mark: number(ColumnMetadataKey::IdentityHighWaterMark),
            takes_values: matches!(allowed, Some(MetadataValue::Boolean(true))),
        })
    }

    /// The metadata of a new such column.
    pub fn metadata(
        field: &StructField,
        start: i64,
        step: i64,
        takes_values: bool,
    ) -> [(String, MetadataValue); 3] {
        [
            (ColumnMetadataKey::IdentityStart, MetadataValue::Number(start)),
            (ColumnMetadataKey::IdentityStep, MetadataValue::Number(step)),
            (ColumnMetadataKey::IdentityAllowExplicitInsert, MetadataValue::Boolean(takes_values)),
        ]
        .map(|(key, value)| (key_of(field, key), value))
    }

    /// The first number of the column's that is `number` or beyond it; `None` where that is before the first one of
    /// all, or is too large.
    fn at_least(&self, number: i64) -> Option<i64> {
        let (start, step) = (i128::from(self.start), i128::from(self.step));
        let way = (i128::from(number) - start) * step.signum();
        let steps = (way + step.abs() - 1).div_euclid(step.abs().max(1));
        let found = start + steps * step;
        (way >= 0).then_some(found).and_then(|found| i64::try_from(found).ok())
    }

    /// Values for the rows of one plan.
    pub fn numbering(self) -> Numbering {
        let first = self.mark.map_or(Some(self.start), |mark| mark.checked_add(self.step));
        Numbering { identity: self, first, given: Arc::default() }
    }
}

/// Where the metadata of a column keeps a part of its identity.
fn key_of(field: &StructField, key: ColumnMetadataKey) -> String {
    match (field.data_type == DeltaType::LONG, key.as_ref().strip_prefix("delta.identity.")) {
        (false, Some(part)) => format!("{NARROW_PREFIX}{part}"),
        _ => key.as_ref().to_owned(),
    }
}

/// A column as it was before it gave any number.
pub fn without_last_number(field: &StructField) -> StructField {
    let mut field = field.clone();
    field.metadata.remove(&key_of(&field, ColumnMetadataKey::IdentityHighWaterMark));
    field
}

/// The prefix of the columns of new rows that are true where the table numbers an identity column, and false where
/// the statement gives the number, also if it is GENERATED ALWAYS.
const NUMBERED_PREFIX: &str = "__lakegate_numbered_";

/// The column of new rows that says where the table numbers an identity column.
pub fn numbered(column: &str) -> String {
    format!("{NUMBERED_PREFIX}{column}")
}

/// Whether a column of new rows is such a column.
pub fn is_numbered(column: &str) -> bool {
    column.starts_with(NUMBERED_PREFIX)
}

/// 428C9
pub fn only_default(column: &str) -> Error {
    let what = format!("cannot insert a non-DEFAULT value into column \"{column}\"");
    Error::new(ErrorKind::GeneratedAlways, what).with_detail(format!(
        "Column \"{column}\" is an identity column defined as GENERATED ALWAYS."
    ))
}

/// The numbers that one plan gives to its rows.
#[derive(Debug, Clone)]
pub struct Numbering {
    identity: Identity,
    first: Option<i64>,
    given: Arc<AtomicI64>,
}

impl Numbering {
    /// The column that is numbered.
    pub fn column(&self) -> &str {
        &self.identity.column
    }

    pub fn value(&self) -> Expr {
        let signature = Signature::exact(Vec::new(), Volatility::Volatile);
        ScalarUDF::from(NextNumber { signature, numbering: self.clone() }).call(Vec::new())
    }

    /// The last number that was given, if any was.
    fn last(&self) -> Option<i64> {
        let given = self.given.load(Ordering::SeqCst);
        if given == 0 { None } else { self.number(given - 1) }
    }

    fn number(&self, place: i64) -> Option<i64> {
        self.first?.checked_add(place.checked_mul(self.identity.step)?)
    }
}

/// The table's metadata after numbers were given; `None` where none were.
pub fn metadata_after(target: &Target, numberings: &[Numbering]) -> Result<Option<Action>> {
    let marks = numberings
        .iter()
        .filter_map(|numbering| Some((&*numbering.identity.column, Some(numbering.last()?))));
    let metadata = with_marks(target.metadata(), &target.shape.schema, marks)?;
    Ok(metadata.map(Action::Metadata))
}

/// The table's metadata with identity columns that have given no number; `None` where none has given any.
pub fn metadata_restarted(target: &Target) -> Result<Option<Action>> {
    let identities = target.shape.schema.fields().filter_map(Identity::of);
    let used: Vec<String> = identities.filter(|it| it.mark.is_some()).map(|it| it.column).collect();
    let marks = used.iter().map(|column| (column.as_str(), None));
    let metadata = with_marks(target.metadata(), &target.shape.schema, marks)?;
    Ok(metadata.map(Action::Metadata))
}

/// Has an identity column go on after `last`, or after the next number of its own beyond that; 55000 for a column that
/// is none.
pub fn set_last_number(field: &mut StructField, last: Option<i64>) -> Result<()> {
    let identity = Identity::of(field).ok_or_else(|| {
        let message = format!("column \"{}\" is not an identity column", field.name);
        Error::new(ErrorKind::ObjectNotInPrerequisiteState, message)
    })?;
    let key = key_of(field, ColumnMetadataKey::IdentityHighWaterMark);
    match last.and_then(|last| identity.at_least(last)) {
        Some(mark) => field.metadata.insert(key, MetadataValue::Number(mark)),
        None => field.metadata.remove(&key),
    };
    Ok(())
}

/// An older version's metadata that gives no number again which was given since; `None` where it gives none.
pub fn metadata_before(
    metadata: &Metadata,
    schema: &StructType,
    now: &StructType,
) -> Result<Option<Metadata>> {
    let further = now.fields().filter_map(|field| {
        let now = Identity::of(field)?;
        let before = schema.field(&now.column).and_then(Identity::of)?;
        let mark = now.mark?;
        let is_further = before.mark.is_none_or(|before| match now.step < 0 {
            true => mark < before,
            false => mark > before,
        });
        is_further.then_some((field.name.as_str(), Some(mark)))
    });
    with_marks(metadata, schema, further)
}

/// Metadata with the last numbers of some columns, or without one; `None` where there are no such columns.
fn with_marks<'a>(
    metadata: &Metadata,
    schema: &StructType,
    marks: impl Iterator<Item = (&'a str, Option<i64>)>,
) -> Result<Option<Metadata>> {
    let mut fields: Vec<StructField> = schema.fields().cloned().collect();
    let mut is_changed = false;
    for (column, mark) in marks {
        if let Some(field) = fields.iter_mut().find(|field| field.name == column) {
            let key = key_of(field, ColumnMetadataKey::IdentityHighWaterMark);
            match mark {
                Some(mark) => field.metadata.insert(key, MetadataValue::Number(mark)),
                None => field.metadata.remove(&key),
            };
            is_changed = true;
        }
    }
    if !is_changed {
        return Ok(None);
    }
    let broken = |cause: serde_json::Error| {
        Error::internal("metadata that does not hold together").caused_by(cause)
    };
    let mut metadata = serde_json::to_value(metadata).map_err(broken)?;
    let schema = serde_json::to_string(&struct_type(fields)?).map_err(broken)?;
    if let Value::Object(metadata) = &mut metadata {
        metadata.insert("schemaString".to_owned(), json!(schema));
    }
    serde_json::from_value(metadata).map(Some).map_err(broken)
}

/// A function without arguments that gives each row the next number.
#[derive(Debug)]
struct NextNumber {
    signature: Signature,
    numbering: Numbering,
}

impl PartialEq for NextNumber {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.numbering.given, &other.numbering.given)
    }
}

impl Eq for NextNumber {}

impl Hash for NextNumber {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.numbering.given).hash(state);
    }
}

impl ScalarUDFImpl for NextNumber {
    fn name(&self) -> &str {
        "__lakegate_next_number"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> DataFusionResult<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        let rows = i64::try_from(arguments.number_rows).unwrap_or(i64::MAX);
        let first = self.numbering.given.fetch_add(rows, Ordering::SeqCst);
        let numbers: Option<Vec<i64>> =
            (first..first + rows).map(|place| self.numbering.number(place)).collect();
        match numbers {
            Some(numbers) => Ok(ColumnarValue::Array(Arc::new(Int64Array::from(numbers)))),
            None => exec_err!("an identity column has no numbers left"),
        }
    }
}
