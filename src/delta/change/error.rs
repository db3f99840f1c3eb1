//! What users are told when a change fails. It never shows values of rows, nor paths outside of the table.

use datafusion::arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use deltalake::DeltaTableError;

use crate::base::{Error, ErrorKind};
use crate::delta::{error_of_datafusion, error_of_deltalake};
use crate::storage::{Location, missing_file};

/// The error for what DataFusion or Arrow found wrong while a change was planned or ran.
pub fn of_datafusion(error: DataFusionError) -> Error {
    if let Some(known) = error_of_datafusion(&error) {
        return known.caused_by(error);
    }
    let described = match error.find_root() {
        DataFusionError::ArrowError(arrow, _) => of_arrow_error(arrow),
        DataFusionError::NotImplemented(what) => {
            Error::new(ErrorKind::FeatureNotSupported, "the statement needs what is not supported")
                .with_detail(sentence(what))
        }
        DataFusionError::ResourcesExhausted(what) => {
            Error::new(ErrorKind::OutOfMemory, "out of memory").with_detail(sentence(what))
        }
        // The engine has bound the statement already: what is left are limits of the planner.
        DataFusionError::Plan(what) => {
            Error::new(ErrorKind::FeatureNotSupported, "the statement needs what is not supported")
                .with_detail(sentence(what))
        }
        DataFusionError::Execution(what) => {
            Error::internal("the change failed").with_detail(sentence(what))
        }
        DataFusionError::SchemaError(what, _) => {
            Error::new(ErrorKind::UndefinedColumn, "the change names columns that do not fit")
                .with_detail(sentence(&what.to_string()))
        }
        DataFusionError::ParquetError(what) => of_parquet(&what.to_string()),
        // Others may tell paths, which only the log may.
        _ => Error::internal("the change failed"),
    };
    described.caused_by(error)
}

/// A data file that a change has to read, and cannot. deltalake's scan tells by words only why.
fn of_parquet(words: &str) -> Error {
    match words.rsplit_once(" not found") {
        Some((path, _)) => missing_file(Some(path).filter(|path| path.contains('/'))),
        None => Error::new(ErrorKind::DataCorrupted, "a file of the table cannot be read"),
    }
}

/// The error for what Arrow found wrong with values of a change.
pub fn of_arrow(error: ArrowError) -> Error {
    of_arrow_error(&error).caused_by(error)
}

fn of_arrow_error(error: &ArrowError) -> Error {
    match error {
        ArrowError::DivideByZero => Error::new(ErrorKind::DivisionByZero, "division by zero"),
        ArrowError::ArithmeticOverflow(_) => out_of_range(),
        ArrowError::CastError(what) | ArrowError::ParseError(what) => of_cast(what),
        // Decimals that do not fit their precision are reported so.
        ArrowError::InvalidArgumentError(what) if what.contains("precision") => out_of_range(),
        other => Error::internal("the change failed").with_detail(sentence(&other.to_string())),
    }
}

/// Arrow tells by words only whether a value has no such form or is too large.
fn of_cast(what: &str) -> Error {
    let text = what.contains("Cannot cast string") || what.contains("parsing");
    if text {
        Error::new(ErrorKind::InvalidTextRepresentation, "invalid input for the column's type")
    } else {
        out_of_range()
    }
}

fn out_of_range() -> Error {
    Error::new(ErrorKind::NumericValueOutOfRange, "value out of range for the column's type")
}

/// The error for what deltalake found wrong while data files or a commit were written.
pub fn of_delta(error: DeltaTableError, location: &Location) -> Error {
    match error {
        DeltaTableError::Arrow { source } => of_arrow(source),
        other => error_of_deltalake(other, location),
    }
}

/// Others changed the table, again and again: 40001.
pub fn concurrent_update() -> Error {
    Error::new(
        ErrorKind::SerializationFailure,
        "could not serialize access due to concurrent update",
    )
    .with_hint("Run the statement or transaction again.")
}

/// There is no such column in the table: 42703.
pub fn no_column(name: &str) -> Error {
    Error::new(ErrorKind::UndefinedColumn, format!("column \"{name}\" of the table does not exist"))
}

fn sentence(text: &str) -> String {
    let text = text.trim_end_matches('.');
    format!("{text}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_is_told_without_its_place() {
        let words = "Parquet error: Failed to fetch metadata for file secret/t/p=1/f.parquet: Object \
                     Store error: Object at location /secret/t/p=1/f.parquet not found";
        let error = of_parquet(words);
        assert_eq!(error.kind(), ErrorKind::UndefinedFile);
        assert_eq!(error.message(), "file \"f.parquet\" of the table does not exist");
    }

    #[test]
    fn arrow_tells_forms_and_ranges_apart() {
        let form = "Cannot cast string 'x' to value of Int32 type".to_owned();
        let kind = of_arrow(ArrowError::CastError(form)).kind();
        assert_eq!(kind, ErrorKind::InvalidTextRepresentation);
        let range = "Can't cast value 5000000000 to type Int32".to_owned();
        let kind = of_arrow(ArrowError::CastError(range)).kind();
        assert_eq!(kind, ErrorKind::NumericValueOutOfRange);
    }
}
