//! ALTER TABLE's changes of columns: what is added, dropped, renamed, moved or declared anew. It reads no rows.

use std::collections::HashSet;

use datafusion::arrow::datatypes::{Field, Schema};
use deltalake::kernel::{
    ArrayType, ColumnMetadataKey, DataType, MetadataValue, PrimitiveType, StructField,
};

use super::ChangeContext;
use super::alter::{Draft, NewColumn, Place, Upgrade};
use super::create::{
    COMMENT, check_has_order, check_new_name, delta_schema, mapped, max_column_id, struct_type,
};
use super::error::no_column;
use super::rules::{default_expression, parsed};
use super::shape::{COLUMN_MAPPING_MODE, Shape};
use super::widening::{ENABLE_TYPE_WIDENING, widened};
use crate::base::{Error, ErrorKind, Result};
use crate::delta::carried::{DECLARED_TYPE, keeps_values};
use crate::delta::check::CHECK_PREFIX;

/// The property with the names of the columns that have statistics.
const STATISTICS_COLUMNS: &str = "delta.dataSkippingStatsColumns";

/// The highest number of columns that a table is clustered by, as in other engines.
const CLUSTERING_COLUMNS_MAX: usize = 4;

impl Draft {
    fn position(&self, column: &str) -> Result<usize> {
        let found = self.fields.iter().position(|field| field.name == column);
        found.ok_or_else(|| no_column(column))
    }

    pub fn field_mut(&mut self, column: &str) -> Result<&mut StructField> {
        let found = self.fields.iter_mut().find(|field| field.name == column);
        found.ok_or_else(|| no_column(column))
    }

    pub fn add_columns(
        &mut self,
        ctx: &ChangeContext,
        columns: &[NewColumn],
        if_not_exists: bool,
    ) -> Result<()> {
        for column in columns {
            let name = column.field.name();
            if if_not_exists && self.position(name).is_ok() {
                continue;
            }
            let field: Field = column.field.as_ref().clone();
            for field in delta_schema(&Schema::new(vec![field]))?.fields() {
                check_new_name(name, self.fields.iter().map(|field| &field.name))?;
                if !field.nullable && self.has_files {
                    let what = format!("column \"{name}\" of relation contains null values");
                    return Err(Error::new(ErrorKind::NotNullViolation, what)
                        .with_detail("The rows that are there have NULL in a new column."));
                }
                let at = match &column.place {
                    None => self.fields.len(),
                    Some(place) => self.place(place)?,
                };
                self.fields.insert(at, field.clone());
                self.origins.insert(at, None);
            }
            if let Some(sql) = &column.default {
                if self.has_files {
                    let what = "adding a column with a default to a table with rows";
                    return Err(Error::unsupported(what).with_hint(
                        "Add the column, then ALTER COLUMN … SET DEFAULT, and UPDATE the rows.",
                    ));
                }
                self.set_default(ctx, name, Some(sql))?;
            }
        }
        self.map_new_columns()
    }

    /// Gives columns and fields that are new the names that files are to call them by.
    fn map_new_columns(&mut self) -> Result<()> {
        if self.is_mapped() {
            let schema = struct_type(self.fields.iter().cloned())?;
            let max_id = max_column_id(&self.properties);
            let schema = mapped(&schema, max_id, &mut self.properties)?;
            self.fields = schema.fields().cloned().collect();
        }
        Ok(())
    }

    pub fn add_fields(&mut self, column: &str, field: &Field) -> Result<()> {
        let wanted = delta_schema(&Schema::new(vec![field.clone().with_name(column)]))?;
        if let Some(wanted) = wanted.field(column) {
            let field = self.field_mut(column)?;
            field.data_type = with_fields_of(&field.data_type, &wanted.data_type)?;
        }
        self.map_new_columns()
    }

    fn place(&self, place: &Place) -> Result<usize> {
        match place {
            Place::First => Ok(0),
            Place::After(column) => Ok(self.position(column)? + 1),
        }
    }

    pub fn move_column(&mut self, column: &str, place: &Place) -> Result<()> {
        if *place == Place::After(column.to_owned()) {
            return self.position(column).map(drop);
        }
        let at = self.position(column)?;
        let field = self.fields.remove(at);
        let origin = self.origins.remove(at);
        let to = self.place(place)?;
        self.fields.insert(to, field);
        self.origins.insert(to, origin);
        Ok(())
    }

    pub fn drop_columns(
        &mut self,
        ctx: &ChangeContext,
        columns: &[String],
        if_exists: bool,
    ) -> Result<()> {
        for column in columns {
            let at = match self.position(column) {
                Ok(at) => at,
                Err(_) if if_exists => continue,
                Err(error) => return Err(error),
            };
            self.check_can_drop(ctx, column)?;
            self.require_mapping("dropping a column")?;
            self.fields.remove(at);
            self.origins.remove(at);
            self.rename_in_statistics(column, None);
        }
        Ok(())
    }

    fn check_can_drop(&self, ctx: &ChangeContext, column: &str) -> Result<()> {
        let refused = |what: &str| {
            let what = format!("cannot drop column \"{column}\" because {what}");
            Err(Error::new(ErrorKind::DependentObjectsStillExist, what))
        };
        if self.partition_columns.iter().any(|name| name == column) {
            return refused("the table is partitioned by it");
        }
        if self.clustering.iter().flatten().any(|name| name == column) {
            return refused("the table is clustered by it");
        }
        if let Some(user) = self.user_of(ctx, column)? {
            return refused(&format!("{user} needs it"));
        }
        if self.fields.iter().all(|f| f.name == column || self.partition_columns.contains(&f.name))
        {
            let what = "a table needs a column that it is not partitioned by";
            return Err(Error::new(ErrorKind::InvalidTableDefinition, what));
        }
        Ok(())
    }

    pub fn rename_column(&mut self, ctx: &ChangeContext, column: &str, to: &str) -> Result<()> {
        let at = self.position(column)?;
        if column == to {
            return Err(super::create::duplicate_column(to));
        }
        let others = self.fields.iter().map(|field| &field.name).filter(|name| *name != column);
        check_new_name(to, others)?;
        if let Some(user) = self.user_of(ctx, column)? {
            let what = format!("cannot rename column \"{column}\" because {user} needs it");
            return Err(Error::new(ErrorKind::DependentObjectsStillExist, what));
        }
        self.require_mapping("renaming a column")?;
        if let Some(field) = self.fields.get_mut(at) {
            field.name = to.to_owned();
        }
        for name in self.partition_columns.iter_mut().chain(self.clustering.iter_mut().flatten()) {
            if name == column {
                *name = to.to_owned();
            }
        }
        self.rename_in_statistics(column, Some(to));
        Ok(())
    }

    fn rename_in_statistics(&mut self, column: &str, to: Option<&str>) {
        let Some(columns) = self.properties.get(STATISTICS_COLUMNS) else { return };
        let names = columns.split(',').map(str::trim);
        let names = names.filter_map(|name| if name == column { to } else { Some(name) });
        let names: Vec<&str> = names.collect();
        self.properties.insert(STATISTICS_COLUMNS.to_owned(), names.join(","));
    }

    /// The first constraint or generated column whose expression names a column.
    fn user_of(&self, ctx: &ChangeContext, column: &str) -> Result<Option<String>> {
        let shape = self.shape()?;
        let names = |sql: &str| -> Result<bool> {
            let columns = parsed(&ctx.state, &shape, sql)?;
            let columns: HashSet<&str> =
                columns.column_refs().into_iter().map(|column| column.name.as_str()).collect();
            Ok(columns.contains(column))
        };
        for (key, sql) in &self.properties {
            if let Some(name) = key.strip_prefix(CHECK_PREFIX)
                && names(sql)?
            {
                return Ok(Some(format!("constraint \"{name}\"")));
            }
        }
        for (generated, sql) in shape.generated() {
            if generated != column && names(sql)? {
                return Ok(Some(format!("generated column \"{generated}\"")));
            }
        }
        Ok(None)
    }

    /// Columns can change their names only where files do not go by them.
    fn require_mapping(&mut self, what: &str) -> Result<()> {
        if self.is_mapped() {
            return Ok(());
        }
        if self.upgrade == Upgrade::OnRequest {
            return Err(Error::new(
                ErrorKind::ObjectNotInPrerequisiteState,
                format!("{what} needs column mapping, which the table has not"),
            )
            .with_detail("Readers that know no column mapping cannot read the table then.")
            .with_hint(
                "Turn it on with ALTER TABLE … SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name').",
            ));
        }
        self.properties.insert(COLUMN_MAPPING_MODE.to_owned(), "name".to_owned());
        self.map_columns()
    }

    fn is_mapped(&self) -> bool {
        self.properties.get(COLUMN_MAPPING_MODE).is_some_and(|mode| mode != "none")
    }

    pub fn set_type(&mut self, ctx: &ChangeContext, column: &str, field: &Field) -> Result<()> {
        let at = self.position(column)?;
        let declared = delta_schema(&Schema::new(vec![field.clone().with_name(column)]))?;
        let Some(declared) = declared.field(column).cloned() else { return Ok(()) };
        let Some(old) = self.fields.get(at) else { return Ok(()) };
        if old.data_type == declared.data_type {
            return self.set_length(at, &declared);
        }
        let wider = widened(old, &declared.data_type)?;
        let is_time = wider.data_type == DataType::Primitive(PrimitiveType::TimestampNtz);
        if is_time && self.partition_columns.iter().any(|name| name == column) {
            let what = format!(
                "changing the type of the partition column \"{column}\" to {}",
                wider.data_type
            );
            return Err(Error::unsupported(what));
        }
        if let Some(user) = self.user_of(ctx, column)? {
            let what = format!("cannot alter type of column \"{column}\" because {user} needs it");
            return Err(Error::new(ErrorKind::DependentObjectsStillExist, what));
        }
        let is_on = self.properties.get(ENABLE_TYPE_WIDENING).is_some_and(|value| value == "true");
        if !is_on && self.upgrade == Upgrade::OnRequest {
            return Err(Error::new(
                ErrorKind::ObjectNotInPrerequisiteState,
                "changing the type of a column needs type widening, which the table has not",
            )
            .with_detail("Readers that know no type widening cannot read the table then.")
            .with_hint(
                "Turn it on with ALTER TABLE … SET TBLPROPERTIES ('delta.enableTypeWidening' = 'true').",
            ));
        }
        self.properties.insert(ENABLE_TYPE_WIDENING.to_owned(), "true".to_owned());
        if let Some(field) = self.fields.get_mut(at) {
            *field = wider;
            field.metadata.extend(declared_type(&declared).map(declared_as));
        }
        Ok(())
    }

    /// The same type with another length: longer, or without one.
    fn set_length(&mut self, at: usize, declared: &StructField) -> Result<()> {
        let key = super::create::CHARACTER_TYPE;
        let Some(field) = self.fields.get_mut(at) else { return Ok(()) };
        let length = |field: &StructField| {
            let Some(MetadataValue::String(text)) = field.metadata.get(key) else { return None };
            let (name, length) = text.strip_suffix(')')?.split_once('(')?;
            Some((name.to_owned(), length.parse::<u32>().ok()?))
        };
        let (old, new) = (declared_type(field), declared_type(declared));
        if !keeps_values(old.as_deref(), new.as_deref()) {
            let what = format!("reading the values of column \"{}\" as another type", field.name);
            return Err(
                Error::unsupported(what).with_hint("Add a column, UPDATE it, and drop this one.")
            );
        }
        field.metadata.remove(DECLARED_TYPE);
        field.metadata.extend(new.map(declared_as));
        let is_longer = match (length(field), length(declared)) {
            (_, None) => true,
            (Some((old, before)), Some((new, now))) => old == new && now >= before,
            (None, Some(_)) => false,
        };
        if !is_longer {
            let what = format!("making the values of column \"{}\" shorter", field.name);
            return Err(Error::unsupported(what)
                .with_hint("Use ALTER TABLE … ADD CONSTRAINT … CHECK (length(…) <= …)."));
        }
        match declared.metadata.get(key) {
            Some(text) => field.metadata.insert(key.to_owned(), text.clone()),
            None => field.metadata.remove(key),
        };
        Ok(())
    }

    pub fn set_default(
        &mut self,
        ctx: &ChangeContext,
        column: &str,
        sql: Option<&str>,
    ) -> Result<()> {
        if let Some(sql) = sql {
            default_expression(&ctx.state, sql)?;
        }
        let generated = ColumnMetadataKey::GenerationExpression;
        let field = self.field_mut(column)?;
        if field.metadata.contains_key(generated.as_ref()) {
            let what = format!("column \"{column}\" of relation is a generated column");
            return Err(Error::new(ErrorKind::SyntaxError, what));
        }
        match sql {
            Some(sql) => {
                let value = MetadataValue::String(sql.to_owned());
                field.metadata.insert(ColumnMetadataKey::CurrentDefault.as_ref().to_owned(), value)
            }
            None => field.metadata.remove(ColumnMetadataKey::CurrentDefault.as_ref()),
        };
        Ok(())
    }

    pub fn set_column_comment(&mut self, column: &str, comment: Option<&str>) -> Result<()> {
        let field = self.field_mut(column)?;
        match comment {
            Some(text) => {
                let value = MetadataValue::String(text.to_owned());
                field.metadata.insert(COMMENT.to_owned(), value)
            }
            None => field.metadata.remove(COMMENT),
        };
        Ok(())
    }

    pub fn cluster_by(&mut self, columns: &[String]) -> Result<()> {
        let shape = self.shape()?;
        check_clustering(&shape, columns)?;
        if !columns.is_empty() || self.clustering.is_some() {
            self.clustering = Some(columns.to_vec());
        }
        Ok(())
    }
}

fn declared_type(field: &StructField) -> Option<String> {
    match field.metadata.get(DECLARED_TYPE) {
        Some(MetadataValue::String(name)) => Some(name.clone()),
        _ => None,
    }
}

fn declared_as(name: String) -> (String, MetadataValue) {
    (DECLARED_TYPE.to_owned(), MetadataValue::String(name))
}

/// A nested type with the fields that another has besides, which are last.
fn with_fields_of(known: &DataType, wanted: &DataType) -> Result<DataType> {
    Ok(match (known, wanted) {
        (DataType::Struct(known), DataType::Struct(wanted)) => {
            let mut fields: Vec<StructField> = Vec::new();
            for field in known.fields() {
                let mut field = field.clone();
                if let Some(same) = wanted.field(&field.name) {
                    field.data_type = with_fields_of(&field.data_type, &same.data_type)?;
                }
                fields.push(field);
            }
            for field in wanted.fields().filter(|field| known.field(&field.name).is_none()) {
                check_new_name(&field.name, fields.iter().map(|known| &known.name))?;
                fields.push(field.clone());
            }
            DataType::Struct(Box::new(struct_type(fields)?))
        }
        (DataType::Array(known), DataType::Array(wanted)) => {
            let element = with_fields_of(&known.element_type, &wanted.element_type)?;
            DataType::from(ArrayType::new(element, known.contains_null))
        }
        (known, _) => known.clone(),
    })
}

/// Refuses columns that a table cannot be clustered by.
pub fn check_clustering(shape: &Shape, columns: &[String]) -> Result<()> {
    if columns.len() > CLUSTERING_COLUMNS_MAX {
        let what = format!("a table is clustered by at most {CLUSTERING_COLUMNS_MAX} columns");
        return Err(Error::new(ErrorKind::InvalidTableDefinition, what));
    }
    if !columns.is_empty() && !shape.partition_columns.is_empty() {
        let what = "a partitioned table cannot be clustered";
        return Err(Error::new(ErrorKind::InvalidTableDefinition, what)
            .with_hint("Use OPTIMIZE … ZORDER BY, or create a table without partitions."));
    }
    for (at, name) in columns.iter().enumerate() {
        let field = shape.schema.field(name).ok_or_else(|| no_column(name))?;
        if columns.iter().take(at).any(|earlier| earlier == name) {
            return Err(super::create::duplicate_column(name));
        }
        if !matches!(field.data_type, DataType::Primitive(_)) {
            return Err(Error::unsupported(format!(
                "clustering by column \"{name}\" of a nested type"
            )));
        }
        if let Ok(field) = shape.columns.field_with_name(name) {
            check_has_order("clustering", name, field.data_type())?;
        }
    }
    Ok(())
}
