//! CREATE TABLE … CLONE: another table's files under a log of their own. A deep clone has copies, and the tables
//! have nothing to do with each other after it; a shallow one names the files where they are, and never writes
//! or deletes them.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use deltalake::kernel::{Action, Add, Metadata, MetadataExt, StorageType};
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, WriteMultipart};
use serde_json::{Map, json};
use uuid::Uuid;

use super::commit::{self, Change, Staged, apply_and_open, table_exists};
use super::error::of_delta;
use super::protocol::{check_properties, required_with};
use super::provenance::{named_elsewhere, provenance};
use super::shape::Shape;
use super::target::Target;
use super::touched::added_again;
use super::{ChangeContext, Changed};
use crate::base::{Error, Result};
use crate::delta::clustering::{clustered_by, clustering_columns};
use crate::delta::deletion_vector::vector_file;
use crate::delta::{TableVersion, check_writable};
use crate::storage::{Location, error_of_store};

/// Files that are copied at one time.
const COPIES: usize = 8;

/// Parts of one file that are written at one time.
const PARTS: usize = 4;

/// What a clone is made of.
pub struct CloneSource {
    pub version: Arc<TableVersion>,
    /// The new table's name, and properties that it has besides those of its source.
    pub name: String,
    pub properties: Vec<(String, String)>,
    /// Whether the files stay where they are. The new table's location has their roots among its sources then.
    pub shallow: bool,
}

/// Makes a table out of a version of another: 42P07 if there is one at the location, unless it is replaced.
pub async fn clone_table(
    ctx: &ChangeContext,
    location: &Location,
    source: CloneSource,
    replaces: bool,
) -> Result<Arc<TableVersion>> {
    check_writable(source.version.protocol())?;
    let properties = source.properties.iter();
    check_properties(properties.map(|(key, value)| (key.as_str(), value.as_str())))?;
    if replaces && ctx.tables.exists(location).await? {
        return Ok(apply_and_open(ctx, location, &source).await?.1);
    }
    let _writing = ctx.tables.writing();
    let _lease = ctx.tables.lease(location).await;
    if ctx.tables.exists(location).await? {
        return Err(table_exists());
    }
    let staged = source.staged(ctx, location, None).await?;
    Ok(commit::create(ctx, location, staged).await?.1)
}

#[async_trait]
impl Change for CloneSource {
    async fn stage(&self, ctx: &ChangeContext, target: &Target) -> Result<Staged> {
        target.check_not_append_only()?;
        self.staged(ctx, &target.location, Some(target)).await
    }
}

impl CloneSource {
    async fn staged(
        &self,
        ctx: &ChangeContext,
        location: &Location,
        replaced: Option<&Target>,
    ) -> Result<Staged> {
        let from = self.version.location();
        let table = ctx.tables.delta_table_at(from, self.version.version()).await?;
        let snapshot = table.snapshot().map_err(|error| of_delta(error, from))?.snapshot();
        let metadata = self.metadata(snapshot.metadata(), replaced)?;
        let shape = Shape::try_new(
            snapshot.schema(),
            metadata.partition_columns().to_vec(),
            metadata.configuration().clone(),
        )?;
        let existing = replaced.map(|target| target.protocol());
        let features = self.version.features();
        let features: Vec<&str> = features.iter().map(String::as_str).collect();
        let protocol = required_with(existing, &shape.schema, &shape.properties, &features)?;
        let mut actions = vec![Action::Protocol(protocol), Action::Metadata(metadata)];
        if let Some(columns) = clustering_columns(&self.version).await? {
            let physical: Vec<&str> = columns.iter().map(|name| shape.file_name(name)).collect();
            actions.push(clustered_by(&physical));
        }
        if let Some(target) = replaced {
            actions.append(&mut target.remove_all(ctx).await?);
        }
        // Where a table is replaced, a file of that name may be one of its own.
        let folder = replaced.map(|_| format!("{}/", Uuid::new_v4())).unwrap_or_default();
        let adds: Vec<Add> = snapshot.log_data().iter().map(|file| added_again(&file)).collect();
        let mut metrics = Map::new();
        let bytes: i64 = adds.iter().map(|add| add.size).sum();
        metrics.insert("sourceNumOfFiles".to_owned(), json!(adds.len()));
        metrics.insert("sourceTableSize".to_owned(), json!(bytes));
        let (copied, adds) = match self.shallow {
            true => (0, self.referred_to(location, adds)?),
            false => (adds.len(), self.copied(ctx, location, adds, &folder).await?),
        };
        metrics.insert("numCopiedFiles".to_owned(), json!(copied));
        let copied_bytes = if self.shallow { 0 } else { bytes };
        metrics.insert("copiedFilesSize".to_owned(), json!(copied_bytes));
        actions.extend(adds.into_iter().map(Action::Add));
        let parameters = [
            ("source", json!(from.url().as_str())),
            ("sourceVersion", json!(self.version.version())),
            ("isShallow", json!(self.shallow)),
        ];
        actions.push(provenance("CLONE", parameters, metrics));
        Ok(Staged {
            actions,
            operation: named_elsewhere(),
            changed: Changed::default(),
            is_blind_append: false,
        })
    }

    fn metadata(&self, source: &Metadata, replaced: Option<&Target>) -> Result<Metadata> {
        let broken = |cause: deltalake::kernel::Error| {
            Error::internal("metadata that does not hold together").caused_by(cause)
        };
        let id = match replaced {
            // The table stays the same one, to those that follow its log.
            Some(target) => target.metadata().id().to_owned(),
            None => Uuid::new_v4().to_string(),
        };
        let mut metadata = source.clone().with_table_id(id).map_err(broken)?;
        for key in source.configuration().keys().filter(|key| is_of_source(key)) {
            metadata = metadata.remove_config_key(key).map_err(broken)?;
        }
        metadata = metadata.with_name(self.name.clone()).map_err(broken)?;
        for (key, value) in &self.properties {
            metadata = metadata.add_config_key(key.clone(), value.clone()).map_err(broken)?;
        }
        Ok(metadata)
    }

    /// The files where they are, as the new table names them.
    fn referred_to(&self, location: &Location, adds: Vec<Add>) -> Result<Vec<Add>> {
        let from = self.version.location();
        let index = self.version.files();
        let places: HashMap<&Path, usize> =
            index.paths.iter().enumerate().map(|(at, path)| (path, at)).collect();
        let refer = |mut add: Add| {
            let file = from.resolved_file(&add.path).ok_or_else(crate::delta::outside)?;
            let vector = places.get(&file).and_then(|at| index.deletion_vectors.get(at));
            if let (Some(known), Some(vector)) = (vector, &mut add.deletion_vector)
                && let Some(vector_file) = vector_file(from, &known.descriptor)?
            {
                vector.storage_type = StorageType::AbsolutePath;
                vector.path_or_inline_dv = url_of(location, &vector_file)?;
            }
            add.path = location.reference(&file);
            if location.resolved_file(&add.path).as_ref() != Some(&file) {
                return Err(crate::delta::outside());
            }
            add.data_change = true;
            // Identities of rows are those of the source.
            (add.base_row_id, add.default_row_commit_version) = (None, None);
            Ok(add)
        };
        adds.into_iter().map(refer).collect()
    }

    /// Copies data files and deletion vectors; the files as the new table has them.
    async fn copied(
        &self,
        ctx: &ChangeContext,
        location: &Location,
        adds: Vec<Add>,
        folder: &str,
    ) -> Result<Vec<Add>> {
        let from = self.version.location();
        let (source, target) = (ctx.tables.store(from)?, ctx.tables.store(location)?);
        let index = self.version.files();
        let places: HashMap<&Path, usize> =
            index.paths.iter().enumerate().map(|(at, path)| (path, at)).collect();
        let mut copies: HashMap<Path, Path> = HashMap::new();
        let mut copied = Vec::with_capacity(adds.len());
        for mut add in adds {
            let old = from.resolved_file(&add.path).ok_or_else(crate::delta::outside)?;
            let vector = places.get(&old).and_then(|at| index.deletion_vectors.get(at));
            if let Some(vector) = vector
                && let Some(vector_from) = vector_file(from, &vector.descriptor)?
                && let Some(vector_to) = vector_file(location, &vector.descriptor)?
            {
                copies.insert(vector_from, vector_to);
            }
            add.path = format!("{folder}{}", add.path);
            let new = location.resolved_file(&add.path).ok_or_else(crate::delta::outside)?;
            copies.insert(old, new);
            add.data_change = true;
            // Identities of rows are those of the source.
            (add.base_row_id, add.default_row_commit_version) = (None, None);
            copied.push(add);
        }
        stream::iter(copies)
            .map(|(old, new)| copy(Arc::clone(&source), Arc::clone(&target), old, new))
            .buffer_unordered(COPIES)
            .try_collect::<Vec<()>>()
            .await?;
        Ok(copied)
    }
}

/// The URL of a file, escaped, as deletion vectors name it.
fn url_of(location: &Location, file: &Path) -> Result<String> {
    let mut url = location.store_url();
    let Ok(mut segments) = url.path_segments_mut() else { return Err(crate::delta::outside()) };
    segments.clear().extend(file.parts().map(|part| part.as_ref().to_owned()));
    drop(segments);
    Ok(url.into())
}

/// Properties that promise what the copy does not keep: identities of rows, the times of commits.
fn is_of_source(property: &str) -> bool {
    property == "delta.enableRowTracking"
        || property.starts_with("delta.rowTracking.")
        || property.starts_with("delta.inCommitTimestampEnablement")
}

/// Copies a file through this process: the places may be reached with different credentials.
async fn copy(
    source: Arc<dyn ObjectStore>,
    target: Arc<dyn ObjectStore>,
    old: Path,
    new: Path,
) -> Result<()> {
    let read = source.get(&old).await.map_err(error_of_store)?;
    let upload = target.put_multipart(&new).await.map_err(error_of_store)?;
    let mut writer = WriteMultipart::new(upload);
    let mut bytes = read.into_stream();
    while let Some(part) = bytes.next().await {
        let part = match part {
            Ok(part) => part,
            Err(error) => {
                // What cannot be ended is left to the storage's own rules: the copy has failed already.
                let _ = writer.abort().await;
                return Err(error_of_store(error));
            }
        };
        writer.wait_for_capacity(PARTS).await.map_err(error_of_store)?;
        writer.put(part);
    }
    writer.finish().await.map_err(error_of_store)?;
    Ok(())
}
