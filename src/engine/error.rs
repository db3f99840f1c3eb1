//! What the query engine and its libraries report, as our errors: the right SQLSTATE and PostgreSQL's words
//! where they can be had. It adds no position of its own; [`locate`] does, with the statement's text.

use std::error::Error as StdError;

use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::error::ArrowError;
use datafusion::common::{DataFusionError, SchemaError};
use datafusion::parquet::errors::ParquetError;

use crate::base::datatype::{BaseType, pg_type_of};
use crate::base::{Error, ErrorKind};
use crate::sql::place;

/// Turns an engine error into ours.
pub fn from_datafusion(error: DataFusionError) -> Error {
    use DataFusionError::*;
    match error {
        ArrowError(error, _) => from_arrow(*error),
        ParquetError(error) => from_parquet(*error),
        ObjectStore(error) => from_store(*error),
        IoError(error) => from_io(error),
        SQL(error, _) => Error::new(ErrorKind::SyntaxError, error.to_string()),
        NotImplemented(message) if message.contains("logical expression WindowFunction") => {
            let message = "window functions are not allowed in WHERE";
            Error::new(ErrorKind::WindowingError, message)
        }
        NotImplemented(message) => {
            Error::new(ErrorKind::FeatureNotSupported, lower_first(&message))
        }
        Internal(message) => {
            tracing::error!(message, "the engine reports a broken invariant");
            Error::internal("the query failed inside the engine").caused_by(message)
        }
        Plan(message) => from_plan(message),
        Configuration(message) => Error::new(ErrorKind::InvalidParameterValue, message),
        SchemaError(error, _) => from_schema(*error),
        Execution(message) => from_execution(message),
        ExecutionJoin(error) => {
            Error::internal("the query failed inside the engine").caused_by(error)
        }
        ResourcesExhausted(message) => exhausted(message),
        External(error) => from_external(error),
        Context(_, inner) => from_datafusion(*inner),
        Substrait(message) | Ffi(message) => Error::internal(message),
        Diagnostic(_, inner) => from_datafusion(*inner),
        Collection(errors) => match errors.into_iter().next() {
            Some(first) => from_datafusion(first),
            None => Error::internal("the engine reports an error without a cause"),
        },
        Shared(error) => from_shared(&error),
    }
}

/// As [`from_datafusion`], with the place in `text`, the whole text that the client sent.
pub fn locate(error: DataFusionError, text: &str) -> Error {
    let position = span_of(&error).and_then(|(line, column)| position_in(text, line, column));
    placed(from_datafusion(error).at_if(position), text)
}

/// The error with the place of what it speaks of, if it has none yet.
pub fn placed(error: Error, text: &str) -> Error {
    let position = error.position().or_else(|| place_in(&error, text));
    error.at_if(position)
}

/// The place of what an error speaks of: a constant that cannot be read, a function that does not exist.
fn place_in(error: &Error, text: &str) -> Option<usize> {
    let message = error.message();
    match error.kind() {
        ErrorKind::InvalidTextRepresentation if message == "invalid input syntax for type json" => {
            place::of_document(text)
        }
        ErrorKind::InvalidTextRepresentation
        | ErrorKind::NumericValueOutOfRange
        | ErrorKind::InvalidDatetimeFormat
        | ErrorKind::DatetimeFieldOverflow
        | ErrorKind::IntervalFieldOverflow
        | ErrorKind::UndefinedTable => {
            let (_, quoted) = message.split_once('"')?;
            place::of_constant(text, quoted.rsplit_once('"')?.0)
        }
        ErrorKind::UndefinedFunction => {
            let (name, _) = message.strip_prefix("function ")?.split_once('(')?;
            place::of_call(text, name.rsplit('.').next()?)
        }
        _ => None,
    }
}

/// An error that several readers share cannot be taken apart; its text can be read.
fn from_shared(error: &DataFusionError) -> Error {
    if let DataFusionError::Shared(inner) = error {
        return from_shared(inner);
    }
    if let Some(own) = own_error(error) {
        return copy_of(own);
    }
    match error {
        DataFusionError::ResourcesExhausted(message) => exhausted(message.clone()),
        DataFusionError::Execution(message) => from_execution(message.clone()),
        DataFusionError::Plan(message) => from_plan(message.clone()),
        DataFusionError::ArrowError(inner, _) => from_arrow_text(inner),
        DataFusionError::Context(_, inner) => from_shared(inner),
        DataFusionError::IoError(error) => from_io_text(error),
        // Their words may tell paths.
        DataFusionError::ObjectStore(_) => {
            Error::new(ErrorKind::IoError, "the files of a table cannot be reached")
        }
        DataFusionError::ParquetError(_) => {
            Error::new(ErrorKind::DataCorrupted, "a data file of the table cannot be read")
        }
        DataFusionError::External(error) => match error.downcast_ref::<DataFusionError>() {
            Some(inner) => from_shared(inner),
            None => {
                Error::internal("the query failed inside the engine").caused_by(error.to_string())
            }
        },
        other => from_execution(other.strip_backtrace()),
    }
}

fn own_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(own) = error.downcast_ref::<Error>() {
            return Some(own);
        }
        next = error.source();
    }
    None
}

/// What an error of ours says, where the error itself cannot be had; of its cause, the words.
fn copy_of(own: &Error) -> Error {
    let copy = Error::new(own.kind(), own.message()).about(own.object().clone()).explained_as(own);
    match own.source() {
        Some(cause) => copy.caused_by(cause.to_string()),
        None => copy,
    }
}

fn span_of(error: &DataFusionError) -> Option<(u64, u64)> {
    match error {
        DataFusionError::Diagnostic(diagnostic, inner) => diagnostic
            .span
            .or_else(|| diagnostic.notes.iter().find_map(|note| note.span))
            .map(|span| (span.start.line, span.start.column))
            .or_else(|| span_of(inner)),
        DataFusionError::Context(_, inner) => span_of(inner),
        DataFusionError::Collection(errors) => errors.first().and_then(span_of),
        DataFusionError::Shared(inner) => span_of(inner),
        DataFusionError::SchemaError(schema_error, _) => {
            let (SchemaError::FieldNotFound { field, .. }
            | SchemaError::AmbiguousReference { field }) = schema_error.as_ref()
            else {
                return None;
            };
            field.spans().first().map(|span| (span.start.line, span.start.column))
        }
        _ => None,
    }
}

/// The 1-based character position of a 1-based line and column.
fn position_in(text: &str, line: u64, column: u64) -> Option<usize> {
    if line == 0 {
        return None;
    }
    let lines = usize::try_from(line - 1).ok()?;
    let before: usize = text.split_inclusive('\n').take(lines).map(|l| l.chars().count()).sum();
    Some(before + usize::try_from(column).ok()?)
}

fn from_schema(error: SchemaError) -> Error {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let written = field.flat_name().replace('"', "");
            let known_table = field.relation.as_ref().is_none_or(|relation| {
                valid_fields.iter().any(|valid| valid.relation.as_ref() == Some(relation))
            });
            if !known_table {
                let table = field.relation.as_ref().map(|r| r.table().to_owned());
                let table = table.unwrap_or_default();
                let message = format!("missing FROM-clause entry for table \"{table}\"");
                return Error::new(ErrorKind::UndefinedTable, message);
            }
            // PostgreSQL quotes a bare name and leaves a qualified one as it is.
            let message = match field.relation {
                Some(_) => format!("column {written} does not exist"),
                None => format!("column \"{}\" does not exist", field.name),
            };
            let error = Error::new(ErrorKind::UndefinedColumn, message);
            match nearest(&field.name, valid_fields.iter().map(|valid| valid.name.as_str())) {
                Some(name) => error
                    .with_hint(format!("Perhaps you meant to reference the column \"{name}\".")),
                None => error,
            }
        }
        SchemaError::AmbiguousReference { field } => Error::new(
            ErrorKind::AmbiguousColumn,
            format!("column reference \"{}\" is ambiguous", field.name),
        ),
        SchemaError::DuplicateQualifiedField { name, .. }
        | SchemaError::DuplicateUnqualifiedField { name } => Error::new(
            ErrorKind::DuplicateColumn,
            format!("column \"{name}\" specified more than once"),
        ),
    }
}

fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    use crate::bind::scope::edit_distance;
    let near = (name.chars().count() / 3).max(1);
    known
        .map(|candidate| (edit_distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= near)
        .min()
        .map(|(_, candidate)| candidate)
}

fn from_plan(message: String) -> Error {
    let first_line = message.lines().next().unwrap_or_default();
    if let Some(name) = between(first_line, "Invalid function '", "'") {
        let error =
            Error::new(ErrorKind::UndefinedFunction, format!("function {name} does not exist"));
        return match between(&message, "Did you mean '", "'") {
            Some(nearest) => error.with_hint(format!("Perhaps you meant the function {nearest}.")),
            None => error,
        };
    }
    if let Some(name) = between(first_line, "table function '", "' not found") {
        let message = format!("function {name} does not exist");
        return Error::new(ErrorKind::UndefinedFunction, message);
    }
    if message.contains("non-boolean predicate") {
        let message = "argument of WHERE must be type boolean";
        return Error::new(ErrorKind::DatatypeMismatch, message);
    }
    if message.contains("LIMIT must be >= 0") {
        let message = "LIMIT must not be negative";
        return Error::new(ErrorKind::InvalidRowCountInLimitClause, message);
    }
    if let Some(error) = from_known_plan(&message) {
        return error;
    }
    let kind = if message.contains("must appear in the GROUP BY")
        || message.contains("must be in GROUP BY")
    {
        ErrorKind::GroupingError
    } else if message.contains("Ambiguous reference") {
        ErrorKind::AmbiguousColumn
    } else if message.contains("No function matches")
        || message.contains("Failed to coerce arguments")
    {
        ErrorKind::UndefinedFunction
    } else if message.contains("oerce")
        || message.contains("Cannot cast")
        || message.contains("cast")
    {
        ErrorKind::DatatypeMismatch
    } else if message.contains("duplicate") || message.contains("unique expression names") {
        ErrorKind::DuplicateColumn
    } else if message.contains("laceholder") {
        ErrorKind::UndefinedParameter
    } else {
        ErrorKind::SyntaxError
    };
    Error::new(kind, lower_first(&message))
}

/// What the planner says always in the same words, and PostgreSQL in others.
const PHRASES: [(&str, ErrorKind, &str); 7] = [
    (
        "ggregate functions are not allowed in the WHERE",
        ErrorKind::GroupingError,
        "aggregate functions are not allowed in WHERE",
    ),
    (
        "The subquery should only return one column",
        ErrorKind::SyntaxError,
        "subquery must return only one column",
    ),
    (
        "UNION queries have different number of columns",
        ErrorKind::SyntaxError,
        "each UNION query must have the same number of columns",
    ),
    (
        "nconsistent data length across values list",
        ErrorKind::SyntaxError,
        "VALUES lists must all be the same length",
    ),
    (
        "OFFSET must be >=0",
        ErrorKind::InvalidRowCountInResultOffsetClause,
        "OFFSET must not be negative",
    ),
    (
        "NTILE requires a positive integer",
        ErrorKind::InvalidArgumentForNtile,
        "argument of ntile must be greater than zero",
    ),
    ("tep cannot be zero", ErrorKind::InvalidParameterValue, "step size cannot equal zero"),
];

/// What the planner says in words of its own, in PostgreSQL's.
fn from_known_plan(message: &str) -> Option<Error> {
    let error = |kind, message: String| Some(Error::new(kind, message));
    let told = |before: &str, after: &str| between(message, before, after);
    if let Some(call) = told("External error: function ", " does not exist") {
        let message = format!("function {call} does not exist");
        return error(ErrorKind::UndefinedFunction, message);
    }
    if let Some(name) = told("Function '", "' failed to match any signature") {
        let message = format!("function {name} does not exist for the types of its arguments");
        return error(ErrorKind::UndefinedFunction, message);
    }
    for nested in ["be nested", "contain window function calls"] {
        if message.contains(&format!("ggregate function calls cannot {nested}")) {
            let message = format!("aggregate function calls cannot {nested}");
            return error(ErrorKind::GroupingError, message);
        }
    }
    if let Some((_, kind, ours)) = PHRASES.iter().find(|(theirs, _, _)| message.contains(theirs)) {
        return error(*kind, (*ours).to_owned());
    }
    if let Some(column) = told("column \"", "\" must appear in the GROUP BY clause") {
        let message = format!(
            "column \"{column}\" must appear in the GROUP BY clause or be used in an aggregate function"
        );
        return error(ErrorKind::GroupingError, message);
    }
    if let Some(place) = told("column out of bounds, specified: ", ",") {
        let message = format!("ORDER BY position {place} is not in select list");
        return error(ErrorKind::InvalidColumnReference, message);
    }
    if let Some(place) = told("annot find column with position ", " in SELECT") {
        let message = format!("GROUP BY position {place} is not in select list");
        return error(ErrorKind::InvalidColumnReference, message);
    }
    if let Some((_, table)) = message.split_once("nvalid qualifier ") {
        let table = table.lines().next().unwrap_or(table).trim_matches('"');
        let message = format!("missing FROM-clause entry for table \"{table}\"");
        return error(ErrorKind::UndefinedTable, message);
    }
    if let Some(value) = told("must be between 0.0 and 1.0 inclusive, ", " is invalid") {
        let message = format!("percentile value {value} is not between 0 and 1");
        return error(ErrorKind::NumericValueOutOfRange, message);
    }
    undefined_operator(message)
}

/// Operators between types that have none.
fn undefined_operator(message: &str) -> Option<Error> {
    let words = |rest: &str| {
        let (left, rest) = first_type(rest)?;
        let (operator, rest) = rest.split_once(' ')?;
        let (right, _) = first_type(rest)?;
        Some((pg_name_of(left), operator.to_owned(), pg_name_of(right)))
    };
    let after = |before: &str| message.split_once(before).and_then(|(_, rest)| words(rest));
    if let Some((left, operator, right)) = after("for logical boolean operation ") {
        let wrong = if left == "boolean" { right } else { left };
        let message = format!("argument of {operator} must be type boolean, not type {wrong}");
        return Some(Error::new(ErrorKind::DatatypeMismatch, message));
    }
    if let Some((_, given)) = message.split_once("'NOT' requires a boolean expression, got ") {
        let given = pg_name_of(given.lines().next().unwrap_or(given));
        let message = format!("argument of NOT must be type boolean, not type {given}");
        return Some(Error::new(ErrorKind::DatatypeMismatch, message));
    }
    let operation = ["arithmetic expression ", "comparison operation ", "concat operation "];
    let (left, operator, right) = operation.iter().find_map(|before| after(before))?;
    let message = format!("operator does not exist: {left} {operator} {right}");
    Some(Error::new(ErrorKind::UndefinedFunction, message).with_hint(
        "No operator matches the given name and argument types. You might need to add explicit type casts.",
    ))
}

/// The name of Arrow's type that a text begins with, and what follows the space behind it. The name can have spaces in
/// parentheses: `Decimal128(2, 1)`.
fn first_type(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0_usize;
    let end = text.find(|character| {
        match character {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && matches!(character, ' ' | '\n')
    });
    let (name, rest) = end.map_or((text, ""), |end| text.split_at(end));
    (!name.is_empty()).then_some((name, rest.trim_start()))
}

fn from_execution(message: String) -> Error {
    let lower = message.to_ascii_lowercase();
    if lower.contains("divide by zero") || lower.contains("division by zero") {
        return Error::new(ErrorKind::DivisionByZero, "division by zero");
    }
    if lower.contains("overflow") || lower.contains("out of range") {
        return Error::new(ErrorKind::NumericValueOutOfRange, lower_first(&message));
    }
    if lower.contains("error parsing") || lower.contains("timestamp") && lower.contains("parse") {
        return Error::new(ErrorKind::InvalidDatetimeFormat, lower_first(&message));
    }
    if lower.contains("regular expression") || lower.contains("regex") {
        return Error::new(ErrorKind::InvalidRegularExpression, lower_first(&message));
    }
    if lower.contains("more than one row") {
        return Error::new(
            ErrorKind::CardinalityViolation,
            "more than one row returned by a subquery used as an expression",
        );
    }
    if message.contains(" to Timestamp") && message.contains("representable") {
        let message = "date out of range for timestamp";
        return Error::new(ErrorKind::DatetimeFieldOverflow, message);
    }
    Error::new(ErrorKind::InvalidParameterValue, lower_first(&message))
}

fn from_arrow(error: ArrowError) -> Error {
    match error {
        ArrowError::ExternalError(error) => from_external(error),
        ArrowError::IoError(_, error) => from_io(error),
        error => from_arrow_text(&error),
    }
}

fn from_arrow_text(error: &ArrowError) -> Error {
    match error {
        ArrowError::DivideByZero => Error::new(ErrorKind::DivisionByZero, "division by zero"),
        ArrowError::ArithmeticOverflow(message) => {
            Error::new(ErrorKind::NumericValueOutOfRange, overflowed(message))
                .caused_by(error.to_string())
        }
        ArrowError::CastError(message) => from_cast(message),
        ArrowError::ParseError(message) => {
            let message = lower_first(message);
            Error::new(ErrorKind::InvalidDatetimeFormat, message)
        }
        ArrowError::InvalidArgumentError(message)
            if message.contains("too large") || message.contains("too small") =>
        {
            Error::new(ErrorKind::NumericValueOutOfRange, "numeric field overflow")
                .with_detail(message.clone())
        }
        ArrowError::InvalidArgumentError(message) | ArrowError::ComputeError(message) => {
            from_execution(message.clone())
        }
        ArrowError::NotYetImplemented(message) => {
            Error::new(ErrorKind::FeatureNotSupported, lower_first(message))
        }
        ArrowError::MemoryError(message) => exhausted(message.clone()),
        ArrowError::IoError(_, error) => from_io_text(error),
        ArrowError::ExternalError(error) => match error.downcast_ref::<DataFusionError>() {
            Some(inner) => from_shared(inner),
            None => {
                Error::internal("the query failed inside the engine").caused_by(error.to_string())
            }
        },
        other => Error::internal("the query failed inside the engine").caused_by(other.to_string()),
    }
}

/// What is out of range, by the number that has no opposite: the least one of its type, divided by -1.
fn overflowed(message: &str) -> &'static str {
    let has = |least: &str| message.contains(&format!(" {least} /"));
    if has("-32768") {
        "smallint out of range"
    } else if has("-2147483648") {
        "integer out of range"
    } else if has("-9223372036854775808") {
        "bigint out of range"
    } else {
        "value out of range"
    }
}

/// Arrow's cast errors name the value and Arrow's type; PostgreSQL's name its own.
fn from_cast(message: &str) -> Error {
    let value = between(message, "Cannot cast string '", "' to value of ");
    let target = message.rsplit(" to value of ").next().and_then(|rest| rest.strip_suffix(" type"));
    if let (Some(value), Some(target)) = (value, target) {
        let type_name = pg_name_of(target);
        return Error::new(
            ErrorKind::InvalidTextRepresentation,
            format!("invalid input syntax for type {type_name}: \"{value}\""),
        );
    }
    if let Some(target) = message.split_once(" is out of range ").map(|(_, target)| target) {
        let message = format!("{} out of range", pg_name_of(target.trim()));
        return Error::new(ErrorKind::NumericValueOutOfRange, message);
    }
    if let Some((_, target)) = message.split_once(" to type ")
        && message.starts_with("Can't cast value")
    {
        let message = format!("{} out of range", pg_name_of(target.trim()));
        return Error::new(ErrorKind::NumericValueOutOfRange, message);
    }
    if message.contains("Can't cast value") || message.to_lowercase().contains("overflow") {
        return Error::new(ErrorKind::NumericValueOutOfRange, "value out of range")
            .with_detail(message.to_owned());
    }
    Error::new(ErrorKind::InvalidTextRepresentation, lower_first(message))
}

fn pg_name_of(arrow_name: &str) -> String {
    let known = arrow_name.parse::<DataType>().ok().and_then(|data_type| {
        let field = datafusion::arrow::datatypes::Field::new("", data_type, true);
        pg_type_of(&field).ok()
    });
    match known {
        Some((pg_type, _)) => pg_type.sql_name(crate::base::datatype::NO_TYPMOD),
        None if arrow_name.starts_with("Struct(") => BaseType::Record.sql_name().to_owned(),
        None => arrow_name.to_owned(),
    }
}

fn from_parquet(error: ParquetError) -> Error {
    match error {
        ParquetError::External(error) => from_external(error),
        ParquetError::General(message) | ParquetError::EOF(message) => {
            Error::new(ErrorKind::DataCorrupted, "a data file of the table cannot be read")
                .caused_by(message)
        }
        other => Error::new(ErrorKind::DataCorrupted, "a data file of the table cannot be read")
            .caused_by(other.to_string()),
    }
}

fn from_io(error: std::io::Error) -> Error {
    match error.get_ref().is_some_and(|inner| inner.is::<DataFusionError>() || inner.is::<Error>())
    {
        true => match error.into_inner() {
            Some(inner) => from_external(inner),
            None => Error::new(ErrorKind::IoError, "reading or writing a file failed"),
        },
        false => from_io_text(&error).caused_by(error),
    }
}

fn from_io_text(error: &std::io::Error) -> Error {
    if error.kind() == std::io::ErrorKind::StorageFull {
        return Error::new(ErrorKind::DiskFull, "no space left on the disk for spilled data");
    }
    // The bound on spilled data comes this way when the writer of a spill file meets it.
    let words = error.to_string();
    match words.contains("disk space") {
        true => exhausted(words),
        false => Error::new(ErrorKind::IoError, "reading or writing a file failed"),
    }
}

/// A store's failure that reached the engine without its table.
fn from_store(error: object_store::Error) -> Error {
    crate::storage::error_of_store(error)
}

fn from_external(error: Box<dyn StdError + Send + Sync>) -> Error {
    let error = match error.downcast::<Error>() {
        Ok(own) => return *own,
        Err(error) => error,
    };
    let error = match error.downcast::<DataFusionError>() {
        Ok(engine) => return from_datafusion(*engine),
        Err(error) => error,
    };
    let error = match error.downcast::<ArrowError>() {
        Ok(arrow) => return from_arrow(*arrow),
        Err(error) => error,
    };
    let error = match error.downcast::<object_store::Error>() {
        Ok(store) => return from_store(*store),
        Err(error) => error,
    };
    let error = match error.downcast::<ParquetError>() {
        Ok(parquet) => return from_parquet(*parquet),
        Err(error) => error,
    };
    match error.downcast::<std::io::Error>() {
        Ok(io) => from_io(*io),
        Err(error) => match own_error(error.as_ref()) {
            Some(own) => copy_of(own),
            None => from_foreign(error),
        },
    }
}

/// Errors of crates that only the engine's own crates name: their words are all that can be told apart.
fn from_foreign(error: Box<dyn StdError + Send + Sync>) -> Error {
    let words = error.to_string();
    if words.starts_with("regex parse error") {
        // The last line says what is wrong, the others draw where.
        let reason = words.lines().last().and_then(|line| line.trim().strip_prefix("error: "));
        let reason = reason.unwrap_or("it cannot be read");
        let message = format!("invalid regular expression: {reason}");
        return Error::new(ErrorKind::InvalidRegularExpression, message).caused_by(error);
    }
    if words.starts_with("Compiled regex exceeds size limit") {
        let message = "invalid regular expression: it is too complex";
        return Error::new(ErrorKind::InvalidRegularExpression, message).caused_by(error);
    }
    Error::internal("the query failed inside the engine").caused_by(error)
}

/// The error of a change of a table, where `delta` could not tell more than that it failed or had not enough
/// of something: said as for a query.
pub fn retold(error: Error) -> Error {
    if !matches!(error.kind(), ErrorKind::InternalError | ErrorKind::OutOfMemory) {
        return error;
    }
    let cause = error.source().and_then(|cause| cause.downcast_ref::<DataFusionError>());
    match cause.map(|cause| from_shared(cause.find_root())) {
        Some(known) if known.kind() != ErrorKind::InternalError => known.caused_by(error),
        Some(_) | None => error,
    }
}

fn exhausted(message: String) -> Error {
    if message.contains("disk space") {
        return Error::new(ErrorKind::DiskFull, "the query spills more than is allowed")
            .with_detail(lower_first(&message))
            .with_hint("Narrow the query, or raise limits.spill_bytes_max.");
    }
    Error::new(ErrorKind::OutOfMemory, "out of memory for this query")
        .with_detail(message)
        .with_hint("Narrow the query, or raise limits.memory_bytes_per_query.")
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found)
}

/// PostgreSQL's messages begin in lower case.
fn lower_first(message: &str) -> String {
    let message = message.trim_end_matches('.');
    let mut letters = message.chars();
    match letters.next() {
        // An all-capital first word is a name, such as CASE.
        Some(first) if !message.chars().nth(1).is_some_and(char::is_uppercase) => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn casts_speak_of_postgresql_types() {
        let error = from_cast("Cannot cast string 'a''b' to value of Int64 type");
        assert_eq!(error.sqlstate(), "22P02");
        assert_eq!(error.message(), "invalid input syntax for type bigint: \"a''b\"");
    }

    #[test]
    fn positions_count_characters_over_lines() {
        assert_eq!(position_in("select\n  é, x", 2, 6), Some(13));
        assert_eq!(position_in("select", 0, 0), None);
    }

    #[test]
    fn an_error_of_ours_survives_the_way_through_the_engine() {
        let own = Error::new(ErrorKind::UndefinedFile, "a data file is missing");
        let wrapped = DataFusionError::Context(
            "scan".to_owned(),
            Box::new(DataFusionError::External(Box::new(own))),
        );
        assert_eq!(from_datafusion(wrapped).sqlstate(), "58P01");
    }
}
