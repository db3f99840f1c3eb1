//! Bytes at rest: locations and the object stores behind them. It never reads a table.

mod bucket;
mod credential;
mod error;
mod failure;
#[cfg(test)]
mod faulty;
mod files_place;
mod glob;
mod location;
mod open;
mod probe;
mod stores;

pub use credential::{Credential, Provider};
pub use error::{error_of_io, error_of_store, may_be_done, missing_file, storage_cause};
#[cfg(test)]
pub use faulty::Faults;
pub use files_place::FilesPlace;
pub use glob::Glob;
pub use location::{Location, Scheme};
pub use open::StoreOptions;
pub use stores::Stores;
