//! ALTER TABLE: the Delta table first, then its columns in the metastore, which follow it also after a crash
//! between the two.

use std::sync::Arc;

use datafusion::arrow::datatypes::Field;

use crate::base::name::ObjectName;
use crate::base::{Error, ErrorKind, Result};
use crate::bind::bound::{BoundKey, BoundTableTarget};
use crate::bind::scope::undefined_relation;
use crate::catalog::{Change, Check, Column, NewConstraint, Relation, Snapshot};
use crate::delta::TableVersion;
use crate::delta::change::{self, Alteration, NewColumn, Place, Upgrade};
use crate::sql::statement::{
    AddedColumn, AlterTableAction, ColumnDefinition, ColumnName, ColumnPlace, DroppedConstraint,
    KeyConstraint, KeyKind, TableChange,
};

use super::columns::{checks_of, table_columns};
use super::ddl::cascaded;
use super::facts::Facts;
use super::key::{self, KeyTable, as_new};
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
        let mut referenced = Vec::new();
        let moved = match target {
            BoundTableTarget::Itself => None,
            BoundTableTarget::Schema(schema) => Some(Change::SetSchema { id, schema: schema.id }),
            BoundTableTarget::Owner(owner) => Some(Change::SetOwner { id, owner: owner.id }),
            BoundTableTarget::Referenced(tables) => {
                referenced = tables;
                None
            }
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
            AlterTableAction::Change(changes)
                if self.fills_columns(&table, &changes, request).await? =>
            {
                completion.notices =
                    self.fill_columns(&table, changes, referenced, request).await?;
                Vec::new()
            }
            AlterTableAction::Change(changes) => {
                let (engine, request) = (Arc::clone(self), request.clone());
                let altered = async move {
                    engine.alter_delta_table(&table, changes, referenced, &request).await
                };
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
    pub(super) async fn alter_delta_table(
        &self,
        table: &Relation,
        changes: Vec<TableChange>,
        referenced: Vec<Arc<Relation>>,
        request: &Request,
    ) -> Result<(Vec<Change>, Vec<String>)> {
        let location = location_of(table)?;
        let version = self.schema_of(table, request).await?;
        let views = self.dependent_views(table, &changes, &version, request).await?;
        let snapshot = request.work.snapshot(&self.metastore)?;
        let known = snapshot.relation_by_id(table.id).map(Arc::clone);
        let known = known.ok_or_else(|| undefined_relation(&ObjectName::bare(&*table.name)))?;
        let mut wanted = Alterations::new(&known, &version, (&request.facts, &snapshot));
        for change in changes {
            wanted.add(change)?;
        }
        let Alterations { list, mut notices, renamed, comments, keys, dropped, .. } = wanted;
        let newest = match list.is_empty() {
            true => version,
            false => {
                let state = self.context.statement(&request.facts);
                let ctx = self.change_context(state, request, None);
                let columns = renamed_columns(&known, &renamed);
                let kept = kept_constraints(&known, &dropped);
                // What cannot be declared is refused before the table is changed, as far as its columns are known.
                check_keys(&snapshot, &known, (&columns, kept), &keys, &referenced, &list)?;
                let outcome = change::alter(&ctx, &location, list, upgrade_of(table)).await;
                outcome.map_err(|error| named(error, table))?;
                self.tables_of(&request.work).open(&location).await?
            }
        };
        let mut columns = table_columns(&newest, &renamed_columns(&known, &renamed));
        for (name, comment) in comments {
            for column in columns.iter_mut().filter(|column| *column.field.name() == name) {
                column.comment.clone_from(&comment);
            }
        }
        let kept = kept_constraints(&known, &dropped);
        let had = kept.len();
        let mut declared = key_table(&snapshot, &known, &columns, kept);
        declared.declare(with_referenced(keys, referenced))?;
        notices.append(&mut declared.notices);
        let added = declared.constraints.into_iter().skip(had);
        let added: Vec<Change> = added
            .map(|constraint| Change::AddConstraint { relation: table.id, constraint })
            .collect();
        notices.extend(cascaded(&views, &snapshot, request.facts.principal));
        let mut changes: Vec<Change> =
            views.iter().map(|view| Change::Drop { id: view.id }).collect();
        changes.extend(dropped);
        let checks = checks_of(&newest);
        if columns[..] != known.columns[..] || !checks.iter().map(pair).eq(sorted_checks(&known)) {
            let partition_columns = newest.partition_columns().to_vec();
            changes.push(Change::SetColumns { id: table.id, columns, partition_columns, checks });
        }
        changes.extend(added);
        Ok((changes, notices))
    }
}

/// Whether a change may ask more of the readers of a table: of managed ones, whom nobody reads by their place.
pub(super) fn upgrade_of(table: &Relation) -> Upgrade {
    match table.as_table() {
        Some(table) if table.managed => Upgrade::Allowed,
        _ => Upgrade::OnRequest,
    }
}

fn pair(check: &Check) -> (&str, &str) {
    (&check.name, &check.expression)
}

fn sorted_checks(table: &Relation) -> Vec<(&str, &str)> {
    let mut checks: Vec<_> = table.checks().collect();
    checks.sort_unstable();
    checks
}

/// The columns under their new names, with the ids that they keep.
fn renamed_columns(table: &Relation, renamed: &[(String, String)]) -> Vec<Column> {
    let mut columns = table.columns.to_vec();
    for (from, to) in renamed {
        for column in columns.iter_mut().filter(|column| column.field.name() == from) {
            column.field = column.field.clone().with_name(to);
        }
    }
    columns
}

fn kept_constraints(table: &Relation, dropped: &[Change]) -> Vec<NewConstraint> {
    let is_dropped = |id| {
        dropped.iter().any(
            |change| matches!(change, Change::DropConstraint { constraint, .. } if *constraint == id),
        )
    };
    let mut kept = as_new(&table.constraints);
    kept.retain(|constraint| !is_dropped(constraint.id));
    kept
}

fn key_table<'a>(
    snapshot: &'a Snapshot,
    table: &'a Relation,
    columns: &'a [Column],
    constraints: Vec<NewConstraint>,
) -> KeyTable<'a> {
    let (id, schema, name) = (table.id, table.schema, table.name.as_str());
    KeyTable { snapshot, id, schema, name, columns, constraints, notices: Vec::new() }
}

/// Each foreign key with the table that it refers to; one that refers to its own table names that, too.
fn with_referenced(keys: Vec<KeyConstraint>, referenced: Vec<Arc<Relation>>) -> Vec<BoundKey> {
    let mut referenced = referenced.into_iter();
    let bound = keys.into_iter().map(|key| {
        let referenced = match key.kind {
            KeyKind::Foreign { .. } => referenced.next(),
            KeyKind::Primary | KeyKind::Unique => None,
        };
        BoundKey { key, referenced }
    });
    bound.collect()
}

/// Refuses keys that cannot be, where the columns that they name are there before the change.
fn check_keys(
    snapshot: &Snapshot,
    table: &Relation,
    (columns, constraints): (&[Column], Vec<NewConstraint>),
    keys: &[KeyConstraint],
    referenced: &[Arc<Relation>],
    list: &[Alteration],
) -> Result<()> {
    if list.iter().any(|change| matches!(change, Alteration::AddColumns { .. })) {
        return Ok(());
    }
    let mut declared = key_table(snapshot, table, columns, constraints);
    declared.declare(with_referenced(keys.to_vec(), referenced.to_vec()))
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
    keys: Vec<KeyConstraint>,
    /// Of keys.
    dropped: Vec<Change>,
    seen: (&'a Facts, &'a Snapshot),
}

impl<'a> Alterations<'a> {
    fn new(
        table: &'a Relation,
        version: &'a TableVersion,
        seen: (&'a Facts, &'a Snapshot),
    ) -> Self {
        Alterations {
            table,
            version,
            list: Vec::new(),
            notices: Vec::new(),
            renamed: Vec::new(),
            comments: Vec::new(),
            checks: Vec::new(),
            keys: Vec::new(),
            dropped: Vec::new(),
            seen,
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
            TableChange::DropColumns { columns, if_exists, cascade } => {
                for column in columns.iter().filter(|_| if_exists) {
                    if !self.has(&column.name) {
                        self.notice("column", &column.name, "does not exist");
                    }
                }
                let (facts, snapshot) = self.seen;
                if !cascade {
                    key::check_columns_unreferenced(self.table, &columns, facts, snapshot)?;
                }
                let columns = columns.into_iter().map(|column| column.name).collect();
                Alteration::DropColumns { columns, if_exists }
            }
            TableChange::RenameColumn { column, to } => {
                super::index::check_renamed(self.table, &column)?;
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
            TableChange::AddCheck(check) => {
                let name = check.name_in(&self.table.name, |name| {
                    let key = format!("{}{name}", change::CHECK_PREFIX);
                    let is_known = self.version.properties().contains_key(&key);
                    !is_known && self.checks.iter().all(|known| known != name)
                });
                self.checks.push(name.clone());
                Alteration::AddCheck { name, sql: check.expression }
            }
            TableChange::AddKey(key) => return self.add_key(key),
            TableChange::DropConstraint { name, if_exists, cascade } => {
                let keys = key::dropped(self.table, &name);
                if !keys.is_empty() {
                    let (facts, snapshot) = self.seen;
                    self.dropped.extend(key::drops(self.table, &keys, cascade, facts, snapshot)?);
                    return Ok(());
                }
                let Some(name) = self.named_check(name, if_exists)? else { return Ok(()) };
                Alteration::DropConstraint { name, if_exists }
            }
            TableChange::ClusterBy(columns) => {
                Alteration::ClusterBy(columns.into_iter().map(|column| column.name).collect())
            }
        };
        self.list.push(alteration);
        Ok(())
    }

    /// The columns of a primary key are never NULL.
    fn add_key(&mut self, key: KeyConstraint) -> Result<()> {
        if matches!(key.kind, KeyKind::Primary) {
            let is_nullable = |column: &&ColumnName| {
                let schema = self.version.schema();
                schema.field_with_name(&column.name).is_ok_and(|field| field.is_nullable())
            };
            let nullable = key.columns.iter().filter(is_nullable);
            let not_null = nullable.map(|column| Alteration::SetNotNull(column.name.clone()));
            let not_null: Vec<Alteration> = not_null.collect();
            self.list.extend(not_null);
        }
        self.keys.push(key);
        Ok(())
    }

    /// The name of the check that is to be dropped, where there can be one.
    fn named_check(&mut self, name: DroppedConstraint, if_exists: bool) -> Result<Option<String>> {
        let what = match name {
            DroppedConstraint::Named(name) => {
                let key = format!("{}{name}", change::CHECK_PREFIX);
                if if_exists && !self.version.properties().contains_key(&key) {
                    self.notice("constraint", &name, "does not exist");
                }
                return Ok(Some(name));
            }
            DroppedConstraint::PrimaryKey => "primary key",
            DroppedConstraint::ForeignKey(_) => "such foreign key",
        };
        let message = format!("relation \"{}\" has no {what}", self.table.name);
        if if_exists {
            self.notices.push(format!("{message}, skipping"));
            return Ok(None);
        }
        Err(Error::new(ErrorKind::UndefinedObject, message))
    }

    fn has(&self, column: &str) -> bool {
        self.version.schema().field_with_name(column).is_ok()
    }

    fn notice(&mut self, what: &str, name: &str, why: &str) {
        let table = &self.table.name;
        self.notices.push(format!("{what} \"{name}\" of relation \"{table}\" {why}, skipping"));
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
    Error::new(error.kind(), message).at_if(error.position()).explained_as(&error)
}
