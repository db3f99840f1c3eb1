//! Bound relations to sources of rows: tables opened at their versions, views planned, system relations made.
//! Versions are pinned here, so that a transaction reads one version of each table.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::datasource::provider_as_source;
use datafusion::execution::SessionState;
use datafusion::logical_expr::TableSource;
use futures::future::try_join_all;

use crate::base::{Error, ErrorKind, Result, SecurableId};
use crate::bind::bound::{BoundTimeTravel, Relations};
use crate::bind::{BoundQuery, BoundRelation};
use crate::catalog::{Relation, RelationKind};
use crate::delta::{TableVersion, TimeTravel};
use crate::storage::Location;

use super::Engine;
use super::barrier::behind_barrier;
use super::output::{Origins, RelationOrigin};
use super::planner::{PlannedView, Planner, Sources};
use super::system;

/// The table versions that a transaction has read, each the newest of when it was first asked for.
#[derive(Debug, Default)]
pub struct Pins(Mutex<HashMap<SecurableId, Arc<TableVersion>>>);

impl Pins {
    fn get(&self, id: SecurableId) -> Option<Arc<TableVersion>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    /// Keeps the version, or gives the one that came first.
    fn keep(&self, id: SecurableId, version: Arc<TableVersion>) -> Arc<TableVersion> {
        let mut pins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(pins.entry(id).or_insert(version))
    }
}

/// The tables of a statement, opened, by what was asked for.
#[derive(Debug, Default)]
pub struct Opened(Vec<(SecurableId, Option<BoundTimeTravel>, Arc<TableVersion>)>);

impl Opened {
    fn get(&self, id: SecurableId, travel: Option<&BoundTimeTravel>) -> Result<&Arc<TableVersion>> {
        self.0
            .iter()
            .find(|(opened, at, _)| *opened == id && at.as_ref() == travel)
            .map(|(_, _, version)| version)
            .ok_or_else(|| Error::internal("a table was not opened"))
    }
}

/// What the names of a query mean, ready for the planner.
#[derive(Default)]
pub struct Meanings {
    pub sources: Sources,
    pub origins: Origins,
}

impl Engine {
    /// Opens every table that the relations need, views looked through, all at once.
    pub(super) async fn open_all(
        &self,
        relations: &Relations,
        pins: &Pins,
        state: &SessionState,
    ) -> Result<Opened> {
        let mut wanted = Vec::new();
        collect(relations, &mut wanted);
        let versions = wanted.iter().map(|(relation, travel)| async move {
            match travel {
                None => self.open_newest(relation, pins).await,
                Some(travel) => self.open_at(relation, travel, state).await,
            }
        });
        let versions = try_join_all(versions).await?;
        let opened = wanted.into_iter().zip(versions);
        Ok(Opened(
            opened.map(|((relation, travel), version)| (relation.id, travel, version)).collect(),
        ))
    }

    /// The newest version of a table, or the one that the transaction reads.
    pub(super) async fn open_newest(
        &self,
        relation: &Relation,
        pins: &Pins,
    ) -> Result<Arc<TableVersion>> {
        if let Some(pinned) = pins.get(relation.id) {
            return Ok(pinned);
        }
        let version = self.tables.open(&location_of(relation)?).await?;
        self.follow_columns(relation, &version).await?;
        Ok(pins.keep(relation.id, version))
    }

    async fn open_at(
        &self,
        relation: &Relation,
        travel: &BoundTimeTravel,
        state: &SessionState,
    ) -> Result<Arc<TableVersion>> {
        let travel = match travel {
            BoundTimeTravel::Version(version) => TimeTravel::Version(*version),
            BoundTimeTravel::Timestamp(expression) => {
                TimeTravel::Timestamp(super::constant::timestamp(state, expression)?)
            }
        };
        self.tables.open_at(&location_of(relation)?, travel).await
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
                BoundRelation::Table { relation, time_travel } => {
                    let version = opened.get(relation.id, time_travel.as_ref())?;
                    provider_as_source(version.provider(&self.stores)?)
                }
                BoundRelation::View { relation, query } => {
                    Arc::new(self.view(relation, query, opened, planner)?)
                }
                BoundRelation::System { schema, name } => system_source(schema, name, planner)?,
            };
            if let Some(relation) = bound.relation() {
                let numbers = relation.columns.iter();
                let numbers = numbers.map(|c| (c.field.name().clone(), c.number)).collect();
                let origin = RelationOrigin { relation: relation.oid, numbers };
                meanings.origins.insert(key.to_string(), origin);
            }
            meanings.sources.insert(key.clone(), source);
        }
        Ok(meanings)
    }

    fn view(
        &self,
        relation: &Relation,
        query: &BoundQuery,
        opened: &Opened,
        planner: &Planner<'_>,
    ) -> Result<PlannedView> {
        let meanings = self.meanings(&query.relations, opened, planner)?;
        let plan =
            planner.query(query.ast.as_ref().clone(), &meanings.sources).map_err(|error| {
                // The reader of a view is not told what is in its text, nor a position in it.
                let name = &relation.name;
                let message = format!("view \"{name}\" does not fit the relations that it reads");
                Error::new(error.kind(), message)
                    .with_hint("The view's owner can mend it with CREATE OR REPLACE VIEW.")
                    .caused_by(error)
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
    match &relation.kind {
        RelationKind::Table(table) => Location::parse(&table.location),
        RelationKind::View(_) => Err(Error::new(
            ErrorKind::WrongObjectType,
            format!("\"{}\" is not a table", relation.name),
        )),
    }
}

fn collect(relations: &Relations, wanted: &mut Vec<(Arc<Relation>, Option<BoundTimeTravel>)>) {
    for bound in relations.values() {
        match bound {
            BoundRelation::Table { relation, time_travel } => {
                let known =
                    wanted.iter().any(|(r, travel)| r.id == relation.id && travel == time_travel);
                if !known {
                    wanted.push((Arc::clone(relation), time_travel.clone()));
                }
            }
            BoundRelation::View { query, .. } => collect(&query.relations, wanted),
            BoundRelation::System { .. } => {}
        }
    }
}
