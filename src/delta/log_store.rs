//! A table's log as deltalake's operations use it, read with our own engine. It never decides what counts.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use delta_kernel::{Engine, Version};
use deltalake::DeltaResult;
use deltalake::kernel::transaction::TransactionError;
use deltalake::logstore::{
    CommitOrBytes, LogStore, LogStoreConfig, LogStoreRef, StorageConfig, default_logstore,
};
use object_store::ObjectStore;
use object_store::prefix::PrefixStore;
use uuid::Uuid;

use super::log_files::LogEngine;
use crate::storage::Location;

#[derive(Debug, Clone)]
struct TableLog(LogStoreRef);

/// The log of the table at a location of a store.
pub fn log_store(location: &Location, root: Arc<dyn ObjectStore>) -> LogStoreRef {
    let table = PrefixStore::new(Arc::clone(&root), location.path().clone());
    let config = StorageConfig::default();
    Arc::new(TableLog(default_logstore(Arc::new(table), root, location.url(), &config)))
}

#[async_trait]
impl LogStore for TableLog {
    fn name(&self) -> String {
        self.0.name()
    }

    async fn refresh(&self) -> DeltaResult<()> {
        self.0.refresh().await
    }

    async fn read_commit_entry(&self, version: Version) -> DeltaResult<Option<Bytes>> {
        self.0.read_commit_entry(version).await
    }

    async fn write_commit_entry(
        &self,
        version: Version,
        commit_or_bytes: CommitOrBytes,
        operation_id: Uuid,
    ) -> Result<(), TransactionError> {
        self.0.write_commit_entry(version, commit_or_bytes, operation_id).await
    }

    async fn abort_commit_entry(
        &self,
        version: Version,
        commit_or_bytes: CommitOrBytes,
        operation_id: Uuid,
    ) -> Result<(), TransactionError> {
        self.0.abort_commit_entry(version, commit_or_bytes, operation_id).await
    }

    async fn get_latest_version(&self, start_version: Version) -> DeltaResult<Version> {
        self.0.get_latest_version(start_version).await
    }

    fn object_store(&self, operation_id: Option<Uuid>) -> Arc<dyn ObjectStore> {
        self.0.object_store(operation_id)
    }

    fn root_object_store(&self, operation_id: Option<Uuid>) -> Arc<dyn ObjectStore> {
        self.0.root_object_store(operation_id)
    }

    fn engine(&self, operation_id: Option<Uuid>) -> Arc<dyn Engine> {
        let store = self.root_object_store(operation_id);
        Arc::new(LogEngine::new(self.0.engine(operation_id), store))
    }

    fn config(&self) -> &LogStoreConfig {
        self.0.config()
    }
}
