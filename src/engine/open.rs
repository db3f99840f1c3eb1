//! Bound relations to sources of rows: tables opened at their versions, views planned, system relations made.
//! A statement, and a transaction, reads one version of each table.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::datasource::provider_as_source;
use datafusion::execution::SessionState;
use datafusion::logical_expr::TableSource;
use futures::future::try_join_all;

use crate::base::{Error, ErrorKind, Result, SecurableId};
use crate::bind::bound::{BoundTimeTravel, Relations};
use crate::bind::files::BoundFiles;
use crate::bind::scope::how_to_mend;
use crate::bind::{BoundQuery, BoundRelation};
use crate::catalog::{Relation, Table};
use crate::delta::{TableVersion, TimeTravel, change_feed};
use crate::storage::{Location, Stores};

use super::Engine;
use super::barrier::behind_barrier;
use super::grouped_key::Keys;
use super::materialized::unpopulated;
use super::output::{Origins, RelationOrigin};
use super::planner::{PlannedView, Planner, Sources};
use super::system;
use super::work::Work;

/// The tables of a statement, opened, by what was asked for.
#[derive(Default)]
pub struct Opened {
    tables: Vec<(SecurableId, Option<BoundTimeTravel>, Rows)>,
    files: OpenedFiles,
    /// The items of the statement's WITH that have been planned or run.
    items: Vec<(usize, Arc<dyn TableSource>)>,
}

/// Where the rows of a table come from.
#[derive(Debug, Clone)]
enum Rows {
    Version(Arc<TableVersion>),
    Changes(Arc<dyn TableProvider>),
}

/// Files in places, opened, each with the clause that names them.
type OpenedFiles = Vec<(Arc<BoundFiles>, Arc<dyn TableProvider>)>;

impl Opened {
    fn provider(
        &self,
        id: SecurableId,
        travel: Option<&BoundTimeTravel>,
        stores: &Stores,
        distinct: impl FnOnce(&TableVersion) -> HashMap<String, usize>,
    ) -> Result<Arc<dyn TableProvider>> {
        let found =
            self.tables.iter().find(|(opened, at, _)| *opened == id && at.as_ref() == travel);
        match found {
            Some((_, _, Rows::Version(version))) => {
                version.provider_with(stores, distinct(version))
            }
            Some((_, _, Rows::Changes(changes))) => Ok(Arc::clone(changes)),
            None => Err(Error::internal("a table was not opened")),
        }
    }

    fn with_item(&self, item: usize) -> Result<Arc<dyn TableSource>> {
        let found = self.items.iter().find(|(opened, _)| *opened == item);
        let found = found.map(|(_, source)| Arc::clone(source));
        found.ok_or_else(|| Error::internal("an item of WITH was not opened"))
    }

    fn files(&self, files: &Arc<BoundFiles>) -> Result<Arc<dyn TableProvider>> {
        let found = self.files.iter().find(|(opened, _)| Arc::ptr_eq(opened, files));
        let found = found.map(|(_, provider)| Arc::clone(provider));
        found.ok_or_else(|| Error::internal("files were not opened"))
    }
}

/// What the names of a query mean, ready for the planner.
#[derive(Default)]
pub struct Meanings {
    pub sources: Sources,
    pub keys: Keys,
    pub origins: Origins,
}

impl Engine {
    /// Opens every table that the relations need, views looked through, all at once.
    pub(super) async fn open_all(
        &self,
        relations: &Relations,
        work: &Work,
        state: &SessionState,
    ) -> Result<Opened> {
        let mut wanted = Vec::new();
        collect(relations, &mut wanted);
        let versions = wanted.iter().map(|(relation, travel)| async move {
            if relation.as_table().is_some_and(|table| table.foreign.is_some()) {
                return match travel {
                    None => Box::pin(self.open_foreign(relation, state)).await.map(Rows::Changes),
                    Some(_) => {
                        let what = "time travel of files that are no Delta table's";
                        Err(Error::unsupported(what))
                    }
                };
            }
            match travel {
                None => self.open_to_read(relation, work).await.map(Rows::Version),
                Some(travel) => self.open_at(relation, travel, work, state).await,
            }
        });
        let versions = try_join_all(versions).await?;
        lock_rows(relations, work)?;
        let opened = wanted.into_iter().zip(versions);
        let mut files = Vec::new();
        for wanted in files_of(relations) {
            let provider = Box::pin(self.read_files(&wanted, state)).await?;
            files.push((wanted, Arc::new(provider) as Arc<dyn TableProvider>));
        }
        Ok(Opened {
            tables: opened
                .map(|((relation, travel), version)| (relation.id, travel, version))
                .collect(),
            files,
            items: items_of(relations, work)?,
        })
    }

    /// The newest version of a table, or the one that the transaction reads.
    pub(super) async fn open_newest(
        &self,
        relation: &Relation,
        work: &Work,
    ) -> Result<Arc<TableVersion>> {
        if let Some(staged) = work.staged() {
            return staged.tables.open(&location_of(relation)?).await;
        }
        if let Some(kept) = work.kept(relation.id) {
            return Ok(kept);
        }
        let moment = work.moment(&self.tables);
        let version = self.tables.open_as_of(&location_of(relation)?, moment).await?;
        self.follow_columns(relation, &version).await?;
        Ok(work.keep(relation.id, version))
    }

    /// The version that the statement reads: in one of several parts, that from before all of them.
    async fn open_to_read(&self, relation: &Relation, work: &Work) -> Result<Arc<TableVersion>> {
        match work.kept(relation.id) {
            Some(kept) => Ok(kept),
            None => self.open_newest(relation, work).await,
        }
    }

    async fn open_at(
        &self,
        relation: &Relation,
        travel: &BoundTimeTravel,
        work: &Work,
        state: &SessionState,
    ) -> Result<Rows> {
        let (tables, location) = (self.tables_of(work), location_of(relation)?);
        let BoundTimeTravel::Changes { from, to } = travel else {
            let at = moment(travel, state)?;
            return tables.open_at(&location, at).await.map(Rows::Version);
        };
        let from = moment(from, state)?;
        let to = to.as_ref().map(|to| moment(to, state)).transpose()?;
        change_feed(tables, &location, from, to).await.map(Rows::Changes)
    }

    /// What each name means, from tables that are open.
    pub(super) fn meanings(
        &self,
        relations: &Relations,
        opened: &Opened,
        planner: &Planner<'_>,
    ) -> Result<Meanings> {
        let mut meanings = Meanings::default();
        for (key, bound) in relations {
            let source: Arc<dyn TableSource> = match bound {
                BoundRelation::Table { relation, time_travel, locked: _ } => {
                    let travel = time_travel.as_ref();
                    let distinct = |version: &TableVersion| self.distinct_counts(relation, version);
                    let mut provider =
                        opened.provider(relation.id, travel, &self.stores, distinct)?;
                    if relation.as_materialized().is_some_and(|view| !view.populated) {
                        provider = unpopulated(relation, &*provider)?;
                    }
                    provider_as_source(provider)
                }
                BoundRelation::View { relation, query } => {
                    Arc::new(self.view(relation, query, opened, planner)?)
                }
                BoundRelation::System { schema, name } => system_source(schema, name, planner)?,
                BoundRelation::Files(files) => provider_as_source(opened.files(files)?),
                BoundRelation::WithItem(item) => opened.with_item(*item)?,
            };
            if let Some(relation) = bound.relation() {
                let numbers = relation.columns.iter();
                let numbers = numbers.map(|c| (c.field.name().clone(), c.number)).collect();
                let origin = RelationOrigin { relation: relation.oid, numbers };
                meanings.origins.insert(key.to_string(), origin);
            }
            if let BoundRelation::Table { relation, .. } = bound
                && relation.primary_key().is_some()
            {
                meanings.keys.insert(key.clone(), Arc::clone(relation));
            }
            meanings.sources.insert(key.clone(), source);
        }
        Ok(meanings)
    }

    pub(super) fn view(
        &self,
        relation: &Relation,
        query: &BoundQuery,
        opened: &Opened,
        planner: &Planner<'_>,
    ) -> Result<PlannedView> {
        let meanings = self.meanings(&query.relations, opened, planner)?;
        let plan = planner.query_of(query.ast.as_ref().clone(), &meanings).map_err(|error| {
            // The reader of a view is not told what is in its text, nor a position in it.
            let name = &relation.name;
            let message = format!("view \"{name}\" does not fit the relations that it reads");
            Error::new(error.kind(), message).with_hint(how_to_mend(relation)).caused_by(error)
        })?;
        let plan = match planner.principal()? {
            Some(reader) if reader == relation.owner => plan,
            _ => behind_barrier(plan),
        };
        let columns: Vec<String> =
            relation.columns.iter().map(|column| column.field.name().clone()).collect();
        PlannedView::new(&relation.name, plan, &columns)
    }
}

/// The version that a clause names.
pub(super) fn moment(travel: &BoundTimeTravel, state: &SessionState) -> Result<TimeTravel> {
    match travel {
        BoundTimeTravel::Version(version) => Ok(TimeTravel::Version(*version)),
        BoundTimeTravel::Timestamp(expression) => {
            super::constant::timestamp(state, expression).map(TimeTravel::Timestamp)
        }
        BoundTimeTravel::Changes { .. } => Err(Error::internal("changes are no version")),
    }
}

/// The rows of a system relation.
pub(super) fn system_source(
    schema: &str,
    name: &str,
    planner: &Planner<'_>,
) -> Result<Arc<dyn TableSource>> {
    system::source(schema, name, planner)?
        .ok_or_else(|| Error::internal(format!("there is no system relation {schema}.{name}")))
}

/// Where a table lies.
pub(super) fn location_of(relation: &Relation) -> Result<Location> {
    match relation.as_table() {
        Some(Table { foreign: Some(foreign), .. }) => Err(Error::new(
            ErrorKind::WrongObjectType,
            format!("table \"{}\" is no Delta table", relation.name),
        )
        .with_detail(format!("Its files are {}, and can only be read.", foreign.name))
        .with_hint("Make a Delta table of it with CREATE TABLE … AS, or with CONVERT TO DELTA.")),
        Some(table) => location_of_table(table),
        None => Err(Error::new(
            ErrorKind::WrongObjectType,
            format!("\"{}\" is not a table", relation.name),
        )),
    }
}

/// Where a table lies, and which other tables' files it may read: those that its clone has taken from them.
pub(super) fn location_of_table(table: &Table) -> Result<Location> {
    let sources = table.sources.iter().map(|source| Location::parse(source));
    Location::parse(&table.location)?.with_sources(sources.collect::<Result<_>>()?)
}

fn collect(relations: &Relations, wanted: &mut Vec<(Arc<Relation>, Option<BoundTimeTravel>)>) {
    for bound in relations.values() {
        match bound {
            BoundRelation::Table { relation, time_travel, locked: _ } => {
                let known =
                    wanted.iter().any(|(r, travel)| r.id == relation.id && travel == time_travel);
                if !known {
                    wanted.push((Arc::clone(relation), time_travel.clone()));
                }
            }
            BoundRelation::View { query, .. } => collect(&query.relations, wanted),
            BoundRelation::System { .. } | BoundRelation::Files(_) | BoundRelation::WithItem(_) => {
            }
        }
    }
}

/// Has the transaction count on the versions that it reads of tables whose rows are locked. A statement on its own is
/// over before it could.
fn lock_rows(relations: &Relations, work: &Work) -> Result<()> {
    let Some(logs) = work.staged().and_then(|staged| staged.tables.staged()) else { return Ok(()) };
    for bound in relations.values() {
        match bound {
            BoundRelation::Table { relation, locked: true, .. } => {
                logs.lock_rows(&location_of(relation)?);
            }
            BoundRelation::View { query, .. } => lock_rows(&query.relations, work)?,
            BoundRelation::Table { locked: false, .. }
            | BoundRelation::System { .. }
            | BoundRelation::Files(_)
            | BoundRelation::WithItem(_) => {}
        }
    }
    Ok(())
}

/// The items of WITH that relations name. No view can name any.
fn items_of(relations: &Relations, work: &Work) -> Result<Vec<(usize, Arc<dyn TableSource>)>> {
    let items = relations.values().filter_map(|relation| match relation {
        BoundRelation::WithItem(item) => Some(work.with_item(*item).map(|source| (*item, source))),
        BoundRelation::Table { .. }
        | BoundRelation::View { .. }
        | BoundRelation::System { .. }
        | BoundRelation::Files(_) => None,
    });
    items.collect()
}

/// The files that relations name, views looked through.
fn files_of(relations: &Relations) -> Vec<Arc<BoundFiles>> {
    let mut found = Vec::new();
    for bound in relations.values() {
        match bound {
            BoundRelation::Files(files) => found.push(Arc::clone(files)),
            BoundRelation::View { query, .. } => found.extend(files_of(&query.relations)),
            BoundRelation::Table { .. }
            | BoundRelation::System { .. }
            | BoundRelation::WithItem(_) => {}
        }
    }
    found
}
