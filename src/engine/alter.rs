//! ALTER TABLE: the Delta table first, then its columns in the metastore, which follow it also after a crash
//! between the two.

use std::sync::Arc;

use datafusion::arrow::datatypes::Field;

use crate::base::{Error, ErrorKind, Result};
use crate::bind::bound::BoundTableTarget;
use crate::catalog::{Change, Relation, RelationKind};
use crate::delta::TableVersion;
use crate::delta::change::{self, Alteration, NewColumn, Place, Upgrade};
use crate::sql::statement::{
    AddedColumn, AlterTableAction, CheckConstraint, ColumnDefinition, ColumnName, ColumnPlace,
    TableChange,
};

use super::columns::columns_of;
use super::open::location_of;
use super::{Completion, Engine, Request};

/// Field metadata that becomes the column's comment in the Delta schema.
const COMMENT_METADATA: &str = "comment";

impl Engine {
    pub(super) async fn alter_table(
        self: &Arc<Self>,
        table: Arc<Relation>,
        action: AlterTableAction,
        target: BoundTableTarget,
        request: &Request,
    ) -> Result<Completion> {
        let id = table.id;
        let moved = match target {
            BoundTableTarget::Itself => None,
            BoundTableTarget::Schema(schema) => Some(Change::SetSchema { id, schema: schema.id }),
            BoundTableTarget::Owner(owner) => Some(Change::SetOwner { id, owner: owner.id }),
        };
        let mut completion = Completion::new("ALTER TABLE");
        let changes: Vec<Change> = match action {
            AlterTableAction::RenameTo(to) => {
                let renamed = Change::Rename { id, name: to.object };
                moved.into_iter().chain([renamed]).collect()
            }
            AlterTableAction::SetSchema(_) | AlterTableAction::OwnerTo(_) => {
                moved.into_iter().collect()
            }
            AlterTableAction::Change(changes) => {
                let (engine, request) = (Arc::clone(self), request.clone());
                let altered =
                    async move { engine.alter_delta_table(&table, changes, &request).await };
                let (changes, notices) = self.cpu.run(altered).await?;
                completion.notices = notices;
                changes
            }
        };
        if !changes.is_empty() {
            self.change_metastore(&changes, request).await?;
        }
        Ok(completion)
    }

    /// Changes the Delta table; what is to be changed in the metastore after it, and notices.
    async fn alter_delta_table(
        &self,
        table: &Relation,
        changes: Vec<TableChange>,
        request: &Request,
    ) -> Result<(Vec<Change>, Vec<String>)> {
        let location = location_of(table)?;
        let version = self.schema_of(table, request).await?;
        self.check_dependent_views(table, &changes, &version, request).await?;
        let mut wanted = Alterations::new(table, &version);
        for change in changes {
            wanted.add(change)?;
        }
        let Alterations { list, notices, renamed, comments, .. } = wanted;
        let ctx = self.change_context(self.context.statement(&request.facts), request, None);
        let upgrade = match &table.kind {
            RelationKind::Table(table) if table.managed => Upgrade::Allowed,
            RelationKind::Table(_) | RelationKind::View(_) => Upgrade::OnRequest,
        };
        let outcome = change::alter(&ctx, &location, list, upgrade).await;
        outcome.map_err(|error| named(error, table))?;
        let newest = self.tables_of(&request.work).open(&location).await?;
        let snapshot = request.work.snapshot(&self.metastore)?;
        let Some(known) = snapshot.relation_by_id(table.id) else {
            return Ok((Vec::new(), notices));
        };
        let mut before = known.columns.to_vec();
        for (from, to) in renamed {
            for column in before.iter_mut().filter(|column| *column.field.name() == from) {
                column.field = column.field.clone().with_name(&to);
            }
        }
        let mut columns = columns_of(&newest.schema(), &before);
        for (name, comment) in comments {
            for column in columns.iter_mut().filter(|column| *column.field.name() == name) {
                column.comment.clone_from(&comment);
            }
        }
        if columns[..] == known.columns[..] {
            return Ok((Vec::new(), notices));
        }
        let partition_columns = newest.partition_columns().to_vec();
        let change = Change::SetColumns { id: table.id, columns, partition_columns };
        Ok((vec![change], notices))
    }
}

/// What a statement asks of the Delta table, and what it means for the catalog.
struct Alterations<'a> {
    table: &'a Relation,
    version: &'a TableVersion,
    list: Vec<Alteration>,
    notices: Vec<String>,
    /// Old and new names, in order.
    renamed: Vec<(String, String)>,
    /// Comments of columns, by name.
    comments: Vec<(String, Option<String>)>,
    /// Names of the constraints that are added.
    checks: Vec<String>,
}

impl<'a> Alterations<'a> {
    fn new(table: &'a Relation, version: &'a TableVersion) -> Self {
        Alterations {
            table,
            version,
            list: Vec::new(),
            notices: Vec::new(),
            renamed: Vec::new(),
            comments: Vec::new(),
            checks: Vec::new(),
        }
    }

    fn add(&mut self, change: TableChange) -> Result<()> {
        let alteration = match change {
            TableChange::SetProperties(properties) => {
                let properties = properties.into_iter().map(|(key, value)| (key, Some(value)));
                Alteration::SetProperties(properties.collect())
            }
            TableChange::UnsetProperties { keys, if_exists } => {
                let known = self.version.properties();
                if let Some(key) = keys.iter().find(|key| !if_exists && !known.contains_key(*key)) {
                    let what = format!("table property \"{key}\" does not exist");
                    return Err(Error::new(ErrorKind::UndefinedObject, what));
                }
                Alteration::SetProperties(keys.into_iter().map(|key| (key, None)).collect())
            }
            TableChange::AddColumns { columns, if_not_exists } => {
                for column in columns.iter().filter(|_| if_not_exists) {
                    let name = column.definition.field.name();
                    if self.has(name) {
                        self.notice("column", name, "already exists");
                    }
                }
                for AddedColumn { definition, .. } in &columns {
                    let name = definition.field.name().clone();
                    if definition.comment.is_some() && !(if_not_exists && self.has(&name)) {
                        self.comments.push((name, definition.comment.clone()));
                    }
                }
                let columns = columns.into_iter().map(new_column).collect::<Result<_>>()?;
                Alteration::AddColumns { columns, if_not_exists }
            }
            TableChange::DropColumns { columns, if_exists } => {
                for column in columns.iter().filter(|_| if_exists) {
                    if !self.has(&column.name) {
                        self.notice("column", &column.name, "does not exist");
                    }
                }
                let columns = columns.into_iter().map(|column| column.name).collect();
                Alteration::DropColumns { columns, if_exists }
            }
            TableChange::RenameColumn { column, to } => {
                self.renamed.push((column.name.clone(), to.clone()));
                Alteration::RenameColumn { column: column.name, to }
            }
            TableChange::MoveColumn { column, place } => {
                Alteration::MoveColumn { column: column.name, place: place_of(place) }
            }
            TableChange::SetType { column, field } => {
                Alteration::SetType { column: column.name, field: Arc::new(field) }
            }
            TableChange::SetNotNull(column) => Alteration::SetNotNull(column.name),
            TableChange::DropNotNull(column) => Alteration::DropNotNull(column.name),
            TableChange::SetDefault { column, expression } => {
                Alteration::SetDefault { column: column.name, sql: expression }
            }
            TableChange::CommentColumn { column, comment } => {
                self.comments.push((column.name.clone(), comment.clone()));
                Alteration::SetColumnComment { column: column.name, comment }
            }
            TableChange::AddCheck(CheckConstraint { name, expression }) => {
                let name = name.unwrap_or_else(|| self.free_name());
                self.checks.push(name.clone());
                Alteration::AddCheck { name, sql: expression }
            }
            TableChange::DropConstraint { name, if_exists } => {
                let key = format!("delta.constraints.{name}");
                if if_exists && !self.version.properties().contains_key(&key) {
                    self.notice("constraint", &name, "does not exist");
                }
                Alteration::DropConstraint { name, if_exists }
            }
            TableChange::ClusterBy(columns) => {
                Alteration::ClusterBy(columns.into_iter().map(|column| column.name).collect())
            }
        };
        self.list.push(alteration);
        Ok(())
    }

    fn has(&self, column: &str) -> bool {
        self.version.schema().field_with_name(column).is_ok()
    }

    fn notice(&mut self, what: &str, name: &str, why: &str) {
        let table = &self.table.name;
        self.notices.push(format!("{what} \"{name}\" of relation \"{table}\" {why}, skipping"));
    }

    /// A name for a constraint that the user gave none, as PostgreSQL makes them.
    fn free_name(&self) -> String {
        let is_free = |name: &String| {
            let key = format!("delta.constraints.{name}");
            !self.version.properties().contains_key(&key) && !self.checks.contains(name)
        };
        let first = format!("{}_check", self.table.name);
        let numbered = (1..u32::MAX).map(|number| format!("{first}{number}"));
        std::iter::once(first.clone()).chain(numbered).find(is_free).unwrap_or(first.clone())
    }
}

fn new_column(column: AddedColumn) -> Result<NewColumn> {
    let AddedColumn { definition, place } = column;
    if definition.generated.is_some() || definition.identity.is_some() {
        return Err(Error::unsupported("adding a generated or identity column to a table")
            .with_hint("Create a new table with the column, and INSERT the rows of the old one."));
    }
    Ok(NewColumn {
        field: Arc::new(field_with_comment(&definition)),
        default: definition.default,
        place: place.map(place_of),
    })
}

fn place_of(place: ColumnPlace) -> Place {
    match place {
        ColumnPlace::First => Place::First,
        ColumnPlace::After(ColumnName { name, .. }) => Place::After(name),
    }
}

/// The field as Delta declares it.
pub(super) fn field_with_comment(definition: &ColumnDefinition) -> Field {
    let field = definition.field.clone();
    match &definition.comment {
        Some(comment) => {
            let mut metadata = field.metadata().clone();
            metadata.insert(COMMENT_METADATA.to_owned(), comment.clone());
            field.with_metadata(metadata)
        }
        None => field,
    }
}

/// The change that gives a column its comment.
pub(super) fn column_comment(
    relation: &Relation,
    column: &ColumnName,
    comment: Option<String>,
) -> Result<Change> {
    let found = relation.columns.iter().find(|known| *known.field.name() == column.name);
    let found = found.ok_or_else(|| {
        Error::new(
            ErrorKind::UndefinedColumn,
            format!("column \"{}\" of relation \"{}\" does not exist", column.name, relation.name),
        )
        .at_if(column.position)
    })?;
    Ok(Change::SetColumnComment { relation: relation.id, column: found.id, comment })
}

/// An error with the table's name in it, which a change by location cannot know.
fn named(error: Error, table: &Relation) -> Error {
    let relation = format!("relation \"{}\"", table.name);
    let message = error.message();
    let message = match message.split_once("of relation ") {
        Some((before, after)) => format!("{before}of {relation} {after}"),
        None if message.contains("of the table") => {
            message.replacen("of the table", &format!("of {relation}"), 1)
        }
        None => return error,
    };
    let mut renamed = Error::new(error.kind(), message).at_if(error.position());
    if let Some(detail) = error.detail() {
        renamed = renamed.with_detail(detail);
    }
    match error.hint() {
        Some(hint) => renamed.with_hint(hint),
        None => renamed,
    }
}
