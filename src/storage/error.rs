//! What users are told when storage fails. It never shows a path outside of the table.

use std::error::Error as StdError;
use std::io;

use super::failure::carried_in;
use super::location::Location;
use crate::base::{Error, ErrorKind};

/// The error for a failed operation on a file of the table at `location`. Paths go to the log; the
/// message names the file relative to the table.
pub fn error_of_store(error: object_store::Error, location: &Location) -> Error {
    use object_store::Error as Store;
    if let Some(known) = carried_in(&error) {
        let mut same = Error::new(known.kind(), known.message());
        if let Some(detail) = known.detail() {
            same = same.with_detail(detail);
        }
        if let Some(hint) = known.hint() {
            same = same.with_hint(hint);
        }
        return same.caused_by(error);
    }
    let described = match &error {
        Store::NotFound { path, .. } => missing_file(location.relative(path)),
        Store::PermissionDenied { path, .. } | Store::Unauthenticated { path, .. } => Error::new(
            ErrorKind::IoError,
            format!("storage denies access to file \"{}\" of the table", location.relative(path)),
        )
        .with_hint("Check the rights and credentials of the server."),
        Store::NotSupported { .. } | Store::NotImplemented { .. } => {
            Error::unsupported("an operation of the table's storage")
        }
        Store::AlreadyExists { path, .. } | Store::Precondition { path, .. } => Error::new(
            ErrorKind::SerializationFailure,
            format!(
                "file \"{}\" of the table was written at the same time",
                location.relative(path)
            ),
        ),
        Store::InvalidPath { .. } => {
            Error::new(ErrorKind::DataCorrupted, "the table names a file with an invalid path")
        }
        _ => match io_error_in(&error) {
            Some(cause) => error_of_io_kind(cause),
            None => unreadable(),
        },
    };
    described.caused_by(error)
}

/// The error for a failed operation of the operating system on the table's files.
pub fn error_of_io(error: io::Error) -> Error {
    error_of_io_kind(&error).caused_by(error)
}

fn error_of_io_kind(error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Error::new(ErrorKind::DiskFull, "no space is left for the table's files")
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            Error::new(ErrorKind::IoError, "storage denies access to the table's files")
                .with_hint("Check the rights of the server.")
        }
        io::ErrorKind::NotFound => {
            Error::new(ErrorKind::UndefinedFile, "a file of the table does not exist")
        }
        _ => unreadable(),
    }
}

fn missing_file(name: &str) -> Error {
    Error::new(ErrorKind::UndefinedFile, format!("file \"{name}\" of the table does not exist"))
        .with_detail("The table's log names it, but the storage does not have it.")
}

fn unreadable() -> Error {
    Error::new(ErrorKind::IoError, "the table's files cannot be reached")
        .with_hint("See the server's log for the cause.")
}

fn io_error_in(error: &object_store::Error) -> Option<&io::Error> {
    let mut cause = error.source();
    while let Some(current) = cause {
        if let Some(io_error) = current.downcast_ref::<io::Error>() {
            return Some(io_error);
        }
        cause = current.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_show_names_relative_to_the_table_only() {
        let location = Location::parse("/secret/place/t").unwrap();
        let error = error_of_store(
            object_store::Error::NotFound {
                path: "/secret/place/t/p=1/f.parquet".to_owned(),
                source: "gone".into(),
            },
            &location,
        );
        assert_eq!(error.kind(), ErrorKind::UndefinedFile);
        assert_eq!(error.message(), "file \"p=1/f.parquet\" of the table does not exist");
    }

    #[test]
    fn a_full_disk_is_told_apart() {
        let location = Location::parse("/t").unwrap();
        let full = io::Error::from(io::ErrorKind::StorageFull);
        let error = object_store::Error::Generic { store: "LocalFileSystem", source: full.into() };
        assert_eq!(error_of_store(error, &location).kind(), ErrorKind::DiskFull);
    }
}
