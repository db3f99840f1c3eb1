//! ALTER TABLE: what a table's metadata says of its columns and rules, several changes as one. It never writes
//! data files.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::FieldRef;
#[cfg(test)]
use datafusion::arrow::datatypes::SchemaRef;
use deltalake::kernel::{Action, Metadata, StructField, StructType};
use serde_json::{Map, Value, json};

use super::commit::{Change, Staged, apply};
use super::create::upgraded;
use super::identity::set_last_number;
use super::protocol::{check_properties, required_with};
use super::provenance::{named_elsewhere, provenance};
use super::rules::Rules;
use super::shape::{COLUMN_MAPPING_MODE, Shape};
use super::target::Target;
use super::{ChangeContext, Changed};
use crate::base::{Error, ErrorKind, Result};
use crate::delta::check::CHECK_PREFIX;
use crate::delta::clustering::{clustered_by, clustering_columns};
use crate::storage::Location;

/// One change of a table's metadata.
#[derive(Debug, Clone)]
pub enum Alteration {
    /// NULL in the rows that are there.
    AddColumns {
        columns: Vec<NewColumn>,
        if_not_exists: bool,
    },
    /// The fields that a nested column lacks: NULL in the rows that are there.
    AddFields {
        column: String,
        field: FieldRef,
    },
    /// The files keep the values, which nobody can read any more.
    DropColumns {
        columns: Vec<String>,
        if_exists: bool,
    },
    RenameColumn {
        column: String,
        to: String,
    },
    MoveColumn {
        column: String,
        place: Place,
    },
    /// To a type that holds every value of the old one.
    SetType {
        column: String,
        field: FieldRef,
    },
    /// 23502 if a row that is there has NULL.
    SetNotNull(String),
    DropNotNull(String),
    /// An SQL expression; `None` takes the default away.
    SetDefault {
        column: String,
        sql: Option<String>,
    },
    /// The number that counts as the last one that an identity column has given; `None` begins again.
    SetLastNumber {
        column: String,
        last: Option<i64>,
    },
    /// `None` takes the comment away.
    SetColumnComment {
        column: String,
        comment: Option<String>,
    },
    SetComment(Option<String>),
    /// Those without a value are taken away.
    SetProperties(Vec<(String, Option<String>)>),
    /// 23514 if a row that is there breaks it.
    AddCheck {
        name: String,
        sql: String,
    },
    /// 42704 if there is none of that name.
    DropConstraint {
        name: String,
        if_exists: bool,
    },
    /// What OPTIMIZE orders rows by; no columns end it.
    ClusterBy(Vec<String>),
}

/// A column to add, and where.
#[derive(Debug, Clone)]
pub struct NewColumn {
    /// Its metadata may have a `comment`.
    pub field: FieldRef,
    /// The SQL of its default, which rows that are there would have to have.
    pub default: Option<String>,
    /// `None` is last.
    pub place: Option<Place>,
}

/// Where among the columns.
#[derive(Debug, Clone, PartialEq)]
pub enum Place {
    First,
    After(String),
}

/// Whether a change may make a table unreadable for clients that know less of Delta, without its owner having
/// said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upgrade {
    /// The table is ours alone.
    Allowed,
    /// Others read it by its location: 55000.
    OnRequest,
}

/// Makes the changes, each on what those before it have made, in one commit.
pub async fn alter(
    ctx: &ChangeContext,
    location: &Location,
    changes: Vec<Alteration>,
    upgrade: Upgrade,
) -> Result<Changed> {
    apply(ctx, location, &Alter { changes, upgrade }).await
}

/// New columns that are last, all of a schema.
#[cfg(test)]
pub fn add_columns(columns: &SchemaRef) -> Alteration {
    let columns = columns.fields().iter();
    let columns =
        columns.map(|field| NewColumn { field: Arc::clone(field), default: None, place: None });
    Alteration::AddColumns { columns: columns.collect(), if_not_exists: false }
}

struct Alter {
    changes: Vec<Alteration>,
    upgrade: Upgrade,
}

/// What a table's metadata becomes.
pub struct Draft {
    pub fields: Vec<StructField>,
    /// What the column of each field is called in the table as it is; `None` for new ones.
    pub origins: Vec<Option<String>>,
    pub partition_columns: Vec<String>,
    pub properties: HashMap<String, String>,
    pub description: Option<String>,
    /// Logical names.
    pub clustering: Option<Vec<String>>,
    pub upgrade: Upgrade,
    /// Whether the table has data files.
    pub has_files: bool,
}

#[async_trait]
impl Change for Alter {
    async fn stage(&self, ctx: &ChangeContext, target: &Target) -> Result<Staged> {
        let clustering = clustering_columns(&target.data).await?;
        let mut draft = Draft::of(target, clustering.clone(), self.upgrade);
        for change in &self.changes {
            draft.make(ctx, target, change).await?;
        }
        let actions = self.actions(ctx, target, &draft, clustering)?;
        Ok(Staged {
            actions,
            operation: named_elsewhere(),
            changed: Changed::default(),
            is_blind_append: false,
        })
    }
}

impl Alter {
    /// What the log says of the draft; nothing where it is what the table is already.
    fn actions(
        &self,
        ctx: &ChangeContext,
        target: &Target,
        draft: &Draft,
        clustering: Option<Vec<String>>,
    ) -> Result<Vec<Action>> {
        let shape = draft.shape()?;
        // A rule that cannot be checked would make a table that cannot be written to.
        Rules::try_new(&ctx.state, &shape, None)?;
        let mut actions = Vec::new();
        let features: &[&str] = match &draft.clustering {
            Some(_) => &["clustering", "domainMetadata"],
            None => &[],
        };
        let protocol =
            required_with(Some(target.protocol()), &shape.schema, &draft.properties, features)?;
        if &protocol != target.protocol() {
            actions.push(Action::Protocol(protocol));
        }
        let metadata = draft.metadata(target.metadata(), &shape.schema)?;
        if &metadata != target.metadata() || !actions.is_empty() {
            actions.push(Action::Metadata(metadata));
        }
        if let Some(columns) = &draft.clustering {
            let physical = |columns: &[String], shape: &Shape| -> Vec<String> {
                columns.iter().map(|name| shape.file_name(name).to_owned()).collect()
            };
            let before = clustering.map(|before| physical(&before, &target.shape));
            let now = physical(columns, &shape);
            if before.as_ref() != Some(&now) {
                actions.push(clustered_by(&now.iter().map(String::as_str).collect::<Vec<_>>()));
            }
        }
        if !actions.is_empty() {
            let (operation, parameters) = self.description();
            actions.push(provenance(operation, parameters, Map::new()));
        }
        Ok(actions)
    }

    /// Under the names that other engines give the operations.
    fn description(&self) -> (&'static str, Vec<(&'static str, Value)>) {
        let [only] = self.changes.as_slice() else {
            let all: Vec<&str> = self.changes.iter().map(|change| operation(change).0).collect();
            return ("ALTER TABLE", vec![("changes", json!(all))]);
        };
        operation(only)
    }
}

fn operation(change: &Alteration) -> (&'static str, Vec<(&'static str, Value)>) {
    match change {
        Alteration::AddColumns { columns, .. } => {
            let names: Vec<&String> = columns.iter().map(|column| column.field.name()).collect();
            ("ADD COLUMNS", vec![("columns", json!(names))])
        }
        Alteration::AddFields { column, .. } => ("ADD COLUMNS", vec![("columns", json!([column]))]),
        Alteration::DropColumns { columns, .. } => {
            ("DROP COLUMNS", vec![("columns", json!(columns))])
        }
        Alteration::RenameColumn { column, to } => {
            ("RENAME COLUMN", vec![("oldColumnPath", json!(column)), ("newColumnPath", json!(to))])
        }
        Alteration::MoveColumn { column, .. }
        | Alteration::SetType { column, .. }
        | Alteration::SetNotNull(column)
        | Alteration::DropNotNull(column)
        | Alteration::SetDefault { column, .. }
        | Alteration::SetLastNumber { column, .. }
        | Alteration::SetColumnComment { column, .. } => {
            ("CHANGE COLUMN", vec![("column", json!(column))])
        }
        Alteration::SetComment(comment) => ("SET TBLPROPERTIES", vec![("comment", json!(comment))]),
        Alteration::SetProperties(changes) => {
            let set: Map<String, Value> =
                changes.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
            let is_unset = changes.iter().all(|(_, value)| value.is_none());
            let name = if is_unset { "UNSET TBLPROPERTIES" } else { "SET TBLPROPERTIES" };
            (name, vec![("properties", Value::Object(set))])
        }
        Alteration::AddCheck { name, sql } => {
            ("ADD CONSTRAINT", vec![("name", json!(name)), ("expr", json!(sql))])
        }
        Alteration::DropConstraint { name, .. } => ("DROP CONSTRAINT", vec![("name", json!(name))]),
        Alteration::ClusterBy(columns) => {
            ("CLUSTER BY", vec![("newClusteringColumns", json!(columns.join(",")))])
        }
    }
}

impl Draft {
    fn of(target: &Target, clustering: Option<Vec<String>>, upgrade: Upgrade) -> Self {
        let shape = &target.shape;
        let fields: Vec<StructField> = shape.schema.fields().cloned().collect();
        Draft {
            origins: fields.iter().map(|field| Some(field.name.clone())).collect(),
            fields,
            partition_columns: shape.partition_columns.clone(),
            properties: shape.properties.clone(),
            description: target.metadata().description().map(str::to_owned),
            clustering,
            upgrade,
            has_files: target.data.files().len() > 0,
        }
    }

    /// The table as the draft has it.
    pub fn shape(&self) -> Result<Arc<Shape>> {
        let schema = super::create::struct_type(self.fields.iter().cloned())?;
        let partition_columns = self.partition_columns.clone();
        let properties = self.properties.clone();
        Shape::try_new(Arc::new(schema), partition_columns, properties).map(Arc::new)
    }

    async fn make(
        &mut self,
        ctx: &ChangeContext,
        target: &Target,
        change: &Alteration,
    ) -> Result<()> {
        match change {
            Alteration::AddColumns { columns, if_not_exists } => {
                self.add_columns(ctx, columns, *if_not_exists)
            }
            Alteration::AddFields { column, field } => self.add_fields(column, field),
            Alteration::DropColumns { columns, if_exists } => {
                self.drop_columns(ctx, columns, *if_exists)
            }
            Alteration::RenameColumn { column, to } => self.rename_column(ctx, column, to),
            Alteration::MoveColumn { column, place } => self.move_column(column, place),
            Alteration::SetType { column, field } => self.set_type(ctx, column, field),
            Alteration::SetNotNull(column) => self.set_not_null(ctx, target, column).await,
            Alteration::DropNotNull(column) => {
                self.field_mut(column)?.nullable = true;
                Ok(())
            }
            Alteration::SetDefault { column, sql } => self.set_default(ctx, column, sql.as_deref()),
            Alteration::SetLastNumber { column, last } => {
                set_last_number(self.field_mut(column)?, *last)
            }
            Alteration::SetColumnComment { column, comment } => {
                self.set_column_comment(column, comment.as_deref())
            }
            Alteration::SetComment(comment) => {
                self.description.clone_from(comment);
                Ok(())
            }
            Alteration::SetProperties(changes) => self.set_properties(changes),
            Alteration::AddCheck { name, sql } => self.add_check(ctx, target, name, sql).await,
            Alteration::DropConstraint { name, if_exists } => {
                self.drop_constraint(name, *if_exists)
            }
            Alteration::ClusterBy(columns) => self.cluster_by(columns),
        }
    }

    fn set_properties(&mut self, changes: &[(String, Option<String>)]) -> Result<()> {
        for (key, value) in changes {
            let old = self.properties.get(key);
            if key == COLUMN_MAPPING_MODE && value.as_ref() != old {
                self.map_columns_as(value.as_deref())?;
                continue;
            }
            check_properties([(key.as_str(), value.as_deref().unwrap_or_default())])?;
            match value {
                Some(value) => self.properties.insert(key.clone(), value.clone()),
                None => self.properties.remove(key),
            };
        }
        Ok(())
    }

    /// Column mapping can be turned on: files keep the names that they have.
    fn map_columns_as(&mut self, mode: Option<&str>) -> Result<()> {
        let is_off = |mode: Option<&str>| mode.is_none_or(|mode| mode == "none");
        let old = self.properties.get(COLUMN_MAPPING_MODE).map(String::as_str);
        match (is_off(old), mode) {
            (true, Some("name")) => self.map_columns(),
            (true, mode) if is_off(mode) => {
                match mode {
                    Some(mode) => {
                        self.properties.insert(COLUMN_MAPPING_MODE.to_owned(), mode.to_owned())
                    }
                    None => self.properties.remove(COLUMN_MAPPING_MODE),
                };
                Ok(())
            }
            _ => Err(Error::unsupported("this change of the column mapping of a table").with_hint(
                "Column mapping can be turned on by name. For another create a new table.",
            )),
        }
    }

    /// Gives every column a name in files that it keeps when it is renamed.
    pub fn map_columns(&mut self) -> Result<()> {
        let schema = super::create::struct_type(self.fields.iter().cloned())?;
        let schema = upgraded(&schema, &mut self.properties)?;
        self.fields = schema.fields().cloned().collect();
        Ok(())
    }

    fn drop_constraint(&mut self, name: &str, if_exists: bool) -> Result<()> {
        match existing_check(&self.properties, name) {
            Some(key) => drop(self.properties.remove(&key)),
            None if if_exists => {}
            None => {
                let what = format!("constraint \"{name}\" of the table does not exist");
                return Err(Error::new(ErrorKind::UndefinedObject, what));
            }
        }
        Ok(())
    }

    fn metadata(&self, old: &Metadata, schema: &StructType) -> Result<Metadata> {
        let broken = |cause: serde_json::Error| {
            Error::internal("metadata that does not hold together").caused_by(cause)
        };
        let mut metadata = serde_json::to_value(old).map_err(broken)?;
        if let Value::Object(fields) = &mut metadata {
            let schema = serde_json::to_string(schema).map_err(broken)?;
            fields.insert("schemaString".to_owned(), json!(schema));
            fields.insert("partitionColumns".to_owned(), json!(self.partition_columns));
            fields.insert("configuration".to_owned(), json!(self.properties));
            fields.insert("description".to_owned(), json!(self.description));
        }
        serde_json::from_value(metadata).map_err(broken)
    }
}

/// The property that holds a constraint.
pub fn check_key(name: &str) -> String {
    format!("{CHECK_PREFIX}{name}")
}

/// The property of a constraint: other engines compare the names without regard to case.
pub fn existing_check(properties: &HashMap<String, String>, name: &str) -> Option<String> {
    let wanted = check_key(name);
    if properties.contains_key(&wanted) {
        return Some(wanted);
    }
    properties.keys().find(|key| key.to_lowercase() == wanted.to_lowercase()).cloned()
}
