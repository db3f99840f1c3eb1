//! The columns that a table's files are clustered by (Delta protocol, "Clustered Table"). It never reads or
//! writes a data file.

use std::sync::Arc;

use delta_kernel::expressions::ColumnName;
use deltalake::kernel::{Action, DomainMetadata};
use serde_json::json;

use super::error::error_of_kernel;
use super::version::TableVersion;
use crate::base::{Error, Result};

/// The domain of a table's metadata that names the columns.
const DOMAIN: &str = "delta.clustering";

/// The columns by their logical names; `None` where the table is not clustered.
pub async fn clustering_columns(version: &Arc<TableVersion>) -> Result<Option<Vec<String>>> {
    let version = Arc::clone(version);
    let read = move || {
        let engine = version.log_store.engine(None);
        let infos = version.snapshot().get_clustering_column_infos(engine.as_ref());
        infos.map_err(|error| error_of_kernel(error, version.location()))
    };
    let infos = tokio::task::spawn_blocking(read)
        .await
        .map_err(|cause| Error::internal("reading a table's log did not end").caused_by(cause))??;
    let name = |column: &ColumnName| column.path().join(".");
    Ok(infos.map(|infos| infos.iter().map(|info| name(&info.logical_column)).collect()))
}

/// The action that makes a table clustered by columns, given as data files call them; by none without any.
pub fn clustered_by(physical: &[&str]) -> Action {
    let columns: Vec<[&str; 1]> = physical.iter().map(|name| [*name]).collect();
    let configuration = json!({ "clusteringColumns": columns, "domainName": DOMAIN });
    Action::DomainMetadata(DomainMetadata {
        domain: DOMAIN.to_owned(),
        configuration: configuration.to_string(),
        removed: false,
    })
}
