//! The SQLite file under the metastore: its URL, its lock, how it is opened and migrated, and what its
//! errors mean. It knows nothing of what the tables hold.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, SqlStr};
use url::Url;

use crate::base::{Error, ErrorKind, Result};

/// How long a statement waits for a tool that reads or backs up the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Every migration, oldest first. A new file takes effect by standing here; the compiler watches it.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "foundation", include_str!("../../sql/metastore/0001_foundation.sql")),
    (2, "public grants", include_str!("../../sql/metastore/0002_public_grants.sql")),
    (3, "open commit", include_str!("../../sql/metastore/0003_open_commit.sql")),
    (4, "storage", include_str!("../../sql/metastore/0004_storage.sql")),
    (5, "maintenance", include_str!("../../sql/metastore/0005_maintenance.sql")),
    (6, "constraints", include_str!("../../sql/metastore/0006_constraints.sql")),
    (7, "foreign files", include_str!("../../sql/metastore/0007_foreign_files.sql")),
    (8, "table statistics", include_str!("../../sql/metastore/0008_table_statistics.sql")),
    (9, "indexes", include_str!("../../sql/metastore/0009_indexes.sql")),
    (10, "materialized views", include_str!("../../sql/metastore/0010_materialized_views.sql")),
    (11, "shallow clones", include_str!("../../sql/metastore/0011_shallow_clones.sql")),
    (12, "analyze runs", include_str!("../../sql/metastore/0012_analyze_runs.sql")),
    (13, "referential rules", include_str!("../../sql/metastore/0013_referential_rules.sql")),
];

/// Where a metastore is.
#[derive(Debug, PartialEq)]
enum Place {
    Memory,
    File(PathBuf),
}

/// An open, migrated database, and the lock that keeps other processes away from it.
pub(super) struct Database {
    pub connection: SqliteConnection,
    /// `None` in memory. The lock ends when this is closed, by the kernel also when the process dies.
    pub lock: Option<File>,
}

/// Opens the metastore at `url`, making the file when there is none.
pub(super) async fn open(url: &str) -> Result<Database> {
    let options = SqliteConnectOptions::new()
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging();
    let (options, lock) = match place(url)? {
        Place::Memory => (options.in_memory(true), None),
        Place::File(path) => {
            let lock = lock(&path)?;
            open_private(&path).map_err(|error| file_error(&path, error))?;
            (options.filename(&path), Some(lock))
        }
    };
    let mut connection = options.connect().await.map_err(database_error)?;
    migrator().run_direct(None, &mut connection, false).await.map_err(migrate_error)?;
    Ok(Database { connection, lock })
}

/// The URL of the metastore in the file at `path`, which must be absolute.
pub fn url_of(path: &Path) -> Result<String> {
    let url = Url::from_file_path(path).map_err(|()| {
        let message = format!("the path of the metastore is not absolute: {}", path.display());
        Error::new(ErrorKind::ConfigFileError, message)
    })?;
    Ok(url.as_str().replacen("file:", "sqlite:", 1))
}

fn place(url: &str) -> Result<Place> {
    if url == "sqlite::memory:" {
        return Ok(Place::Memory);
    }
    let Some(path) = url.strip_prefix("sqlite:") else {
        // The rest of the URL may hold a password.
        let scheme = url.split_once(':').map_or(url, |(scheme, _)| scheme);
        return Err(Error::unsupported(format!("a metastore in \"{scheme}\""))
            .with_hint("Use a URL of the form sqlite:///absolute/path/metastore.db."));
    };
    let file = Url::parse(&format!("file:{path}")).ok().filter(|file| {
        path.starts_with("///") && file.query().is_none() && file.fragment().is_none()
    });
    file.and_then(|file| file.to_file_path().ok()).map(Place::File).ok_or_else(|| {
        let message = format!("invalid URL of a metastore: \"{url}\"");
        Error::new(ErrorKind::ConfigFileError, message)
            .with_hint("Use a URL of the form sqlite:///absolute/path/metastore.db.")
    })
}

/// Takes the lock file beside the database. One process at a time: its snapshot is the truth that
/// statements are planned against.
fn lock(path: &Path) -> Result<File> {
    let mut lock_path = path.as_os_str().to_owned();
    lock_path.push(".lock");
    let lock_path = PathBuf::from(lock_path);
    let file = open_private(&lock_path).map_err(|error| file_error(&lock_path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let message = format!("the metastore {} is in use by another process", path.display());
            Err(Error::new(ErrorKind::ObjectInUse, message)
                .with_hint("Stop the other server, or choose another data folder."))
        }
        Err(TryLockError::Error(error)) => Err(file_error(&lock_path, error)),
    }
}

/// Opens or makes a file that only its owner may read: verifiers are in it. SQLite gives its own files
/// beside the database the same mode.
fn open_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn file_error(path: &Path, error: io::Error) -> Error {
    let path = path.display();
    let (kind, reason, hint) = match error.kind() {
        io::ErrorKind::NotFound => {
            (ErrorKind::UndefinedFile, "its folder does not exist", "Make the folder first.")
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => (
            ErrorKind::IoError,
            "the file or its folder cannot be written",
            "Give the user that runs the server the right to write there.",
        ),
        io::ErrorKind::StorageFull => {
            (ErrorKind::DiskFull, "the disk is full", "Make room on the disk.")
        }
        _ => (ErrorKind::IoError, "the file cannot be opened", "See the log for the cause."),
    };
    Error::new(kind, format!("cannot open metastore file {path}: {reason}"))
        .with_hint(hint)
        .caused_by(error)
}

fn migrator() -> Migrator {
    let migrations = MIGRATIONS.iter().map(|&(version, name, sql)| {
        let sql = SqlStr::from_static(sql);
        Migration::new(version, name.into(), MigrationType::Simple, sql, false)
    });
    Migrator::with_migrations(migrations.collect())
}

fn migrate_error(error: MigrateError) -> Error {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            database_error(error)
        }
        MigrateError::VersionMissing(_) => {
            Error::unsupported("a metastore that a newer version of Lakegate has written")
                .with_hint("Start the newest version that has been used with this data folder.")
                .caused_by(error)
        }
        MigrateError::VersionMismatch(_) | MigrateError::Dirty(_) => {
            let message = "the tables of the metastore are not those that this version has made";
            Error::new(ErrorKind::DataCorrupted, message).caused_by(error)
        }
        other => Error::internal("the metastore cannot be migrated").caused_by(other),
    }
}

/// What an error of the database means.
pub(super) fn database_error(error: sqlx::Error) -> Error {
    let (kind, message) = match &error {
        sqlx::Error::Database(database) => {
            let code = database.code().and_then(|code| code.parse::<u32>().ok());
            meaning_of(code.unwrap_or_default())
        }
        sqlx::Error::Io(_) => (ErrorKind::IoError, "the metastore cannot be read or written"),
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
            (ErrorKind::DataCorrupted, "the metastore holds a value that it cannot read")
        }
        sqlx::Error::WorkerCrashed => (ErrorKind::InternalError, "the metastore has stopped"),
        _ => (ErrorKind::InternalError, "the metastore failed"),
    };
    Error::new(kind, message).caused_by(error)
}

/// SQLite's primary result codes (<https://sqlite.org/rescode.html>); extended ones keep theirs in the
/// low byte.
fn meaning_of(code: u32) -> (ErrorKind, &'static str) {
    match code & 0xff {
        5 | 6 => (ErrorKind::LockNotAvailable, "the metastore is locked by another program"),
        7 => (ErrorKind::OutOfMemory, "the metastore has no memory left"),
        3 | 8 => (ErrorKind::IoError, "the metastore cannot be written: its file is read-only"),
        10 => (ErrorKind::IoError, "the metastore cannot be read or written"),
        11 | 26 => (ErrorKind::DataCorrupted, "the file of the metastore is damaged"),
        13 => (ErrorKind::DiskFull, "the disk of the metastore is full"),
        14 => (ErrorKind::IoError, "the file of the metastore cannot be opened"),
        19 => (ErrorKind::InternalError, "a change broke a constraint of the metastore"),
        _ => (ErrorKind::InternalError, "the metastore failed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_a_file_or_memory() {
        assert_eq!(place("sqlite::memory:").unwrap(), Place::Memory);
        for path in ["/data/metastore.db", "/with space/50%/a?b#c.db"] {
            let path = PathBuf::from(path);
            assert_eq!(place(&url_of(&path).unwrap()).unwrap(), Place::File(path));
        }
        for url in ["sqlite:metastore.db", "sqlite://host/metastore.db", "sqlite:///a.db?mode=ro"] {
            assert_eq!(place(url).unwrap_err().kind(), ErrorKind::ConfigFileError, "{url}");
        }
    }

    #[test]
    fn another_database_is_refused_without_its_password() {
        let error = place("postgres://user:hunter2@host/db").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::FeatureNotSupported);
        assert!(!format!("{error:?}").contains("hunter2"));
        assert!(error.hint().is_some());
    }

    #[test]
    fn migrations_are_in_order_without_gaps() {
        let versions: Vec<i64> = MIGRATIONS.iter().map(|migration| migration.0).collect();
        assert_eq!(versions, (1..=MIGRATIONS.len() as i64).collect::<Vec<_>>());
    }

    #[test]
    fn extended_result_codes_mean_what_their_primary_code_means() {
        // SQLITE_CORRUPT_INDEX, SQLITE_READONLY_DIRECTORY, SQLITE_FULL.
        assert_eq!(meaning_of(779).0, ErrorKind::DataCorrupted);
        assert_eq!(meaning_of(1544).0, ErrorKind::IoError);
        assert_eq!(meaning_of(13).0, ErrorKind::DiskFull);
    }
}
