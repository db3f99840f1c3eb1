//! One version of a table: everything that queries ask of it, made once. It never changes.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use chrono::DateTime;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use delta_kernel::actions::Protocol;
use delta_kernel::schema::{ColumnMetadataKey, MetadataValue};
use delta_kernel::{Engine, SnapshotRef};
use deltalake::logstore::LogStoreRef;
use object_store::{ObjectMeta, ObjectStore};
use roaring::RoaringTreemap;

use super::change::Identity;
use super::check::{CHECK_PREFIX, declared_check};
use super::deletion_vector::DeletionVectors;
use super::error::same;
use super::feature::{check_format, check_readable, check_writable, feature_names};
use super::footer::Footers;
use super::index::FileIndex;
use super::listing::{list_files, list_files_since};
use super::live::Live;
use super::scan::VersionProvider;
use super::schema::Columns;
use crate::base::{Error, Result};
use crate::storage::{Location, Stores};

/// What scans of all tables share.
pub(super) struct ScanCaches {
    pub footers: Arc<Footers>,
    pub deletion_vectors: DeletionVectors,
    pub live: Arc<Live>,
}

/// A table as of one version.
pub struct TableVersion {
    location: Location,
    snapshot: SnapshotRef,
    columns: Columns,
    files: FileIndex,
    commit_timestamp: Option<i64>,
    pub(super) log_store: LogStoreRef,
    pub(super) caches: Arc<ScanCaches>,
}

/// What `DESCRIBE DETAIL` tells of a table version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableDetails {
    /// The identity that the table was created with.
    pub id: String,
    pub name: Option<String>,
    pub description: Option<String>,
    pub location: String,
    /// Milliseconds since the epoch.
    pub created_at: Option<i64>,
    /// Milliseconds since the epoch: the time of the version's commit.
    pub last_modified: Option<i64>,
    pub partition_columns: Vec<String>,
    pub files: u64,
    pub size_in_bytes: u64,
    pub properties: Vec<(String, String)>,
    pub min_reader_version: i32,
    pub min_writer_version: i32,
    pub features: Vec<String>,
}

impl TableVersion {
    /// Reads a version from its log, or what is new of it since `base`. Blocks on storage.
    pub(super) fn load(
        location: Location,
        snapshot: SnapshotRef,
        base: Option<&TableVersion>,
        engine: &dyn Engine,
        log_store: LogStoreRef,
        caches: Arc<ScanCaches>,
    ) -> Result<Self> {
        let configuration = snapshot.table_configuration();
        check_readable(configuration.protocol())?;
        check_format(configuration.metadata().format_provider())?;
        let columns = Columns::try_new(
            &snapshot.schema(),
            configuration.logical_partition_columns(),
            configuration.column_mapping_mode(),
        )?;
        let files = match base {
            Some(base) => list_files_since(base, &snapshot, engine)?,
            None => None,
        };
        let files = match files {
            Some(files) => files,
            None => list_files(&snapshot, &columns, &location, engine)?,
        };
        // The log need not have the commit any more: a checkpoint is enough.
        let commit_timestamp = snapshot.get_timestamp(engine).ok();
        Ok(TableVersion { location, snapshot, columns, files, commit_timestamp, log_store, caches })
    }

    pub fn location(&self) -> &Location {
        &self.location
    }

    pub fn version(&self) -> u64 {
        self.snapshot.version()
    }

    /// The columns in the table's order, as scans give them: text as `Utf8View`, bytes as
    /// `BinaryView`, timestamps in microseconds with the zone `UTC` or without one.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.columns.schema)
    }

    pub(super) fn columns(&self) -> &Columns {
        &self.columns
    }

    /// The data files.
    pub fn files(&self) -> &FileIndex {
        &self.files
    }

    /// When the version was committed, in milliseconds since the epoch, if the log still tells.
    pub fn commit_timestamp(&self) -> Option<i64> {
        self.commit_timestamp
    }

    pub fn partition_columns(&self) -> &[String] {
        self.snapshot.table_configuration().logical_partition_columns()
    }

    /// The table's properties, as in `delta.appendOnly`.
    pub fn properties(&self) -> &HashMap<String, String> {
        self.snapshot.metadata_configuration()
    }

    /// The SQL of a column's default, if it has one.
    pub fn default_of(&self, column: &str) -> Option<String> {
        self.column_text(column, ColumnMetadataKey::CurrentDefault)
    }

    /// Whether the table makes the values of a column.
    pub fn is_generated(&self, column: &str) -> bool {
        self.column_text(column, ColumnMetadataKey::GenerationExpression).is_some()
    }

    /// The SQL that makes the values of a column, if the table does.
    pub fn generation_of(&self, column: &str) -> Option<String> {
        self.column_text(column, ColumnMetadataKey::GenerationExpression)
    }

    /// How the table numbers its rows in a column, if it does.
    pub fn identity_of(&self, column: &str) -> Option<Identity> {
        Identity::of(self.snapshot.schema().field(column)?)
    }

    /// The checks that rows must pass: name and SQL as it was declared, by name.
    pub fn checks(&self) -> Vec<(String, String)> {
        let checks = self.properties().iter().filter_map(|(key, sql)| {
            let name = key.strip_prefix(CHECK_PREFIX)?;
            Some((name.to_owned(), declared_check(sql).unwrap_or(sql).to_owned()))
        });
        let mut checks: Vec<_> = checks.collect();
        checks.sort();
        checks
    }

    fn column_text(&self, column: &str, key: ColumnMetadataKey) -> Option<String> {
        match self.snapshot.schema().field(column)?.metadata.get(key.as_ref()) {
            Some(MetadataValue::String(text)) => Some(text.clone()),
            _ => None,
        }
    }

    pub fn protocol(&self) -> &Protocol {
        self.snapshot.table_configuration().protocol()
    }

    /// The features that the table's protocol names, sorted.
    pub fn features(&self) -> Vec<String> {
        feature_names(self.protocol())
    }

    /// Refuses the table with 0A000 when it needs more of writers than Lakegate does.
    pub fn check_writable(&self) -> Result<()> {
        check_writable(self.protocol())
    }

    /// The kernel's view of the version.
    pub fn snapshot(&self) -> &SnapshotRef {
        &self.snapshot
    }

    /// The exact number of rows, if the log says.
    pub fn row_count(&self) -> Option<u64> {
        self.files.row_count()
    }

    /// What `DESCRIBE DETAIL` shows.
    pub fn details(&self) -> TableDetails {
        let metadata = self.snapshot.table_configuration().metadata();
        let mut properties: Vec<(String, String)> =
            self.properties().iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        properties.sort_unstable();
        TableDetails {
            id: metadata.id().to_owned(),
            name: metadata.name().map(str::to_owned),
            description: metadata.description().map(str::to_owned),
            location: self.location.to_string(),
            created_at: metadata.created_time(),
            last_modified: self.commit_timestamp,
            partition_columns: self.partition_columns().to_vec(),
            files: self.files.len() as u64,
            size_in_bytes: self.files.size_in_bytes(),
            properties,
            min_reader_version: self.protocol().min_reader_version(),
            min_writer_version: self.protocol().min_writer_version(),
            features: self.features(),
        }
    }

    /// A data file as object stores know it.
    pub(super) fn file_meta(&self, file: usize) -> Result<ObjectMeta> {
        let path = self.files.paths.get(file);
        let path = path.ok_or_else(|| Error::internal("a scan of a file that is not there"))?;
        let modified = self.files.modification_times.value(file);
        Ok(ObjectMeta {
            location: path.clone(),
            last_modified: DateTime::from_timestamp_millis(modified).unwrap_or_default(),
            size: u64::try_from(self.files.sizes.value(file)).unwrap_or_default(),
            e_tag: None,
            version: None,
        })
    }

    /// The rows of a data file, deleted ones too: from the log, or else from the file itself.
    pub(super) async fn physical_rows(
        &self,
        store: &Arc<dyn ObjectStore>,
        file: usize,
        size_hint: Option<usize>,
    ) -> Result<u64> {
        if let Some(rows) = self.files.physical_rows_of(file) {
            return Ok(rows);
        }
        let meta = self.file_meta(file)?;
        let footer = self.caches.footers.footer(store, &self.location, &meta, size_hint).await;
        let footer = footer.map_err(|error| same(&error))?;
        Ok(u64::try_from(footer.file_metadata().num_rows()).unwrap_or_default())
    }

    /// The deleted rows of a data file, as positions in it.
    pub(super) async fn deleted_rows(self: &Arc<Self>, file: usize) -> Result<RoaringTreemap> {
        let Some(vector) = self.files.deletion_vectors.get(&file).cloned() else {
            return Ok(RoaringTreemap::new());
        };
        let version = Arc::clone(self);
        let read = move || vector.rows(version.log_store.engine(None).as_ref(), &version.location);
        tokio::task::spawn_blocking(read).await.map_err(|cause| {
            Error::internal("reading a deletion vector did not end").caused_by(cause)
        })?
    }

    /// The version as DataFusion scans it.
    pub fn provider(self: &Arc<Self>, stores: &Stores) -> Result<Arc<dyn TableProvider>> {
        self.provider_with(stores, HashMap::new())
    }

    /// The same with how many different values columns have, about, by their names.
    pub fn provider_with(
        self: &Arc<Self>,
        stores: &Stores,
        distinct: HashMap<String, usize>,
    ) -> Result<Arc<dyn TableProvider>> {
        let store = stores.store(&self.location)?;
        Ok(Arc::new(VersionProvider::new(Arc::clone(self), store).with_distinct(distinct)))
    }

    /// Files from all over the table with about so many rows, and whether those are not all of them.
    pub fn sample(
        self: &Arc<Self>,
        stores: &Stores,
        rows: u64,
    ) -> Result<(Arc<dyn TableProvider>, bool)> {
        let store = stores.store(&self.location)?;
        let provider = VersionProvider::new(Arc::clone(self), store);
        let all = self.row_count().unwrap_or_default();
        let files = self.files.len();
        if all <= rows || files <= 1 {
            return Ok((Arc::new(provider), false));
        }
        // At least one, every so many files.
        let wanted = (files as u64).saturating_mul(rows).div_ceil(all).max(1);
        let step = (files as u64).div_ceil(wanted).max(1);
        let step = usize::try_from(step).unwrap_or(usize::MAX);
        let chosen = self.files.paths.iter().step_by(step).cloned();
        Ok((Arc::new(provider.with_files(Arc::new(chosen.collect()))), true))
    }
}

impl fmt::Debug for TableVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableVersion")
            .field("location", &self.location)
            .field("version", &self.version())
            .finish_non_exhaustive()
    }
}
