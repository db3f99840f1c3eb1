//! Delta tables by location and version: snapshots, scans, changes. It knows no names and no users.

mod adapter;
pub mod change;
mod carried;
mod change_feed;
mod check;
mod clustering;
mod deletion_vector;
mod error;
mod feature;
mod footer;
mod history;
mod index;
mod listing;
mod live;
mod log_files;
mod log_store;
mod partition;
mod prune;
mod scan;
mod schema;
mod staged;
mod statistics;
mod table;
mod variant;
mod version;
mod visibility;

#[cfg(test)]
mod tests;

pub use change_feed::change_feed;
pub use clustering::clustering_columns;
pub use error::{error_of_datafusion, error_of_deltalake};
pub use feature::check_writable;
use listing::outside;
pub use staged::{StagedLog, StagedLogs};
pub use table::{Tables, TablesOptions, TimeTravel};
pub use version::TableVersion;
pub use visibility::{HiddenCommits, Moment};
