//! Bytes at rest: locations and the object stores behind them. It never reads a table.

mod error;
mod location;
mod stores;

pub use error::{error_of_io, error_of_store, missing_file, storage_cause};
pub use location::Location;
pub use stores::Stores;
