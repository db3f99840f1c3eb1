//! New tables, and tables that are made anew at the same location. It never looks at what else lies at
//! the location.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::{DataType as ArrowType, Field, FieldRef, Schema, SchemaRef};
use datafusion::logical_expr::LogicalPlan;
use deltalake::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake::kernel::{
    Action, ArrayType, ColumnMetadataKey, DataType, MapType, Metadata, MetadataExt, MetadataValue,
    Protocol, StructField, StructType, new_metadata,
};
use deltalake::protocol::{DeltaOperation, SaveMode};
use uuid::Uuid;

use super::alter_columns::check_clustering;
use super::append::actions_of;
use super::commit::{self, Change, Staged, apply_and_open, table_exists};
use super::error::no_column;
use super::identity::Identity;
use super::protocol::{check_properties, required_with};
use super::rows::inserted;
use super::rules::{Rules, default_expression, parsed};
use super::shape::{COLUMN_MAPPING_MAX_ID, COLUMN_MAPPING_MODE, Shape};
use super::sink::write;
use super::target::Target;
use super::{ChangeContext, Changed};
use crate::base::datatype::{TYPE_METADATA, TYPMOD_METADATA};
use crate::base::{Error, ErrorKind, Result};
use crate::delta::TableVersion;
use crate::delta::carried::{DECLARED_TYPE, held_field};
use crate::delta::check::{CHECK_PREFIX, held_check};
use crate::delta::clustering::clustered_by;
use crate::storage::Location;

/// The metadata of a column's comment, in Delta as in Arrow.
pub const COMMENT: &str = "comment";

/// Where Spark keeps the declared type of `char(n)` and `varchar(n)` columns.
pub const CHARACTER_TYPE: &str = "__CHAR_VARCHAR_TYPE_STRING";

/// What a type modifier of a character type has over its length.
const TYPMOD_HEADER: i32 = 4;

/// A table to be made.
#[derive(Debug, Clone)]
pub struct NewTable {
    /// The columns. A field that is not nullable is NOT NULL; its metadata may have a `comment`.
    pub schema: SchemaRef,
    /// Generated columns with the SQL that makes their values.
    pub generated: Vec<(String, String)>,
    /// Columns with defaults: the SQL of their values.
    pub defaults: Vec<(String, String)>,
    pub identities: Vec<NewIdentity>,
    pub partition_columns: Vec<String>,
    /// The columns that OPTIMIZE orders rows by.
    pub clustering: Vec<String>,
    pub properties: Vec<(String, String)>,
    /// CHECK constraints: names and SQL.
    pub checks: Vec<(String, String)>,
    pub comment: Option<String>,
    pub name: Option<String>,
}

/// A column whose rows the table numbers.
#[derive(Debug, Clone)]
pub struct NewIdentity {
    pub column: String,
    pub start: i64,
    pub step: i64,
    /// Whether a statement may give values itself.
    pub takes_values: bool,
}

/// CREATE TABLE: 42P07 if there is a table at the location.
pub async fn create(
    ctx: &ChangeContext,
    location: &Location,
    table: NewTable,
) -> Result<Arc<TableVersion>> {
    let plan = Blueprint::try_new(ctx, &table, None)?;
    Ok(make(ctx, location, &plan, None).await?.1)
}

/// CREATE TABLE AS: the table and its rows in one commit.
pub async fn create_as(
    ctx: &ChangeContext,
    location: &Location,
    table: NewTable,
    input: LogicalPlan,
) -> Result<(Changed, Arc<TableVersion>)> {
    let plan = Blueprint::try_new(ctx, &table, None)?;
    make(ctx, location, &plan, Some(input)).await
}

/// CREATE OR REPLACE TABLE [AS]: in one commit of the same location, which keeps its history. Readers see
/// the old table or the new one.
pub async fn replace(
    ctx: &ChangeContext,
    location: &Location,
    table: NewTable,
    input: Option<LogicalPlan>,
) -> Result<(Changed, Arc<TableVersion>)> {
    if ctx.tables.exists(location).await? {
        return apply_and_open(ctx, location, &Replace { table, input }).await;
    }
    let plan = Blueprint::try_new(ctx, &table, None)?;
    make(ctx, location, &plan, input).await
}

async fn make(
    ctx: &ChangeContext,
    location: &Location,
    plan: &Blueprint,
    input: Option<LogicalPlan>,
) -> Result<(Changed, Arc<TableVersion>)> {
    let _writing = ctx.tables.writing();
    let _lease = ctx.tables.lease(location).await;
    if ctx.tables.exists(location).await? {
        return Err(table_exists());
    }
    let mut actions = plan.actions();
    let mut changed = Changed::default();
    if let Some(input) = input {
        let rows = inserted(&ctx.state, &plan.shape, input)?;
        let written = write(ctx, location, &plan.shape, rows).await?;
        changed.inserted = written.inserted;
        actions.extend(actions_of(written));
    }
    let operation = plan.operation(location, SaveMode::ErrorIfExists);
    let staged = Staged { actions, operation, changed, is_blind_append: true };
    commit::create(ctx, location, staged).await
}

struct Replace {
    table: NewTable,
    input: Option<LogicalPlan>,
}

#[async_trait]
impl Change for Replace {
    async fn stage(&self, ctx: &ChangeContext, target: &Target) -> Result<Staged> {
        target.check_not_append_only()?;
        let plan = Blueprint::try_new(ctx, &self.table, Some(target))?;
        let mut actions = plan.actions();
        actions.append(&mut target.remove_all(ctx).await?);
        let mut changed = Changed::default();
        if let Some(input) = &self.input {
            let rows = inserted(&ctx.state, &plan.shape, input.clone())?;
            let written = write(ctx, &target.location, &plan.shape, rows).await?;
            changed.inserted = written.inserted;
            actions.extend(actions_of(written));
        }
        let operation = plan.operation(&target.location, SaveMode::Overwrite);
        Ok(Staged { actions, operation, changed, is_blind_append: false })
    }
}

/// What the log says of a new table.
pub struct Blueprint {
    /// Where the table is clustered, or was.
    clustering: Option<Vec<String>>,
    metadata: Metadata,
    protocol: Protocol,
    shape: Arc<Shape>,
}

impl Blueprint {
    pub fn try_new(
        ctx: &ChangeContext,
        table: &NewTable,
        replaced: Option<&Target>,
    ) -> Result<Self> {
        let properties = table.properties.iter();
        check_properties(properties.map(|(key, value)| (key.as_str(), value.as_str())))?;
        check_columns(table)?;
        let mut schema = delta_schema(&table.schema)?;
        for (column, sql) in &table.generated {
            let key = ColumnMetadataKey::GenerationExpression.as_ref();
            schema = with_field_metadata(&schema, column, key, Some(sql))?;
        }
        for (column, sql) in &table.defaults {
            default_expression(&ctx.state, sql)?;
            let key = ColumnMetadataKey::CurrentDefault.as_ref();
            schema = with_field_metadata(&schema, column, key, Some(sql))?;
        }
        for identity in &table.identities {
            schema = with_identity(&schema, identity)?;
        }
        let mut properties: HashMap<String, String> = table.properties.iter().cloned().collect();
        for (name, sql) in &table.checks {
            properties.insert(format!("{CHECK_PREFIX}{name}"), held_check(sql));
        }
        if properties.get(COLUMN_MAPPING_MODE).is_some_and(|mode| mode != "none") {
            let max_id = replaced.map_or(0, |target| max_column_id(&target.shape.properties));
            schema = mapped(&schema, max_id, &mut properties)?;
        }
        let existing = replaced.map(|target| target.protocol());
        let was_clustered = existing.is_some_and(is_clustered);
        let clustering =
            (was_clustered || !table.clustering.is_empty()).then(|| table.clustering.clone());
        let features: &[&str] = match &clustering {
            Some(_) => &["clustering", "domainMetadata"],
            None => &[],
        };
        let protocol = required_with(existing, &schema, &properties, features)?;
        let columns = table.partition_columns.clone();
        let metadata = new_metadata(&schema, columns.iter(), properties.iter());
        let mut metadata = metadata.map_err(broken_metadata)?;
        if let Some(target) = replaced {
            // The table stays the same one, to those that follow its log.
            let id = target.metadata().id().to_owned();
            metadata = metadata.with_table_id(id).map_err(broken_metadata)?;
        }
        if let Some(name) = &table.name {
            metadata = metadata.with_name(name.clone()).map_err(broken_metadata)?;
        }
        if let Some(comment) = &table.comment {
            metadata = metadata.with_description(comment.clone()).map_err(broken_metadata)?;
        }
        let shape = Arc::new(Shape::try_new(Arc::new(schema), columns, properties)?);
        // A rule that cannot be checked would make a table that cannot be written to.
        Rules::try_new(&ctx.state, &shape, None)?;
        check_clustering(&shape, &table.clustering)?;
        check_generated(ctx, &shape)?;
        Ok(Blueprint { clustering, metadata, protocol, shape })
    }

    pub fn actions(&self) -> Vec<Action> {
        let protocol = Action::Protocol(self.protocol.clone());
        let mut actions = vec![protocol, Action::Metadata(self.metadata.clone())];
        if let Some(columns) = &self.clustering {
            let physical: Vec<&str> =
                columns.iter().map(|name| self.shape.file_name(name)).collect();
            actions.push(clustered_by(&physical));
        }
        actions
    }

    fn operation(&self, location: &Location, mode: SaveMode) -> DeltaOperation {
        DeltaOperation::Create {
            mode,
            location: location.url().clone(),
            protocol: self.protocol.clone(),
            metadata: self.metadata.clone(),
        }
    }
}

fn is_clustered(protocol: &Protocol) -> bool {
    let features = protocol.writer_features().unwrap_or_default();
    features.iter().any(|feature| feature.to_string() == "clustering")
}

/// The schema with a column that numbers its rows.
fn with_identity(schema: &StructType, identity: &NewIdentity) -> Result<StructType> {
    let NewIdentity { column, start, step, takes_values } = identity;
    struct_type(schema.fields().map(|field| {
        let mut field = field.clone();
        if field.name == *column {
            let metadata = Identity::metadata(&field, *start, *step, *takes_values);
            field.metadata.extend(metadata);
        }
        field
    }))
}

fn broken_metadata(cause: deltalake::kernel::Error) -> Error {
    Error::internal("metadata that does not hold together").caused_by(cause)
}

fn check_columns(table: &NewTable) -> Result<()> {
    let fields = table.schema.fields();
    if fields.is_empty() {
        return Err(Error::unsupported("a table without columns"));
    }
    for (position, field) in fields.iter().enumerate() {
        check_new_name(field.name(), fields.iter().take(position).map(|field| field.name()))?;
    }
    for identity in &table.identities {
        let column = &identity.column;
        let field = fields.iter().find(|field| field.name() == column);
        let is_number = |field: &FieldRef| {
            matches!(field.data_type(), ArrowType::Int64 | ArrowType::Int32 | ArrowType::Int16)
        };
        if !field.is_some_and(is_number) {
            let what = "identity column type must be smallint, integer, or bigint";
            return Err(Error::new(ErrorKind::InvalidParameterValue, what));
        }
    }
    for column in &table.partition_columns {
        let field = table.schema.field_with_name(column).map_err(|_| no_column(column))?;
        if field.data_type().is_nested() {
            let what = format!("partitioning by column \"{column}\" of a nested type");
            return Err(Error::unsupported(what));
        }
        check_has_order("partitioning", column, field.data_type())?;
    }
    if table.partition_columns.len() >= fields.len() {
        return Err(Error::new(
            ErrorKind::InvalidTableDefinition,
            "a table needs a column that it is not partitioned by",
        ));
    }
    Ok(())
}

/// Refuses intervals where rows are laid out by their values: equal ones have different texts in Delta.
pub fn check_has_order(what: &str, column: &str, data_type: &ArrowType) -> Result<()> {
    match data_type {
        ArrowType::Interval(_) => {
            let what = format!("{what} by column \"{column}\" of type interval");
            Err(Error::unsupported(what)
                .with_detail("A Delta table keeps an interval as a text, which has another order."))
        }
        _ => Ok(()),
    }
}

/// Refuses generated columns that other engines cannot compute: a column that carries a type of PostgreSQL's is a number or
/// a text to them.
fn check_generated(ctx: &ChangeContext, shape: &Shape) -> Result<()> {
    let is_other =
        |field: &Field| matches!(field.data_type(), ArrowType::Time64(_) | ArrowType::Interval(_));
    for (generated, sql) in shape.generated() {
        let value = parsed(&ctx.state, shape, sql)?;
        let used = value.column_refs().into_iter().map(|column| column.name.as_str());
        for name in used.chain([generated]) {
            if shape.columns.field_with_name(name).is_ok_and(is_other) {
                let what = format!("the generated column \"{generated}\"");
                return Err(Error::unsupported(what).with_detail(format!(
                    "Column \"{name}\" is of a type that Delta has not, so other engines would compute other values."
                )));
            }
        }
    }
    Ok(())
}

/// Names of columns differ in more than case, as Delta readers need it.
pub fn check_new_name<'a>(name: &str, mut others: impl Iterator<Item = &'a String>) -> Result<()> {
    match others.find(|other| other.to_lowercase() == name.to_lowercase()) {
        None => Ok(()),
        Some(other) => {
            let error = duplicate_column(name);
            Err(if other == name {
                error
            } else {
                error.with_detail("Names of columns must differ in more than case.")
            })
        }
    }
}

/// 42701
pub fn duplicate_column(name: &str) -> Error {
    let what = format!("column \"{name}\" specified more than once");
    Error::new(ErrorKind::DuplicateColumn, what)
}

/// The columns as Delta declares them.
pub fn delta_schema(schema: &Schema) -> Result<StructType> {
    let mut fields = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        fields.push(delta_field(field)?);
    }
    struct_type(fields)
}

fn delta_field(field: &Field) -> Result<StructField> {
    let held = held_field(field)?;
    let data_type: DataType = held.data_type().try_into_kernel().map_err(|cause| {
        let what = format!("a column of type {} in a Delta table", held.data_type());
        Error::unsupported(what).caused_by(cause)
    })?;
    let mut metadata: Vec<(String, MetadataValue)> = Vec::new();
    if let Some(comment) = field.metadata().get(COMMENT) {
        metadata.push((COMMENT.to_owned(), MetadataValue::String(comment.clone())));
    }
    if let Some(declared) = character_type(field) {
        metadata.push((CHARACTER_TYPE.to_owned(), MetadataValue::String(declared)));
    }
    if let Some(name) = held.metadata().get(DECLARED_TYPE) {
        metadata.push((DECLARED_TYPE.to_owned(), MetadataValue::String(name.clone())));
    }
    let field = StructField::new(field.name().clone(), data_type, field.is_nullable());
    Ok(field.with_metadata(metadata))
}

/// `varchar(n)` or `char(n)` as Spark declares it.
fn character_type(field: &Field) -> Option<String> {
    let name = match field.metadata().get(TYPE_METADATA)?.as_str() {
        "varchar" => "varchar",
        "bpchar" => "char",
        _ => return None,
    };
    let typmod: i32 = field.metadata().get(TYPMOD_METADATA)?.parse().ok()?;
    (typmod > TYPMOD_HEADER).then(|| format!("{name}({})", typmod - TYPMOD_HEADER))
}

pub fn struct_type(fields: impl IntoIterator<Item = StructField>) -> Result<StructType> {
    StructType::try_new(fields).map_err(|cause| {
        Error::new(ErrorKind::InvalidTableDefinition, "the columns do not make a Delta table")
            .caused_by(cause)
    })
}

/// The schema with a text in the metadata of a column, or without one.
pub fn with_field_metadata(
    schema: &StructType,
    column: &str,
    key: &str,
    value: Option<&str>,
) -> Result<StructType> {
    if schema.field(column).is_none() {
        return Err(no_column(column));
    }
    struct_type(schema.fields().map(|field| {
        let mut field = field.clone();
        if field.name == column {
            match value {
                Some(text) => {
                    field.metadata.insert(key.to_owned(), MetadataValue::String(text.to_owned()))
                }
                None => field.metadata.remove(key),
            };
        }
        field
    }))
}

/// The highest id that a column of a table ever had.
pub fn max_column_id(properties: &HashMap<String, String>) -> i64 {
    properties.get(COLUMN_MAPPING_MAX_ID).and_then(|id| id.parse().ok()).unwrap_or(0)
}

/// The schema with ids and physical names for the fields that have none (Delta protocol, "Column
/// Mapping"), and the highest id among the properties.
pub fn mapped(
    schema: &StructType,
    max_id: i64,
    properties: &mut HashMap<String, String>,
) -> Result<StructType> {
    mapped_under(Names::New, schema, max_id, properties)
}

/// The schema of a table that maps columns from now on, by the names that its files have for them.
pub fn upgraded(
    schema: &StructType,
    properties: &mut HashMap<String, String>,
) -> Result<StructType> {
    let schema = mapped_under(Names::Same, schema, max_column_id(properties), properties)?;
    properties.insert(COLUMN_MAPPING_MODE.to_owned(), "name".to_owned());
    Ok(schema)
}

/// What files are to call columns that have no name in them yet.
#[derive(Clone, Copy)]
enum Names {
    New,
    Same,
}

fn mapped_under(
    names: Names,
    schema: &StructType,
    max_id: i64,
    properties: &mut HashMap<String, String>,
) -> Result<StructType> {
    let mut last = max_id;
    let fields: Result<Vec<StructField>> =
        schema.fields().map(|field| mapped_field(names, field, &mut last)).collect();
    properties.insert(COLUMN_MAPPING_MAX_ID.to_owned(), last.to_string());
    struct_type(fields?)
}

fn mapped_field(names: Names, field: &StructField, last: &mut i64) -> Result<StructField> {
    let mut field = field.clone();
    let id = ColumnMetadataKey::ColumnMappingId.as_ref();
    if !field.metadata.contains_key(id) {
        *last += 1;
        field.metadata.insert(id.to_owned(), MetadataValue::Number(*last));
        let name = MetadataValue::String(match names {
            Names::New => format!("col-{}", Uuid::new_v4()),
            Names::Same => field.name.clone(),
        });
        let key = ColumnMetadataKey::ColumnMappingPhysicalName.as_ref();
        field.metadata.insert(key.to_owned(), name);
    }
    field.data_type = mapped_type(names, &field.data_type, last)?;
    Ok(field)
}

fn mapped_type(names: Names, data_type: &DataType, last: &mut i64) -> Result<DataType> {
    Ok(match data_type {
        DataType::Primitive(_) | DataType::Variant(_) => data_type.clone(),
        DataType::Struct(fields) => {
            let fields: Result<Vec<StructField>> =
                fields.fields().map(|field| mapped_field(names, field, last)).collect();
            DataType::from(struct_type(fields?)?)
        }
        DataType::Array(array) => {
            let element = mapped_type(names, &array.element_type, last)?;
            DataType::from(ArrayType::new(element, array.contains_null))
        }
        DataType::Map(map) => {
            let key = mapped_type(names, &map.key_type, last)?;
            let value = mapped_type(names, &map.value_type, last)?;
            DataType::from(MapType::new(key, value, map.value_contains_null))
        }
    })
}
