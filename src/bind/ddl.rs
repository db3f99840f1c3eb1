//! Statements about catalogs, schemas, tables and views: what they make, change or drop.

use std::sync::Arc;

use crate::base::name::ObjectName;
use crate::base::{Error, ErrorKind, Result, SecurableId};
use crate::catalog::{Relation, Schema, Securable};
use crate::sql::statement::{
    AlterCatalog, AlterNamespace, AlterSchema, AlterTable, AlterTableAction, AlterView,
    AlterViewAction, CloneOf, ColumnName, Comment, CommentTarget, CreateSchema, CreateTable,
    CreateView, Drop, DropAbsent, DropKind, KeyConstraint, KeyKind, OnCommit, SecurableName,
    TableChange,
};
use crate::storage::Location;

use super::bound::{
    BoundAlterNamespace, BoundAlterView, BoundCloneOf, BoundCommentTarget, BoundCreateSchema,
    BoundCreateTable, BoundCreateView, BoundKey, BoundQuery, BoundRelation, BoundStatement,
    BoundTableTarget,
};
use super::materialized::check_alteration;
use super::query::time_travel;
use super::scope::{Found, SYSTEM_SCHEMAS, Scope};

impl Scope<'_> {
    pub(super) fn create_schema(&self, create: CreateSchema) -> Result<BoundStatement> {
        let CreateSchema { catalog, name, if_not_exists, comment, owner } = create;
        if name.starts_with("pg_") || SYSTEM_SCHEMAS.contains(&name.as_str()) {
            return Err(Error::new(
                ErrorKind::InvalidName,
                format!("unacceptable schema name \"{name}\""),
            )
            .with_detail("The prefix \"pg_\" and \"information_schema\" are reserved."));
        }
        Ok(BoundStatement::CreateSchema(BoundCreateSchema {
            catalog: self.catalog(catalog.as_deref())?,
            name,
            if_not_exists,
            comment,
            owner: owner.map(|owner| self.principal(&owner)).transpose()?,
        }))
    }

    pub(super) fn create_table(&self, create: CreateTable) -> Result<BoundStatement> {
        let schema = self.schema_for_new(&create.name, create.temporary.is_some())?;
        let query = create.query.map(|query| self.query(query)).transpose()?;
        if create.materialized.is_some() {
            self.check_materialized(&schema, query.as_ref())?;
        }
        if create.location.is_some() && self.snapshot.is_temporary_schema(schema.id) {
            return Err(Error::unsupported("a LOCATION for a temporary table")
                .with_hint("Leave LOCATION out: the files are gone with the session."));
        }
        let existing = self.snapshot.relation(schema.id, &create.name.object).cloned();
        let location = create.location.as_deref().map(Location::parse).transpose()?;
        let external_location = location
            .and_then(|place| self.snapshot.external_location_of(place.url().as_str()).cloned());
        let keys = create.keys.into_iter().map(|key| self.key(key, &create.name, &schema));
        let keys = keys.collect::<Result<_>>()?;
        Ok(BoundStatement::CreateTable(Box::new(BoundCreateTable {
            schema,
            existing,
            name: create.name,
            or_replace: create.or_replace,
            if_not_exists: create.if_not_exists,
            columns: create.columns,
            checks: create.checks,
            keys,
            partitioned_by: create.partitioned_by,
            location: create.location,
            external_location,
            properties: create.properties,
            comment: create.comment,
            query,
            materialized: create.materialized,
            column_names: create.column_names,
            no_data: create.no_data,
            on_commit: create.temporary.unwrap_or(OnCommit::PreserveRows),
            cluster_by: create.cluster_by,
            clone_of: create.clone_of.map(|clone| self.clone_of(clone)).transpose()?,
            files: create.files,
        })))
    }

    fn clone_of(&self, clone: CloneOf) -> Result<BoundCloneOf> {
        let CloneOf { source, at, shallow } = clone;
        Ok(BoundCloneOf { source: self.table_of_rows(&source)?, at: at.map(time_travel), shallow })
    }

    pub(super) fn create_view(&self, create: CreateView) -> Result<BoundStatement> {
        let query = self.query(create.query)?;
        let mut schema = self.schema_for_new(&create.name, create.temporary)?;
        let mut notice = None;
        if !self.snapshot.is_temporary_schema(schema.id) && self.reads_temporary(&query) {
            schema = self.temporary_schema_for_new(&create.name)?;
            notice = Some(format!("view \"{}\" will be a temporary view", create.name.object));
        }
        let existing = self.snapshot.relation(schema.id, &create.name.object).cloned();
        Ok(BoundStatement::CreateView(BoundCreateView {
            schema,
            existing,
            name: create.name,
            or_replace: create.or_replace,
            if_not_exists: create.if_not_exists,
            columns: create.columns,
            query,
            definition: create.definition,
            comment: create.comment,
            notice,
        }))
    }

    /// Whether a query reads temporary tables or views.
    pub(super) fn reads_temporary(&self, query: &BoundQuery) -> bool {
        let mut relations = query.relations.values().filter_map(BoundRelation::relation);
        relations.any(|relation| self.snapshot.is_temporary_schema(relation.schema))
    }

    pub(super) fn alter_catalog(&self, alter: AlterCatalog) -> Result<BoundStatement> {
        let catalog = self.catalog(Some(&alter.name))?;
        Ok(BoundStatement::AlterCatalog { catalog, action: self.alter_namespace(alter.action)? })
    }

    pub(super) fn alter_schema(&self, alter: AlterSchema) -> Result<BoundStatement> {
        let schema = self.schema(alter.catalog.as_deref(), &alter.name)?;
        Ok(BoundStatement::AlterSchema { schema, action: self.alter_namespace(alter.action)? })
    }

    fn alter_namespace(&self, action: AlterNamespace) -> Result<BoundAlterNamespace> {
        match action {
            AlterNamespace::OwnerTo(owner) => {
                self.principal(&owner).map(BoundAlterNamespace::OwnerTo)
            }
            AlterNamespace::RenameTo(name) => Ok(BoundAlterNamespace::RenameTo(name)),
        }
    }

    pub(super) fn alter_table(&self, alter: AlterTable) -> Result<BoundStatement> {
        let AlterTable { name, materialized, if_exists, action } = alter;
        let tag = if materialized { "ALTER MATERIALIZED VIEW" } else { "ALTER TABLE" };
        if if_exists && self.find(&name)?.is_none() {
            return Ok(skipped(tag, &name));
        }
        if materialized {
            self.materialized_view(&name)?;
        }
        // PostgreSQL renames and moves views with ALTER TABLE too.
        let relation = self.relation(&name)?;
        if relation.as_materialized().is_some() {
            check_alteration(&name, &action)?;
        }
        if relation.as_table().is_none() {
            let action = match action {
                AlterTableAction::RenameTo(to) => AlterViewAction::RenameTo(to),
                AlterTableAction::SetSchema(schema) => AlterViewAction::SetSchema(schema),
                AlterTableAction::OwnerTo(owner) => AlterViewAction::OwnerTo(owner),
                _ => return self.table(&name).map(|_| skipped("ALTER TABLE", &name)),
            };
            return self.alter_view_action(relation, &name, action);
        }
        let target = match &action {
            AlterTableAction::RenameTo(to) => match self.moved(&relation, to)? {
                Some(schema) => BoundTableTarget::Schema(schema),
                None => BoundTableTarget::Itself,
            },
            AlterTableAction::SetSchema(schema) => {
                BoundTableTarget::Schema(self.schema(name.catalog.as_deref(), schema)?)
            }
            AlterTableAction::OwnerTo(owner) => BoundTableTarget::Owner(self.principal(owner)?),
            AlterTableAction::Change(changes) => self.referenced(changes, relation.schema)?,
        };
        Ok(BoundStatement::AlterTable { table: relation, action, target, tag })
    }

    fn referenced(&self, changes: &[TableChange], schema: SecurableId) -> Result<BoundTableTarget> {
        let foreign = changes.iter().filter_map(|change| match change {
            TableChange::AddKey(KeyConstraint { kind: KeyKind::Foreign { table, .. }, .. }) => {
                Some(self.key_target(table, schema))
            }
            _ => None,
        });
        let tables: Vec<Arc<Relation>> = foreign.collect::<Result<_>>()?;
        Ok(match tables.is_empty() {
            true => BoundTableTarget::Itself,
            false => BoundTableTarget::Referenced(tables),
        })
    }

    /// The table that a foreign key of a table in `schema` refers to: what stays does not refer to what goes.
    fn key_target(&self, table: &ObjectName, schema: SecurableId) -> Result<Arc<Relation>> {
        let target = self.table(table)?;
        let is_temporary = self.snapshot.is_temporary_schema(schema);
        if is_temporary == self.snapshot.is_temporary_schema(target.schema) {
            return Ok(target);
        }
        let kind = if is_temporary { "temporary" } else { "permanent" };
        let message = format!("constraints on {kind} tables may reference only {kind} tables");
        Err(Error::new(ErrorKind::InvalidTableDefinition, message))
    }

    /// A key of a new table, which may refer to the table itself.
    fn key(&self, key: KeyConstraint, name: &ObjectName, schema: &Schema) -> Result<BoundKey> {
        let referenced = match &key.kind {
            KeyKind::Primary | KeyKind::Unique => None,
            KeyKind::Foreign { table, .. } => {
                let names_itself = table.object == name.object
                    && table.schema.as_ref().is_none_or(|named| *named == schema.name)
                    && (table.catalog.is_none() || table.catalog == name.catalog);
                let is_itself = names_itself
                    && match self.find(table)? {
                        Some(Found::Relation(found)) => found.schema == schema.id,
                        Some(Found::System { .. }) => false,
                        None => true,
                    };
                if is_itself { None } else { Some(self.key_target(table, schema.id)?) }
            }
        };
        Ok(BoundKey { key, referenced })
    }

    /// The other schema that a rename names, if it does.
    fn moved(
        &self,
        relation: &Relation,
        to: &ObjectName,
    ) -> Result<Option<Arc<crate::catalog::Schema>>> {
        let Some(schema) = &to.schema else { return Ok(None) };
        let schema = self.schema(to.catalog.as_deref(), schema)?;
        let here = self.snapshot.schema_by_id(relation.schema).map(|schema| schema.catalog);
        if here != Some(schema.catalog) {
            return Err(Error::unsupported("moving a relation to another catalog"));
        }
        Ok((schema.id != relation.schema).then_some(schema))
    }

    pub(super) fn alter_view(&self, alter: AlterView) -> Result<BoundStatement> {
        let AlterView { name, if_exists, action } = alter;
        if if_exists && self.find(&name)?.is_none() {
            return Ok(skipped("ALTER VIEW", &name));
        }
        let view = self.view(&name)?;
        self.alter_view_action(view, &name, action)
    }

    fn alter_view_action(
        &self,
        view: Arc<Relation>,
        name: &ObjectName,
        action: AlterViewAction,
    ) -> Result<BoundStatement> {
        let action = match action {
            AlterViewAction::RenameTo(to) => match self.moved(&view, &to)? {
                Some(schema) => BoundAlterView::MoveTo { schema, name: to.object },
                None => BoundAlterView::RenameTo(to.object),
            },
            AlterViewAction::SetSchema(schema) => BoundAlterView::MoveTo {
                schema: self.schema(name.catalog.as_deref(), &schema)?,
                name: view.name.clone(),
            },
            AlterViewAction::OwnerTo(owner) => BoundAlterView::OwnerTo(self.principal(&owner)?),
            AlterViewAction::As { query, definition } => {
                let query = self.query(query)?;
                if !self.snapshot.is_temporary_schema(view.schema) && self.reads_temporary(&query) {
                    return Err(Error::unsupported("temporary tables in a view that stays")
                        .with_hint("Use CREATE TEMPORARY VIEW."));
                }
                BoundAlterView::As { query, definition }
            }
        };
        Ok(BoundStatement::AlterView { view, action })
    }

    pub(super) fn drop(&self, drop: Drop) -> Result<BoundStatement> {
        let Drop { kind, names, if_exists, cascade } = drop;
        let mut securables = Vec::with_capacity(names.len());
        let mut missing = Vec::new();
        for name in &names {
            match self.to_drop(kind, name) {
                Ok(securable) => securables.push(securable),
                Err(error) if if_exists && is_undefined(&error) => {
                    missing.push(format!("{}, skipping", error.message()));
                }
                Err(error) => return Err(error),
            }
        }
        let tag = match kind {
            DropKind::Catalog => "DROP CATALOG",
            DropKind::Database => "DROP DATABASE",
            DropKind::Schema => "DROP SCHEMA",
            DropKind::Table => "DROP TABLE",
            DropKind::View => "DROP VIEW",
            DropKind::MaterializedView => "DROP MATERIALIZED VIEW",
        };
        Ok(BoundStatement::Drop { securables, cascade, missing, tag })
    }

    fn to_drop(&self, kind: DropKind, name: &ObjectName) -> Result<Securable> {
        match kind {
            DropKind::Catalog | DropKind::Database => {
                self.catalog(Some(&name.object)).map(Securable::Catalog)
            }
            DropKind::Schema => {
                self.schema(name.schema.as_deref(), &name.object).map(Securable::Schema)
            }
            DropKind::Table => self.dropped(name, "table", self.table(name)),
            DropKind::View => self.dropped(name, "view", self.view(name)),
            DropKind::MaterializedView => {
                self.dropped(name, "materialized view", self.materialized_view(name))
            }
        }
    }

    /// The relation that DROP names by its kind, or what else drops it.
    fn dropped(
        &self,
        name: &ObjectName,
        kind: &str,
        found: Result<Arc<Relation>>,
    ) -> Result<Securable> {
        found.map(Securable::Relation).map_err(|error| {
            let other = self.relation(name).map_or("", |other| other.kind_name());
            let drop = other.to_ascii_uppercase();
            not_dropped(error, kind, name, &format!("Use DROP {drop} to remove a {other}."))
        })
    }

    pub(super) fn comment(&self, comment: Comment) -> Result<BoundStatement> {
        let on = match comment.on {
            CommentTarget::Securable(name) => BoundCommentTarget::Securable(self.securable(&name)?),
            CommentTarget::Column { relation, column } => {
                BoundCommentTarget::Column { relation: self.relation(&relation)?, column }
            }
            CommentTarget::Constraint { table, name } => {
                let table = self.table(&table)?;
                let part = constraint_of(&table, &name)?;
                BoundCommentTarget::Part { table, part }
            }
            CommentTarget::Index(name) => {
                let (table, part) = self.declared_index(&name)?;
                BoundCommentTarget::Part { table, part }
            }
            CommentTarget::Principal(name) => {
                return Err(Error::unsupported(format!("COMMENT ON ROLE, here of \"{name}\"")));
            }
        };
        Ok(BoundStatement::Comment { on, text: comment.text })
    }

    pub(super) fn securable(&self, name: &SecurableName) -> Result<Securable> {
        match name {
            SecurableName::Catalog(name) => self.catalog(Some(name)).map(Securable::Catalog),
            SecurableName::Schema(catalog, name) => {
                self.schema(catalog.as_deref(), name).map(Securable::Schema)
            }
            SecurableName::Relation(name) => self.relation(name).map(Securable::Relation),
            SecurableName::Storage(kind, name) => self.storage_securable(*kind, name),
            SecurableName::View(name) => self.view(name).map(Securable::Relation),
            SecurableName::MaterializedView(name) => {
                self.materialized_view(name).map(Securable::Relation)
            }
        }
    }
}

/// The constraint of a table that has the name.
fn constraint_of(table: &Relation, name: &ColumnName) -> Result<SecurableId> {
    let found = table.constraints.iter().find(|constraint| constraint.name == name.name);
    found.map(|constraint| constraint.id).ok_or_else(|| {
        let (name, table) = (&name.name, &table.name);
        let message = format!("constraint \"{name}\" for table \"{table}\" does not exist");
        Error::new(ErrorKind::UndefinedObject, message)
    })
}

/// There is nothing to drop: an error, or a notice of each with IF EXISTS.
pub(super) fn drop_absent(drop: DropAbsent) -> Result<BoundStatement> {
    let DropAbsent { tag, missing, error, if_exists } = drop;
    if let (false, Some((message, position))) = (if_exists, missing.first()) {
        return Err(Error::new(error, message.clone()).at(*position));
    }
    let missing = missing.into_iter().map(|(message, _)| format!("{message}, skipping")).collect();
    Ok(BoundStatement::Drop { securables: Vec::new(), cascade: false, missing, tag })
}

fn is_undefined(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::UndefinedTable | ErrorKind::InvalidSchemaName | ErrorKind::InvalidCatalogName
    )
}

/// DROP names the kind of what is missing, and the way to drop what is of another kind.
fn not_dropped(error: Error, kind: &str, name: &ObjectName, other_kind: &str) -> Error {
    match error.kind() {
        ErrorKind::WrongObjectType => error.with_hint(other_kind),
        ErrorKind::UndefinedTable => {
            let message = format!("{kind} \"{}\" does not exist", name.object);
            Error::new(ErrorKind::UndefinedTable, message).explained_as(&error)
        }
        _ => error,
    }
}

fn skipped(tag: &'static str, name: &ObjectName) -> BoundStatement {
    let notice = Some(format!("relation \"{name}\" does not exist, skipping"));
    BoundStatement::Nothing { tag, notice }
}
