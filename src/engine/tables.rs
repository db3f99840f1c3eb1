//! CREATE TABLE: a Delta table and its place in the metastore, made so that a crash at any
//! point leaves both or neither.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::Column;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast};

use crate::base::{Deferral, Error, ErrorKind, PrincipalId, Result, SecurableId};
use crate::bind::bound::{BoundCloneOf, BoundCreateTable};
use crate::catalog::change::NewRelation;
use crate::catalog::column_type::{canonical, type_to_text};
use crate::catalog::{
    Change, Column as CatalogColumn, ConstraintKind, MaterializedView, NewConstraint, RelationKind,
    Snapshot, Table,
};
use crate::delta::TableVersion;
use crate::delta::change::{self, CloneSource, NewIdentity, NewTable};
use crate::sql::statement::ColumnDefinition;
use crate::storage::Location;

use super::alter::field_with_comment;
use super::columns::{checks_of, columns_of, table_columns};
use super::ddl::view_here;
use super::error::from_datafusion;
use super::insert::reads;
use super::key::KeyTable;
use super::materialized::not_populated;
use super::open::{location_of, moment};
use super::{Completion, Engine, Request};

/// The property of tables whose deleted rows may be marked.
const DELETION_VECTORS: &str = "delta.enableDeletionVectors";

impl Engine {
    pub(super) async fn create_table(
        self: &Arc<Self>,
        create: BoundCreateTable,
        principal: PrincipalId,
        request: &Request,
    ) -> Result<Completion> {
        if let Some(existing) = &create.existing {
            if create.if_not_exists {
                let notice = format!("relation \"{}\" already exists, skipping", existing.name);
                let tag = match (&create.materialized, &create.query) {
                    (Some(_), _) => "CREATE MATERIALIZED VIEW",
                    (None, Some(_)) => "CREATE TABLE AS",
                    (None, None) => "CREATE TABLE",
                };
                return Ok(Completion::with_notices(tag, vec![notice]));
            }
            if !create.or_replace || !matches!(existing.kind, RelationKind::Table(_)) {
                return Err(Error::new(
                    ErrorKind::DuplicateTable,
                    format!("relation \"{}\" already exists", existing.name),
                )
                .at_if(create.name.position()));
            }
        }
        if create.query.is_none() && !create.column_names.is_empty() {
            let message = "column names without types stand before AS and a query only";
            return Err(Error::new(ErrorKind::SyntaxError, message));
        }
        if create.query.is_some() && !create.columns.is_empty() {
            return Err(Error::new(
                ErrorKind::SyntaxError,
                "CREATE TABLE AS takes its columns from the query",
            )
            .with_hint("Leave the column list out, or create the table first and INSERT then."));
        }
        let _admitted = self.admission.enter().await?;
        let (engine, request) = (Arc::clone(self), request.clone());
        let (is_query, no_data) = (create.query.is_some(), create.no_data);
        let is_materialized = create.materialized.is_some();
        let (rows, notices) = self
            .cpu
            .run(async move { engine.make_table(create, principal, &request).await })
            .await?;
        let tag = match (is_query, no_data) {
            (true, false) => format!("SELECT {rows}"),
            (true, true) if is_materialized => "CREATE MATERIALIZED VIEW".to_owned(),
            (true, true) => "CREATE TABLE AS".to_owned(),
            (false, _) => "CREATE TABLE".to_owned(),
        };
        Ok(Completion::with_notices(tag, notices))
    }

    /// Makes the Delta table, then the relation; how many rows it has got, and notices.
    async fn make_table(
        &self,
        mut create: BoundCreateTable,
        principal: PrincipalId,
        request: &Request,
    ) -> Result<(u64, Vec<String>)> {
        check_shape(&create, &*request.work.snapshot(&self.metastore)?)?;
        let id = match &create.existing {
            Some(existing) => existing.id,
            None => SecurableId::generate(),
        };
        let owned = (id, principal);
        if let Some(format) = &create.files {
            Box::pin(self.make_foreign_table(&create, format, owned, request)).await?;
            return Ok((0, Vec::new()));
        }
        let sources = self.sources_of(&create, request)?;
        if let (Some(existing), None, None) = (&create.existing, &create.location, &sources)
            && let RelationKind::Table(table) = &existing.kind
        {
            // In the place of the old table, whose versions stay.
            let location = location_of(existing)?;
            let managed = table.managed;
            mark_rows(&mut create, managed);
            let (rows, version) = self.make_delta_table(&create, &location, request).await?;
            let notices = self.publish_table(&create, owned, managed, &version, request).await?;
            return Ok((rows, notices));
        }
        let (location, managed) = match &create.location {
            Some(location) => (Location::parse(location)?, false),
            None => (self.managed_root.join(&SecurableId::generate().to_string())?, true),
        };
        let location = location.with_sources(sources.unwrap_or_default())?;
        if !managed {
            self.check_place(id, &location)?;
        }
        if !managed && self.tables_of(&request.work).exists(&location).await? {
            let version = self.tables_of(&request.work).open(&location).await?;
            check_declared(&create, &version)?;
            let notices = self.publish_table(&create, owned, managed, &version, request).await?;
            return Ok((0, notices));
        }
        let has_content = create.query.is_some() || create.clone_of.is_some();
        if !managed && create.columns.is_empty() && !has_content {
            return Err(Error::new(
                ErrorKind::UndefinedObject,
                "there is no Delta table at the location",
            )
            .with_hint("Check the LOCATION, or declare columns to make a new table there."));
        }
        mark_rows(&mut create, managed);
        if managed {
            self.metastore.stage_location(location.url().as_str(), id).await?;
        }
        let (rows, version) = self.make_delta_table(&create, &location, request).await?;
        let notices = self.publish_table(&create, owned, managed, &version, request).await?;
        Ok((rows, notices))
    }

    /// The roots of the tables whose files a shallow clone reads; `None` for what is no shallow clone.
    ///
    /// Errors: 0A000 where nobody would keep the files for it.
    fn sources_of(
        &self,
        create: &BoundCreateTable,
        request: &Request,
    ) -> Result<Option<Vec<Location>>> {
        let clone = create.clone_of.as_ref().filter(|clone| clone.shallow);
        let Some(BoundCloneOf { source, .. }) = clone else { return Ok(None) };
        let snapshot = request.work.snapshot(&self.metastore)?;
        if [create.schema.id, source.schema].iter().any(|id| snapshot.is_temporary_schema(*id)) {
            let what = "SHALLOW CLONE of a temporary table, or into one";
            return Err(Error::unsupported(what).with_hint("Use CREATE TABLE … DEEP CLONE."));
        }
        let existing = create.existing.as_ref().and_then(|existing| existing.as_table());
        if existing.is_some_and(|table| !table.managed) {
            // Its place stays, and what its log may name cannot change under those who read it.
            let what = "CREATE OR REPLACE TABLE … SHALLOW CLONE of an external table";
            return Err(Error::unsupported(what).with_hint("Drop the table first."));
        }
        let location = location_of(source)?;
        let roots = location.sources().iter().cloned().chain([location.clone()]);
        Ok(Some(roots.collect()))
    }

    /// Before anything is written: the metastore refuses the table for the same reason in the end.
    pub(super) fn check_place(&self, id: SecurableId, location: &Location) -> Result<()> {
        let url = location.url().to_string();
        let (managed, partition_columns) = (false, Vec::new());
        let sources = Vec::new();
        let table = Table { location: url, managed, partition_columns, foreign: None, sources };
        if self.metastore.snapshot().overlaps_another_table(id, &table) {
            let message = "the LOCATION overlaps the files of another table";
            return Err(Error::new(ErrorKind::InvalidTableDefinition, message)
                .with_hint("Choose a folder that no table lies in or under."));
        }
        Ok(())
    }

    async fn make_delta_table(
        &self,
        create: &BoundCreateTable,
        location: &Location,
        request: &Request,
    ) -> Result<(u64, Arc<TableVersion>)> {
        if let Some(source) = &create.clone_of {
            return self.clone_delta_table(create, source, location, request).await;
        }
        let Some(query) = create.query.clone() else {
            let state = self.context.statement(&request.facts);
            let ctx = self.change_context(state, request, None);
            let fields = create.columns.iter().map(field_with_comment).collect::<Vec<_>>();
            let table = new_table(create, Schema::new(fields))?;
            if create.existing.is_some() {
                let (_, version) = change::replace(&ctx, location, table, None).await?;
                return Ok((0, version));
            }
            let version = change::create(&ctx, location, table).await?;
            return Ok((0, version));
        };
        let replaced = create.existing.as_ref().filter(|old| reads(&query.relations, old));
        let planned_version = match replaced {
            Some(old) => Some(self.open_newest(old, &request.work).await?.version()),
            None => None,
        };
        let planned = self.plan(query, request).await?;
        let columns = planned.columns()?;
        let names = column_names(create, columns.iter().map(|column| column.name.clone()))?;
        let (mut input, schema) = storable(planned.plan, &names)?;
        if create.no_data {
            input = LogicalPlanBuilder::from(input)
                .limit(0, Some(0))
                .and_then(LogicalPlanBuilder::build)
                .map_err(from_datafusion)?;
        }
        let ctx = self.change_context(planned.state, request, planned_version);
        let table = new_table(create, schema)?;
        let (changed, version) = match create.existing {
            Some(_) => change::replace(&ctx, location, table, Some(input)).await?,
            None => change::create_as(&ctx, location, table, input).await?,
        };
        Ok((changed.inserted, version))
    }

    /// A copy of another table's files.
    async fn clone_delta_table(
        &self,
        create: &BoundCreateTable,
        clone: &BoundCloneOf,
        location: &Location,
        request: &Request,
    ) -> Result<(u64, Arc<TableVersion>)> {
        if clone.source.as_materialized().is_some_and(|source| !source.populated) {
            return Err(not_populated(&clone.source.name));
        }
        let state = self.context.statement(&request.facts);
        let version = match &clone.at {
            None => self.open_newest(&clone.source, &request.work).await?,
            Some(at) => {
                let at = moment(at, &state)?;
                let tables = self.tables_of(&request.work);
                tables.open_at(&location_of(&clone.source)?, at).await?
            }
        };
        let ctx = self.change_context(state, request, None);
        let rows = version.row_count().unwrap_or_default();
        let properties = create.properties.clone();
        let (name, shallow) = (create.name.object.clone(), clone.shallow);
        let source = CloneSource { version, name, properties, shallow };
        let replaces = create.existing.is_some();
        let version = change::clone_table(&ctx, location, source, replaces).await?;
        Ok((rows, version))
    }

    async fn publish_table(
        &self,
        create: &BoundCreateTable,
        (id, principal): (SecurableId, PrincipalId),
        managed: bool,
        version: &TableVersion,
        request: &Request,
    ) -> Result<Vec<String>> {
        let before = create.existing.as_ref().map_or(&[][..], |existing| &existing.columns);
        let mut columns = table_columns(version, before);
        for column in &mut columns {
            let declared = create.columns.iter().find(|d| d.field.name() == column.field.name());
            let mut cloned = create.clone_of.iter().flat_map(|clone| clone.source.columns.iter());
            let cloned = cloned.find(|c| c.field.name() == column.field.name());
            column.comment = declared
                .and_then(|declared| declared.comment.clone())
                .or_else(|| cloned.and_then(|cloned| cloned.comment.clone()));
        }
        let table = Table {
            location: version.location().url().to_string(),
            managed,
            partition_columns: version.partition_columns().to_vec(),
            foreign: None,
            sources: version.location().sources().iter().map(|s| s.url().to_string()).collect(),
        };
        let kind = match &create.materialized {
            None => RelationKind::Table(table),
            Some(definition) => RelationKind::MaterializedView(MaterializedView {
                table,
                view: view_here(definition.clone(), create.schema.id, request),
                populated: !create.no_data,
            }),
        };
        let cloned = create.clone_of.as_ref().and_then(|clone| clone.source.comment.clone());
        let comment = create.comment.clone().or(cloned);
        request.work.temporary().set_on_commit(id, create.on_commit);
        let snapshot = request.work.snapshot(&self.metastore)?;
        let (constraints, notices) = constraints_of(create, id, (&columns, version), &snapshot)?;
        let change = match &create.existing {
            Some(_) => Change::ReplaceRelation { id, kind, columns, comment, constraints },
            None => Change::CreateRelation(NewRelation {
                id,
                schema: create.schema.id,
                name: create.name.object.clone(),
                owner: principal,
                comment,
                kind,
                columns,
                constraints,
            }),
        };
        self.change_metastore(&[change], request).await?;
        Ok(notices)
    }
}

/// What CLONE takes from the other table cannot be said otherwise, and keys need columns that are named.
fn check_shape(create: &BoundCreateTable, snapshot: &Snapshot) -> Result<()> {
    let is_other_shape = !create.columns.is_empty()
        || !create.keys.is_empty()
        || !create.partitioned_by.is_empty()
        || !create.cluster_by.is_empty()
        || create.query.is_some();
    if create.clone_of.is_some() && is_other_shape {
        let message = "CREATE TABLE … CLONE takes its columns and rows from the other table";
        return Err(Error::new(ErrorKind::SyntaxError, message));
    }
    // Before anything is written, as far as the columns are declared.
    let fields = create.columns.iter().map(|definition| definition.field.clone());
    let schema = Schema::new(fields.collect::<Vec<_>>());
    if schema.fields().is_empty() {
        return Ok(());
    }
    let columns = columns_of(&schema, &[]);
    declared_keys(create, SecurableId::generate(), &columns, snapshot).map(drop)
}

/// Whether deleted rows are marked or their files written again, where the statement does not say: in managed tables
/// they are marked. Other engines read the tables at a LOCATION, and not all of them know marks.
fn mark_rows(create: &mut BoundCreateTable, managed: bool) {
    let is_said = create.properties.iter().any(|(name, _)| name == DELETION_VECTORS);
    if managed && !is_said && create.clone_of.is_none() {
        create.properties.push((DELETION_VECTORS.to_owned(), "true".to_owned()));
    }
}

/// The constraints of a new table, and what is to be said about them.
fn constraints_of(
    create: &BoundCreateTable,
    id: SecurableId,
    (columns, version): (&[CatalogColumn], &TableVersion),
    snapshot: &Snapshot,
) -> Result<(Vec<NewConstraint>, Vec<String>)> {
    let (mut constraints, notices) = declared_keys(create, id, columns, snapshot)?;
    let checks = checks_of(version).into_iter().map(|check| NewConstraint {
        id: SecurableId::generate(),
        name: check.name,
        kind: ConstraintKind::Check { expression: check.expression },
        deferral: Deferral::NotDeferrable,
    });
    constraints.extend(checks);
    Ok((constraints, notices))
}

fn declared_keys(
    create: &BoundCreateTable,
    id: SecurableId,
    columns: &[CatalogColumn],
    snapshot: &Snapshot,
) -> Result<(Vec<NewConstraint>, Vec<String>)> {
    let (constraints, notices) = (Vec::new(), Vec::new());
    let (schema, name) = (create.schema.id, create.name.object.as_str());
    let mut table = KeyTable { snapshot, id, schema, name, columns, constraints, notices };
    table.declare(create.keys.clone())?;
    Ok((table.constraints, table.notices))
}

fn new_table(create: &BoundCreateTable, schema: Schema) -> Result<NewTable> {
    for column in &create.partitioned_by {
        if schema.field_with_name(&column.name).is_err() {
            return Err(Error::new(
                ErrorKind::UndefinedColumn,
                format!("column \"{}\" named in PARTITIONED BY does not exist", column.name),
            )
            .at_if(column.position));
        }
    }
    let generated = create.columns.iter().filter_map(|definition| {
        Some((definition.field.name().clone(), definition.generated.clone()?))
    });
    let defaults = create.columns.iter().filter_map(|definition| {
        Some((definition.field.name().clone(), definition.default.clone()?))
    });
    let identities = create.columns.iter().filter_map(|definition| {
        let identity = definition.identity?;
        Some(NewIdentity {
            column: definition.field.name().clone(),
            start: identity.start,
            step: identity.step,
            takes_values: identity.by_default,
        })
    });
    let mut checks: Vec<(String, String)> = Vec::with_capacity(create.checks.len());
    for check in &create.checks {
        let is_free = |name: &str| checks.iter().all(|(taken, _)| taken != name);
        let name = check.name_in(&create.name.object, is_free);
        checks.push((name, check.expression.clone()));
    }
    Ok(NewTable {
        schema: Arc::new(schema),
        generated: generated.collect(),
        defaults: defaults.collect(),
        identities: identities.collect(),
        partition_columns: create.partitioned_by.iter().map(|column| column.name.clone()).collect(),
        clustering: create.cluster_by.iter().map(|column| column.name.clone()).collect(),
        properties: create.properties.clone(),
        checks,
        comment: create.comment.clone(),
        name: Some(create.name.object.clone()),
    })
}

/// The names of a query's columns: as the statement says, then as they are called.
fn column_names(
    create: &BoundCreateTable,
    names: impl ExactSizeIterator<Item = String>,
) -> Result<Vec<String>> {
    if create.column_names.len() > names.len() {
        let message = "too many column names were specified";
        return Err(Error::new(ErrorKind::SyntaxError, message));
    }
    let mut said = create.column_names.iter();
    Ok(names.map(|name| said.next().map_or(name, |said| said.name.clone())).collect())
}

/// The rows of a query under the names that PostgreSQL gives its columns, in types that Delta holds.
fn storable(plan: LogicalPlan, names: &[String]) -> Result<(LogicalPlan, Schema)> {
    let mut fields: Vec<Field> = Vec::with_capacity(names.len());
    let mut expressions = Vec::with_capacity(names.len());
    for ((qualifier, field), name) in plan.schema().iter().zip(names) {
        if fields.iter().any(|known| known.name() == name) {
            return Err(Error::new(
                ErrorKind::DuplicateColumn,
                format!("column \"{name}\" specified more than once"),
            )
            .with_hint("Give the columns of the query different names with AS."));
        }
        let stored = canonical(field)?;
        let data_type = match stored.data_type() {
            // A bare NULL is text, as in PostgreSQL.
            DataType::Null => DataType::Utf8,
            other => other.clone(),
        };
        let column = Expr::Column(Column::from((qualifier, field)));
        expressions.push(cast(column, data_type.clone()).alias(name));
        fields.push(Field::new(name, data_type, true).with_metadata(stored.metadata().clone()));
    }
    let plan = LogicalPlanBuilder::from(plan)
        .project(expressions)
        .and_then(LogicalPlanBuilder::build)
        .map_err(from_datafusion)?;
    Ok((plan, Schema::new(fields)))
}

/// A table that lies at the location already must be the one that the statement declares.
fn check_declared(create: &BoundCreateTable, version: &TableVersion) -> Result<()> {
    if create.query.is_some() || create.clone_of.is_some() {
        let words = if create.query.is_some() { "AS" } else { "CLONE" };
        return Err(Error::new(
            ErrorKind::DuplicateTable,
            "there is a Delta table at the location already",
        )
        .with_hint(format!(
            "Register it with CREATE TABLE … LOCATION without {words}, and INSERT into it."
        )));
    }
    let schema = version.schema();
    let differs = |definition: &ColumnDefinition| {
        let declared = type_to_text(definition.field.data_type());
        let found = schema
            .field_with_name(definition.field.name())
            .map(|field| type_to_text(field.data_type()));
        !matches!((declared, found), (Ok(declared), Ok(Ok(found))) if declared == found)
    };
    let other_count = !create.columns.is_empty() && create.columns.len() != schema.fields().len();
    let partitions = create.partitioned_by.iter().map(|column| &column.name);
    let other_partitions =
        !create.partitioned_by.is_empty() && !partitions.eq(version.partition_columns().iter());
    if other_count || other_partitions || create.columns.iter().any(differs) {
        return Err(Error::new(
            ErrorKind::InvalidTableDefinition,
            "the Delta table at the location has other columns or partitions than declared",
        )
        .with_hint("Leave the column list out to take the table as it is."));
    }
    Ok(())
}
