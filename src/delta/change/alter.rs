//! ALTER TABLE: what a table's metadata says of its columns and rules. It never writes data files.

use std::collections::HashMap;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::TableReference;
use datafusion::logical_expr::LogicalPlanBuilder;
use datafusion::physical_plan::collect;
use deltalake::kernel::{Action, Metadata, StructType};
use deltalake::operations::update_table_metadata::TableMetadataUpdate;
use deltalake::protocol::DeltaOperation;
use deltalake::table::Constraint;
use serde_json::{Value, json};

use super::commit::{Change, Staged, apply};
use super::create::{
    COMMENT, check_new_name, delta_schema, mapped, max_column_id, struct_type, with_field_metadata,
};
use super::error::{no_column, of_datafusion};
use super::protocol::{check_properties, required};
use super::rules::{CHECK_PREFIX, Rules, parsed};
use super::shape::{COLUMN_MAPPING_MODE, Shape};
use super::target::Target;
use super::{ChangeContext, Changed};
use crate::base::{Error, ErrorKind, Result};
use crate::storage::Location;

/// ADD COLUMN: NULL in the rows that are there.
pub async fn add_columns(
    ctx: &ChangeContext,
    location: &Location,
    columns: SchemaRef,
) -> Result<Changed> {
    alter(ctx, location, Alteration::AddColumns(columns)).await
}

/// SET TBLPROPERTIES, and UNSET for those without a value.
pub async fn set_properties(
    ctx: &ChangeContext,
    location: &Location,
    properties: Vec<(String, Option<String>)>,
) -> Result<Changed> {
    alter(ctx, location, Alteration::SetProperties(properties)).await
}

/// ADD CONSTRAINT … CHECK: 23514 if a row that is there breaks it.
pub async fn add_check(
    ctx: &ChangeContext,
    location: &Location,
    name: String,
    sql: String,
) -> Result<Changed> {
    alter(ctx, location, Alteration::AddCheck { name, sql }).await
}

/// DROP CONSTRAINT: 42704 if there is none of that name.
pub async fn drop_constraint(
    ctx: &ChangeContext,
    location: &Location,
    name: String,
) -> Result<Changed> {
    alter(ctx, location, Alteration::DropConstraint(name)).await
}

/// ALTER COLUMN … DROP NOT NULL.
pub async fn drop_not_null(
    ctx: &ChangeContext,
    location: &Location,
    column: String,
) -> Result<Changed> {
    alter(ctx, location, Alteration::DropNotNull(column)).await
}

/// COMMENT ON COLUMN; `None` takes the comment away.
pub async fn set_column_comment(
    ctx: &ChangeContext,
    location: &Location,
    column: String,
    comment: Option<String>,
) -> Result<Changed> {
    alter(ctx, location, Alteration::SetColumnComment { column, comment }).await
}

/// COMMENT ON TABLE; `None` takes the comment away.
pub async fn set_comment(
    ctx: &ChangeContext,
    location: &Location,
    comment: Option<String>,
) -> Result<Changed> {
    alter(ctx, location, Alteration::SetComment(comment)).await
}

async fn alter(
    ctx: &ChangeContext,
    location: &Location,
    alteration: Alteration,
) -> Result<Changed> {
    Ok(apply(ctx, location, &alteration).await?.0)
}

enum Alteration {
    AddColumns(SchemaRef),
    SetProperties(Vec<(String, Option<String>)>),
    AddCheck { name: String, sql: String },
    DropConstraint(String),
    DropNotNull(String),
    SetColumnComment { column: String, comment: Option<String> },
    SetComment(Option<String>),
}

/// What an alteration makes of a table.
struct Altered {
    schema: StructType,
    properties: HashMap<String, String>,
    description: Option<String>,
    operation: DeltaOperation,
}

#[async_trait]
impl Change for Alteration {
    async fn stage(&self, ctx: &ChangeContext, target: &Target) -> Result<Staged> {
        let altered = self.altered(ctx, target).await?;
        let old = target.snapshot();
        let protocol = required(Some(old.protocol()), &altered.schema, &altered.properties)?;
        let mut actions = Vec::new();
        if &protocol != old.protocol() {
            actions.push(Action::Protocol(protocol));
        }
        let metadata = altered_metadata(old.metadata(), &altered)?;
        if &metadata != old.metadata() || !actions.is_empty() {
            actions.push(Action::Metadata(metadata));
        }
        let changed = Changed::default();
        Ok(Staged { actions, operation: altered.operation, changed, is_blind_append: false })
    }
}

impl Alteration {
    async fn altered(&self, ctx: &ChangeContext, target: &Target) -> Result<Altered> {
        let shape = &target.shape;
        let mut properties = shape.properties.clone();
        let mut schema = shape.schema.as_ref().clone();
        let mut description = target.snapshot().metadata().description().map(str::to_owned);
        let operation = match self {
            Alteration::AddColumns(columns) => {
                schema = with_columns(target, columns, &mut properties)?;
                let added = schema.fields().skip(shape.columns.fields().len());
                DeltaOperation::AddColumn { fields: added.cloned().collect() }
            }
            Alteration::SetProperties(changes) => {
                set(&mut properties, changes)?;
                let set = changes.iter();
                let set = set.filter_map(|(key, value)| Some((key.clone(), value.clone()?)));
                DeltaOperation::SetTableProperties { properties: set.collect() }
            }
            Alteration::AddCheck { name, sql } => {
                check_rows(ctx, target, name, sql).await?;
                properties.insert(check_key(name), sql.clone());
                DeltaOperation::AddConstraint { constraints: vec![Constraint::new(name, sql)] }
            }
            Alteration::DropConstraint(name) => {
                let key = existing_check(&properties, name).ok_or_else(|| {
                    let what = format!("constraint \"{name}\" of the table does not exist");
                    Error::new(ErrorKind::UndefinedObject, what)
                })?;
                properties.remove(&key);
                DeltaOperation::DropConstraint { name: name.clone() }
            }
            Alteration::DropNotNull(column) => {
                let mut field = schema.field(column).ok_or_else(|| no_column(column))?.clone();
                field.nullable = true;
                let replaced = field.clone();
                schema =
                    struct_type(schema.fields().map(|old| {
                        if old.name == *column { replaced.clone() } else { old.clone() }
                    }))?;
                DeltaOperation::DropColumnNotNull { column: field }
            }
            Alteration::SetColumnComment { column, comment } => {
                schema = with_field_metadata(&schema, column, COMMENT, comment.as_deref())?;
                let fields = schema.field(column).cloned().into_iter().collect();
                DeltaOperation::UpdateFieldMetadata { fields }
            }
            Alteration::SetComment(comment) => {
                description.clone_from(comment);
                let update = TableMetadataUpdate { name: None, description: comment.clone() };
                DeltaOperation::UpdateTableMetadata { metadata_update: update }
            }
        };
        Ok(Altered { schema, properties, description, operation })
    }
}

fn with_columns(
    target: &Target,
    columns: &SchemaRef,
    properties: &mut HashMap<String, String>,
) -> Result<StructType> {
    let shape = &target.shape;
    let has_files = target.snapshot().log_data().num_files() > 0;
    let mut fields: Vec<_> = shape.schema.fields().cloned().collect();
    for field in delta_schema(columns)?.fields() {
        check_new_name(&field.name, fields.iter().map(|field| &field.name))?;
        if !field.nullable && has_files {
            let what = format!("column \"{}\" of relation contains null values", field.name);
            return Err(Error::new(ErrorKind::NotNullViolation, what)
                .with_detail("The rows that are there have NULL in a new column."));
        }
        fields.push(field.clone());
    }
    let schema = struct_type(fields)?;
    if shape.is_mapped() {
        mapped(&schema, max_column_id(properties), properties)
    } else {
        Ok(schema)
    }
}

fn set(
    properties: &mut HashMap<String, String>,
    changes: &[(String, Option<String>)],
) -> Result<()> {
    for (key, value) in changes {
        let old = properties.get(key);
        if key == COLUMN_MAPPING_MODE && value.as_ref() != old {
            return Err(Error::unsupported("changing the column mapping of a table")
                .with_hint("Create a new table with that column mapping."));
        }
        check_properties([(key.as_str(), value.as_deref().unwrap_or_default())])?;
        match value {
            Some(value) => properties.insert(key.clone(), value.clone()),
            None => properties.remove(key),
        };
    }
    Ok(())
}

fn check_key(name: &str) -> String {
    format!("{CHECK_PREFIX}{name}")
}

/// The property of a constraint: other engines compare the names without regard to case.
fn existing_check(properties: &HashMap<String, String>, name: &str) -> Option<String> {
    let wanted = check_key(name);
    if properties.contains_key(&wanted) {
        return Some(wanted);
    }
    properties.keys().find(|key| key.to_lowercase() == wanted.to_lowercase()).cloned()
}

/// Refuses a constraint that a row breaks, or that cannot be checked.
async fn check_rows(ctx: &ChangeContext, target: &Target, name: &str, sql: &str) -> Result<()> {
    let shape = &target.shape;
    if existing_check(&shape.properties, name).is_some() {
        let what = format!("constraint \"{name}\" of the table already exists");
        return Err(Error::new(ErrorKind::DuplicateObject, what));
    }
    let mut properties = shape.properties.clone();
    properties.insert(check_key(name), sql.to_owned());
    let partition_columns = shape.partition_columns.clone();
    let with_check =
        Shape::try_new(std::sync::Arc::clone(&shape.schema), partition_columns, properties)?;
    Rules::try_new(&ctx.state, &with_check, None)?;
    let holds = parsed(&ctx.state, shape, sql)?;
    let scan = target.scan(ctx, &TableReference::bare("t"), None).await?;
    let broken = LogicalPlanBuilder::new(scan)
        .filter(holds.is_not_true())
        .and_then(|plan| plan.limit(0, Some(1)))
        .and_then(|plan| plan.build())
        .map_err(of_datafusion)?;
    let plan = ctx.state.create_physical_plan(&broken).await.map_err(of_datafusion)?;
    let rows = collect(plan, ctx.state.task_ctx()).await.map_err(of_datafusion)?;
    if rows.iter().any(|batch| batch.num_rows() > 0) {
        let what = format!("check constraint \"{name}\" of relation is violated by some row");
        return Err(Error::new(ErrorKind::CheckViolation, what));
    }
    Ok(())
}

fn altered_metadata(old: &Metadata, altered: &Altered) -> Result<Metadata> {
    let broken = |cause: serde_json::Error| {
        Error::internal("metadata that does not hold together").caused_by(cause)
    };
    let mut metadata = serde_json::to_value(old).map_err(broken)?;
    if let Value::Object(fields) = &mut metadata {
        let schema = serde_json::to_string(&altered.schema).map_err(broken)?;
        fields.insert("schemaString".to_owned(), json!(schema));
        fields.insert("configuration".to_owned(), json!(altered.properties));
        fields.insert("description".to_owned(), json!(altered.description));
    }
    serde_json::from_value(metadata).map_err(broken)
}
