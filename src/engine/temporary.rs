//! Temporary tables and views: one session's objects, laid over every snapshot of the metastore that the session
//! sees. Their rows are Delta tables like all others. The metastore knows where these lie and that they belong to
//! no table of its own, so that a crash leaves nothing; it never learns a name.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::base::{Error, ErrorKind, PrincipalId, Result, SecurableId};
use crate::catalog::{Catalog, Change, Metastore, Snapshot, TemporaryObjects};
use crate::sql::statement::OnCommit;
use crate::storage::Location;

use super::{Engine, Request};

/// One session's temporary objects.
#[derive(Debug, Default)]
pub struct Temporary(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// `None` until the session makes one.
    objects: Option<TemporaryObjects>,
    on_commit: HashMap<SecurableId, OnCommit>,
    /// A snapshot of the metastore, and the same with the objects.
    laid_over: Option<(Arc<Snapshot>, Arc<Snapshot>)>,
}

/// Changes of the catalog, those of temporary objects told from the others.
pub(super) struct Parted {
    /// The changes of the metastore.
    pub lasting: Vec<Change>,
    /// The temporary objects as they are to be; `None` when they stay as they are.
    after: Option<TemporaryObjects>,
    /// Where tables lie that are no more.
    dropped: Vec<String>,
}

impl Temporary {
    /// Makes the schema for temporary objects, if there is none.
    pub fn open(&self, catalog: &Catalog, name: impl FnOnce() -> String, owner: PrincipalId) {
        let mut state = self.state();
        if state.objects.is_none() {
            state.set(Some(TemporaryObjects::new(catalog, name(), owner)));
        }
    }

    /// Whether a table wants something at the end of transactions.
    pub fn ends_with_transactions(&self) -> bool {
        !self.state().on_commit.is_empty()
    }

    /// The newest snapshot of the metastore, with the objects.
    pub(super) fn snapshot(&self, metastore: &Metastore) -> Arc<Snapshot> {
        let newest = metastore.snapshot();
        let mut state = self.state();
        let Some(objects) = &state.objects else { return newest };
        if let Some((below, snapshot)) = &state.laid_over
            && Arc::ptr_eq(below, &newest)
        {
            return Arc::clone(snapshot);
        }
        let snapshot = Arc::new(objects.over(&newest));
        state.laid_over = Some((newest, Arc::clone(&snapshot)));
        snapshot
    }

    /// What is to happen with a table at the end of each transaction, should it be made.
    pub(super) fn set_on_commit(&self, table: SecurableId, on_commit: OnCommit) {
        if on_commit != OnCommit::PreserveRows {
            self.state().on_commit.insert(table, on_commit);
        }
    }

    /// Tells the changes of temporary objects from the others. They are to be made to `before`.
    ///
    /// Errors: those of the changes, and 0A000 for what would take an object out of the session or one of the
    /// metastore's into it; 54000 for more objects than `objects_max`.
    pub(super) fn part(
        &self,
        changes: &[Change],
        before: &Snapshot,
        metastore: &Metastore,
        objects_max: usize,
    ) -> Result<Parted> {
        let (lasting, dropped) = (changes.to_vec(), Vec::new());
        let Some(schema) = before.temporary_schema() else {
            return Ok(Parted { lasting, after: None, dropped });
        };
        let mut own: HashSet<SecurableId> = before.relations_of(schema.id).map(|r| r.id).collect();
        let mut locations: HashSet<String> = before
            .relations_of(schema.id)
            .filter_map(|relation| Some(relation.as_table()?.location.clone()))
            .collect();
        let mut lasting = Vec::new();
        for change in changes {
            if let Change::CreateRelation(new) = change
                && new.schema == schema.id
            {
                own.insert(new.id);
                if let Some(table) = new.kind.as_table() {
                    locations.insert(table.location.clone());
                }
            }
            if !concerns(change, schema.id, &own)? {
                lasting.push(change.clone());
            }
        }
        if lasting.len() == changes.len() {
            return Ok(Parted { lasting, after: None, dropped });
        }
        let after = TemporaryObjects::of(&*metastore.preview(before, changes)?);
        let left: &[_] = after.as_ref().map_or(&[], |after| after.relations());
        if left.len() > objects_max {
            let message = format!("a session has at most {objects_max} temporary tables and views");
            return Err(Error::new(ErrorKind::ProgramLimitExceeded, message)
                .with_hint("Drop those that are not needed any more, or use DISCARD TEMP."));
        }
        for table in left.iter().filter_map(|relation| relation.as_table()) {
            locations.remove(&table.location);
        }
        Ok(Parted { lasting, after, dropped: locations.into_iter().collect() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn set(&mut self, objects: Option<TemporaryObjects>) {
        let relations = objects.iter().flat_map(|objects| objects.relations());
        let left: HashSet<SecurableId> = relations.map(|relation| relation.id).collect();
        self.on_commit.retain(|table, _| left.contains(table));
        self.objects = objects;
        self.laid_over = None;
    }
}

/// Whether a change is one of temporary objects: of the schema, or what is in it.
fn concerns(change: &Change, schema: SecurableId, own: &HashSet<SecurableId>) -> Result<bool> {
    if let Change::SetSchema { id, schema: to } = change
        && own.contains(id) != (*to == schema)
    {
        let message = "cannot move objects into or out of temporary schemas";
        return Err(Error::new(ErrorKind::FeatureNotSupported, message)
            .with_hint("Use CREATE TABLE … AS to copy the rows."));
    }
    let object = match change {
        Change::CreateRelation(new) => Some(new.schema),
        Change::ReplaceRelation { id, .. }
        | Change::SetColumns { id, .. }
        | Change::SetPopulated { id, .. }
        | Change::AddConstraint { relation: id, .. }
        | Change::DropConstraint { relation: id, .. }
        | Change::AddIndex { relation: id, .. }
        | Change::DropIndex { relation: id, .. }
        | Change::RenameIndex { relation: id, .. }
        | Change::SetPartComment { relation: id, .. }
        | Change::Rename { id, .. }
        | Change::SetSchema { id, .. }
        | Change::SetOwner { id, .. }
        | Change::SetComment { id, .. }
        | Change::SetColumnComment { relation: id, .. }
        | Change::Drop { id } => Some(*id),
        Change::Grant(grant) | Change::Revoke(grant) => {
            if own.contains(&grant.securable) || grant.securable == schema {
                return Err(Error::unsupported("granting privileges on temporary objects")
                    .with_detail("No other session sees them."));
            }
            None
        }
        Change::CreateCatalog(_)
        | Change::CreateSchema(_)
        | Change::Storage(_)
        | Change::CreatePrincipal(_)
        | Change::RenamePrincipal { .. }
        | Change::SetVerifier { .. }
        | Change::SetAdmin { .. }
        | Change::DropPrincipal { .. }
        | Change::AddMember { .. }
        | Change::RemoveMember { .. } => None,
    };
    let is_schema = object == Some(schema);
    if is_schema && !matches!(change, Change::CreateRelation(_)) {
        return Err(Error::unsupported("a change of the schema of temporary objects")
            .with_hint("Use DISCARD TEMP to drop what is in it."));
    }
    Ok(is_schema || object.is_some_and(|id| own.contains(&id)))
}

impl Engine {
    /// Tells changes of temporary objects from changes of the metastore.
    pub(super) fn part(
        &self,
        temporary: &Temporary,
        changes: &[Change],
        before: &Snapshot,
    ) -> Result<Parted> {
        let objects_max = self.limits.temporary_objects_max;
        temporary.part(changes, before, &self.metastore, objects_max)
    }

    /// Makes the changes of temporary objects hold, once those of the metastore do.
    pub(super) async fn keep_temporary(&self, temporary: &Temporary, parted: Parted) {
        let Some(after) = parted.after else { return };
        temporary.state().set(Some(after));
        for location in parted.dropped {
            self.forget_files(&location);
            if let Err(error) = self.metastore.abandon_location(&location).await {
                tracing::warn!(?error, "files of a temporary table stay until the next start");
            }
        }
    }

    /// What ON COMMIT asks for: before the end of a transaction as a part of it, or after a statement on its
    /// own.
    pub async fn end_of_transaction(self: &Arc<Self>, request: &Request) -> Result<()> {
        let temporary = Arc::clone(request.work.temporary());
        let wanted: Vec<_> =
            temporary.state().on_commit.iter().map(|(id, wanted)| (*id, *wanted)).collect();
        let mut drops = Vec::new();
        for (id, on_commit) in wanted {
            let Some(table) = request.facts.snapshot.relation_by_id(id) else { continue };
            match on_commit {
                OnCommit::PreserveRows => {}
                OnCommit::DeleteRows => {
                    let version = self.open_newest(table, &request.work).await?;
                    if version.row_count() != Some(0) {
                        self.truncate_table(table, false, request).await?;
                    }
                }
                OnCommit::Drop => drops.push(Change::Drop { id }),
            }
        }
        match drops.is_empty() {
            true => Ok(()),
            false => self.change_metastore(&drops, request).await,
        }
    }

    /// DISCARD TEMP.
    pub async fn discard_temporary(&self, request: &Request) -> Result<()> {
        let snapshot = &request.facts.snapshot;
        let Some(schema) = snapshot.temporary_schema() else { return Ok(()) };
        let drops =
            snapshot.relations_of(schema.id).map(|relation| Change::Drop { id: relation.id });
        let drops: Vec<Change> = drops.collect();
        match drops.is_empty() {
            true => Ok(()),
            false => self.change_metastore(&drops, request).await,
        }
    }

    /// The session has ended: nobody reads its tables any more.
    pub async fn end_temporary(&self, temporary: &Temporary) {
        let objects = temporary.state().objects.take();
        temporary.state().set(None);
        for relation in objects.iter().flat_map(|objects| objects.relations()) {
            let Some(table) = relation.as_table() else { continue };
            self.forget_files(&table.location);
            if let Err(error) = self.metastore.expire_location(&table.location).await {
                tracing::warn!(?error, "files of a temporary table stay until the next start");
            }
        }
    }

    fn forget_files(&self, location: &str) {
        if let Ok(location) = Location::parse(location) {
            self.tables.forget(&location);
        }
    }
}
