//! What users are told when storage fails. It never shows where a table lies nor in which of its folders a file
//! is: that is in the log, because names of folders hold values of partition columns.

use std::error::Error as StdError;
use std::io;

use super::failure::carried_in;
use crate::base::{Error, ErrorKind};

/// The error for a failed operation on a file of a table. Its path goes to the log.
pub fn error_of_store(error: object_store::Error) -> Error {
    told_of_store(&error).caused_by(error)
}

/// What a user is told when storage is somewhere among the causes of an error: its own failure, or one of
/// the operating system that has a meaning.
pub fn storage_cause(error: &(dyn StdError + 'static)) -> Option<Error> {
    let mut cause = Some(error);
    while let Some(current) = cause {
        if let Some(error) = current.downcast_ref::<object_store::Error>() {
            return Some(told_of_store(error));
        }
        if let Some(error) = current.downcast_ref::<io::Error>()
            && has_meaning(error)
        {
            return Some(error_of_io_kind(error));
        }
        cause = current.source();
    }
    None
}

fn told_of_store(error: &object_store::Error) -> Error {
    use object_store::Error as Store;
    if let Some(known) = carried_in(error) {
        let mut same = Error::new(known.kind(), known.message());
        if let Some(detail) = known.detail() {
            same = same.with_detail(detail);
        }
        if let Some(hint) = known.hint() {
            same = same.with_hint(hint);
        }
        return same;
    }
    match error {
        Store::NotFound { path, .. } => missing_file(Some(path)),
        Store::PermissionDenied { .. } | Store::Unauthenticated { .. } => {
            Error::new(ErrorKind::IoError, "storage denies access to a file of the table")
                .with_hint("Check the rights and credentials of the server.")
        }
        Store::NotSupported { .. } | Store::NotImplemented { .. } => {
            Error::unsupported("an operation of the table's storage")
        }
        Store::AlreadyExists { .. } | Store::Precondition { .. } => Error::new(
            ErrorKind::SerializationFailure,
            "a file of the table was written at the same time",
        ),
        Store::InvalidPath { .. } => {
            Error::new(ErrorKind::DataCorrupted, "the table names a file with an invalid path")
        }
        other => match io_error_in(other) {
            Some(cause) => error_of_io_kind(cause),
            // The local store tells by words only that a file ends too early.
            None if other.to_string().to_ascii_lowercase().contains("range") => Error::new(
                ErrorKind::DataCorrupted,
                "a file of the table is shorter than the table's log says",
            ),
            None => unreadable(),
        },
    }
}

fn has_meaning(error: &io::Error) -> bool {
    use io::ErrorKind::*;
    matches!(
        error.kind(),
        StorageFull | QuotaExceeded | PermissionDenied | ReadOnlyFilesystem | NotFound
    )
}

/// Whether a request that has failed may be done all the same, now or later: nobody who would know has answered.
pub fn may_be_done(error: &(dyn StdError + 'static)) -> bool {
    use object_store::Error as Store;
    let mut cause = Some(error);
    while let Some(current) = cause {
        if let Some(known) = current.downcast_ref::<Error>() {
            return matches!(
                known.kind(),
                ErrorKind::FdwUnableToEstablishConnection
                    | ErrorKind::InsufficientResources
                    | ErrorKind::IoError
            );
        }
        match current.downcast_ref::<Store>() {
            Some(Store::Generic { .. } | Store::JoinError { .. }) | None => {}
            Some(_) => return false,
        }
        if current.downcast_ref::<io::Error>().is_some_and(has_meaning) {
            return false;
        }
        cause = current.source();
    }
    true
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
        io::ErrorKind::NotFound => missing_file(None),
        _ => unreadable(),
    }
}

/// 58P01, for a file that the table's log names and the storage does not have. Of its path the last part is
/// told.
pub fn missing_file(path: Option<&str>) -> Error {
    let name = path.and_then(|path| path.rsplit('/').next()).filter(|name| !name.is_empty());
    let message = match name {
        Some(name) => format!("file \"{name}\" of the table does not exist"),
        None => "a file of the table does not exist".to_owned(),
    };
    Error::new(ErrorKind::UndefinedFile, message)
        .with_detail("The table's log names it, but the storage does not have it.")
        .with_hint("The server's log says where it should be.")
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
    fn the_folder_of_a_file_is_in_the_log_only() {
        let path = "/secret/place/t/p=1/f.parquet".to_owned();
        let error = error_of_store(object_store::Error::NotFound { path, source: "gone".into() });
        assert_eq!(error.kind(), ErrorKind::UndefinedFile);
        assert_eq!(error.message(), "file \"f.parquet\" of the table does not exist");
        assert!(error.source().unwrap().to_string().contains("p=1/f.parquet"));
    }

    #[test]
    fn a_full_disk_is_told_apart() {
        let full = io::Error::from(io::ErrorKind::StorageFull);
        let error = object_store::Error::Generic { store: "LocalFileSystem", source: full.into() };
        assert_eq!(error_of_store(error).kind(), ErrorKind::DiskFull);
    }
}
