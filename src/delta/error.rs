//! What users are told when a table cannot be read or changed. It never shows paths outside of it.

use std::error::Error as StdError;

use datafusion::error::DataFusionError;
use delta_kernel::Error as KernelError;
use delta_kernel::history_manager::error::LogHistoryError;
use deltalake::DeltaTableError;

use crate::base::{Error, ErrorKind};
use crate::storage::{Location, error_of_io, error_of_store, missing_file, storage_cause};

/// There is no table at a location: 42704.
pub fn no_table() -> Error {
    Error::new(ErrorKind::UndefinedObject, "no Delta table at this location")
        .with_detail("The location has no _delta_log folder with commits.")
}

/// How the kernel's words for a gap in a log begin.
const GAP: &str = "Expected contiguous commit files";

/// The error for what the kernel found wrong in the table at `location`.
pub fn error_of_kernel(error: KernelError, location: &Location) -> Error {
    match error {
        KernelError::Backtraced { source, .. } => error_of_kernel(*source, location),
        KernelError::ObjectStore(error) => error_of_store(error),
        KernelError::IOError(error) => error_of_io(error),
        KernelError::FileNotFound(path) => missing_file(Some(&path)).caused_by(path),
        KernelError::Unsupported(what) => {
            Error::new(ErrorKind::FeatureNotSupported, "the table needs what is not supported")
                .with_detail(without_paths(&what, location))
        }
        KernelError::InvalidProtocol(what) => Error::new(
            ErrorKind::FeatureNotSupported,
            "the table's Delta protocol is not supported",
        )
        .with_detail(without_paths(&what, location)),
        KernelError::LogHistory(error) => error_of_log_history(*error, location),
        // The kernel shows what it has in memory.
        KernelError::Generic(words) if words.starts_with(GAP) => {
            corrupted_log("commits between the first and the last one are missing", location)
                .caused_by(words)
        }
        other => corrupted_log(&other.to_string(), location).caused_by(other),
    }
}

fn error_of_log_history(error: LogHistoryError, location: &Location) -> Error {
    match error {
        LogHistoryError::Internal { source: Some(source), .. } => {
            error_of_kernel(*source, location)
        }
        other => corrupted_log(&other.to_string(), location).caused_by(other),
    }
}

/// The table's log cannot be understood: XX001.
pub fn corrupted_log(what: &str, location: &Location) -> Error {
    Error::new(ErrorKind::DataCorrupted, "the table's transaction log cannot be read")
        .with_detail(without_paths(what, location))
}

/// The error for what deltalake found wrong with the table at `location`.
pub fn error_of_deltalake(error: DeltaTableError, location: &Location) -> Error {
    match error {
        DeltaTableError::ObjectStore { source } => error_of_store(source),
        DeltaTableError::Io { source } => error_of_io(source),
        DeltaTableError::NotATable(_) => no_table(),
        other => match known_cause(&other).or_else(|| storage_cause(&other)) {
            Some(error) => error.caused_by(other),
            None => corrupted_log(&other.to_string(), location).caused_by(other),
        },
    }
}

/// The error of ours that a scan failed with, if DataFusion carries one: a missing file, storage out
/// of reach, a data file that is no Parquet.
pub fn error_of_datafusion(error: &DataFusionError) -> Option<Error> {
    known_cause(error)
}

/// The first error of ours among the causes.
fn known_cause(error: &(dyn StdError + 'static)) -> Option<Error> {
    let mut current = Some(error);
    while let Some(cause) = current {
        if let Some(known) = cause.downcast_ref::<Error>() {
            return Some(same(known));
        }
        current = cause.source();
    }
    None
}

/// An error that says the same, for a second caller; of what caused it, it has the words.
pub fn same(error: &Error) -> Error {
    let mut same = Error::new(error.kind(), error.message());
    if let Some(cause) = error.source() {
        same = same.caused_by(cause.to_string());
    }
    if let Some(detail) = error.detail() {
        same = same.with_detail(detail);
    }
    if let Some(hint) = error.hint() {
        same = same.with_hint(hint);
    }
    same
}

/// A message of the kernel as a sentence, without the table's place.
fn without_paths(message: &str, location: &Location) -> String {
    let url = location.url().as_str();
    let path = format!("/{}", location.path());
    let mut sentence =
        message.replace(url, "").replace(url.trim_end_matches('/'), "").replace(&path, "");
    if !sentence.ends_with('.') {
        sentence.push('.');
    }
    sentence
}
