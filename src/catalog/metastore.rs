//! The metastore: a transactional database and, in front of it, the newest snapshot. Reading is a
//! pointer load; writing commits SQL first and publishes the next snapshot after. It decides nothing
//! about rights and opens no table.

use std::fs::File;
use std::sync::Arc;

use arc_swap::ArcSwap;
use aws_lc_rs::rand;
use chrono::Utc;
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, query, query_as};
use tokio::sync::{Mutex, MutexGuard};
use uuid::Uuid;

use crate::base::{Error, ErrorKind, Oid, Result, SecurableId};

use super::change::{Change, NewCatalog, NewPrincipal, NewSchema};
use super::constraint_store;
use super::draft::Draft;
use super::index_store;
use super::journal;
use super::load;
use super::snapshot::Snapshot;
use super::sqlite::{self, Database, database_error};
use super::write;

/// The format of the metastore that this version writes, above what migrations can say: a version that
/// finds a higher one must not touch it.
const FORMAT_VERSION: i64 = 1;

/// Where the OIDs begin that things have while their transaction is not committed.
pub(super) const PROVISIONAL_OID: u32 = 0xF000_0000;
/// Bytes of the key of [`Metastore::login_key`].
const LOGIN_KEY_BYTES: usize = 32;

/// All that exists and who may do what, kept in one database file. One process has it open at a time.
pub struct Metastore {
    shared: Arc<Shared>,
}

struct Shared {
    current: ArcSwap<Snapshot>,
    /// Writers take turns. Declared before the lock file, so that it is closed first.
    connection: Mutex<SqliteConnection>,
    login_key: [u8; LOGIN_KEY_BYTES],
    _lock: Option<File>,
}

impl Metastore {
    /// Opens the metastore at `url`: `sqlite:///absolute/path/metastore.db` (see [`super::url_of`]),
    /// which is made when it is not there, or `sqlite::memory:`.
    ///
    /// Errors: 55006 while another process has it open, 0A000 for other databases and for the metastore
    /// of a newer version, XX001 for a damaged file.
    pub async fn open(url: &str) -> Result<Arc<Metastore>> {
        let Database { mut connection, lock } = sqlite::open(url).await?;
        let mut transaction = connection.begin().await.map_err(database_error)?;
        check_format(&mut transaction).await?;
        let login_key = login_key(&mut transaction).await?;
        let facts = load::facts(&mut transaction).await?;
        transaction.commit().await.map_err(database_error)?;
        let shared = Shared {
            current: ArcSwap::from_pointee(Snapshot::new(facts)),
            connection: Mutex::new(connection),
            login_key,
            _lock: lock,
        };
        Ok(Arc::new(Metastore { shared: Arc::new(shared) }))
    }

    /// Random bytes that belong to this metastore for good: what the server answers to strangers who try
    /// to log in is made from them, so that it is the same after a restart.
    pub fn login_key(&self) -> [u8; LOGIN_KEY_BYTES] {
        self.shared.login_key
    }

    /// The newest snapshot. Never waits.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.shared.current.load_full()
    }

    /// Applies all changes in one transaction, in order, and publishes the snapshot that has them. After
    /// an error nothing has changed. A caller that stops waiting does not stop a change half-way.
    ///
    /// Errors are those that PostgreSQL gives for a name that is taken (42P04, 42P06, 42P07, 42710), for
    /// a thing that is gone (3D000, 3F000, 42P01, 42703, 42704) and for an owner that is dropped (2BP01).
    pub async fn apply(&self, changes: &[Change]) -> Result<Arc<Snapshot>> {
        self.apply_when(None, changes, None).await
    }

    /// As [`Metastore::apply`], and ends the commit of that id, which has begun with
    /// [`Metastore::begin_commit`]: both happen or neither.
    pub async fn commit(&self, changes: &[Change], id: Uuid) -> Result<Arc<Snapshot>> {
        self.apply_when(None, changes, Some(id)).await
    }

    /// The snapshot as it would be after the changes, for a transaction to see what it has done. Its OIDs of
    /// new things are for the time being.
    pub fn preview(&self, base: &Snapshot, changes: &[Change]) -> Result<Arc<Snapshot>> {
        let mut draft = Draft::new(base, base.provisional_oid(), microseconds_now());
        for change in changes {
            draft.apply(change)?;
        }
        Ok(Arc::new(draft.finish()?))
    }

    /// As [`Metastore::apply`], but fails with 40001 when the snapshot of `revision`, which the changes
    /// were decided on, is not the newest any more. The caller binds its statement again and retries.
    pub async fn apply_at(&self, revision: u64, changes: &[Change]) -> Result<Arc<Snapshot>> {
        self.apply_when(Some(revision), changes, None).await
    }

    /// Whether nothing was ever stored: the first start.
    pub fn is_new(&self) -> bool {
        self.snapshot().revision() == 0
    }

    /// The first change of a new metastore: its first user, and a catalog with a schema that this user
    /// owns. Fails with 55000 when the metastore is not new.
    pub async fn initialise(
        &self,
        admin: NewPrincipal,
        catalog: &str,
        schema: &str,
    ) -> Result<Arc<Snapshot>> {
        if !self.is_new() {
            let message = "the metastore is initialised already";
            return Err(Error::new(ErrorKind::ObjectNotInPrerequisiteState, message));
        }
        let owner = admin.id;
        let (catalog_id, comment) = (SecurableId::generate(), None);
        let catalog = NewCatalog { id: catalog_id, name: catalog.to_owned(), owner, comment };
        let schema = NewSchema {
            id: SecurableId::generate(),
            catalog: catalog_id,
            name: schema.to_owned(),
            owner,
            comment: None,
        };
        let changes = [
            Change::CreatePrincipal(admin),
            Change::CreateCatalog(catalog),
            Change::CreateSchema(schema),
        ];
        self.apply_at(0, &changes).await
    }

    async fn apply_when(
        &self,
        decided_at: Option<u64>,
        changes: &[Change],
        ending: Option<Uuid>,
    ) -> Result<Arc<Snapshot>> {
        let (shared, changes) = (Arc::clone(&self.shared), changes.to_vec());
        // A task of its own: between the commit and the publishing nobody may cancel.
        let task = tokio::spawn(async move { shared.apply(decided_at, &changes, ending).await });
        task.await.map_err(|error| {
            let message = "the change of the metastore was interrupted";
            Error::new(ErrorKind::StatementCompletionUnknown, message).caused_by(error)
        })?
    }

    /// The one connection, when it is this caller's turn.
    pub(super) async fn writer(&self) -> MutexGuard<'_, SqliteConnection> {
        self.shared.connection.lock().await
    }
}

impl Shared {
    async fn apply(
        &self,
        decided_at: Option<u64>,
        changes: &[Change],
        ending: Option<Uuid>,
    ) -> Result<Arc<Snapshot>> {
        let mut connection = self.connection.lock().await;
        // Not a transaction of sqlx's: when the disk is full SQLite ends one by itself, and sqlx would take it
        // for open ever after. IMMEDIATE takes SQLite's write lock now, not when the first row is written.
        execute(&mut connection, "BEGIN IMMEDIATE").await?;
        let mut outcome = self.write(&mut connection, decided_at, changes, ending).await;
        if outcome.is_ok()
            && let Err(error) = execute(&mut connection, "COMMIT").await
        {
            outcome = Err(error);
        }
        match outcome {
            Ok(next) => {
                self.current.store(Arc::clone(&next));
                Ok(next)
            }
            Err(error) => {
                // Fails when SQLite has ended the transaction already.
                let _ = execute(&mut connection, "ROLLBACK").await;
                Err(error)
            }
        }
    }

    /// Writes the changes, and gives the snapshot with them, inside a transaction.
    async fn write(
        &self,
        connection: &mut SqliteConnection,
        decided_at: Option<u64>,
        changes: &[Change],
        ending: Option<Uuid>,
    ) -> Result<Arc<Snapshot>> {
        let counters = load::counters(connection).await?;
        let mut current = self.current.load_full();
        if current.revision() != counters.revision {
            // A commit whose outcome stayed unknown has happened after all.
            current = Arc::new(Snapshot::new(load::facts(connection).await?));
            self.current.store(Arc::clone(&current));
        }
        if decided_at.is_some_and(|revision| revision != current.revision()) {
            let message = "could not serialize access due to concurrent update";
            return Err(Error::new(ErrorKind::SerializationFailure, message)
                .with_detail("The metastore has changed since the statement was planned."));
        }
        if let Some(commit) = ending {
            journal::erase(connection, commit).await?;
        }
        if changes.is_empty() {
            return Ok(current);
        }
        let mut draft = Draft::new(&current, counters.next_oid, microseconds_now());
        for change in changes {
            draft.apply(change)?;
            write::write_change(connection, change, &draft).await?;
        }
        constraint_store::write(connection, &draft).await?;
        index_store::write(connection, &draft).await?;
        write::write_counters(connection, &draft).await?;
        Ok(Arc::new(draft.finish()?))
    }
}

pub(super) async fn execute(
    connection: &mut SqliteConnection,
    statement: &'static str,
) -> Result<()> {
    query(statement).execute(connection).await.map(drop).map_err(database_error)
}

/// The metastore's id; makes its one row on the first start.
async fn check_format(connection: &mut SqliteConnection) -> Result<()> {
    query(
        "INSERT INTO metastore (singleton, id, format_version, revision, next_oid, created_at)
         VALUES (1, $1, $2, 0, $3, $4)
         ON CONFLICT (singleton) DO NOTHING",
    )
    .bind(Uuid::now_v7().to_string())
    .bind(FORMAT_VERSION)
    .bind(Oid::FIRST_NORMAL.0)
    .bind(microseconds_now())
    .execute(&mut *connection)
    .await
    .map_err(database_error)?;
    let (format_version,) = query_as::<_, (i64,)>("SELECT format_version FROM metastore")
        .fetch_one(connection)
        .await
        .map_err(database_error)?;
    if format_version > FORMAT_VERSION {
        return Err(Error::unsupported(format!("metastore format {format_version}"))
            .with_hint("Start the newest version that has been used with this data folder."));
    }
    Ok(())
}

/// The key of [`Metastore::login_key`]; makes it when it is not there.
async fn login_key(connection: &mut SqliteConnection) -> Result<[u8; LOGIN_KEY_BYTES]> {
    let mut key = [0; LOGIN_KEY_BYTES];
    rand::fill(&mut key).map_err(|_| Error::internal("the system's random generator failed"))?;
    query(
        "INSERT INTO server_secret (name, value) VALUES ('login key', $1)
         ON CONFLICT (name) DO NOTHING",
    )
    .bind(key.to_vec())
    .execute(&mut *connection)
    .await
    .map_err(database_error)?;
    let select = "SELECT value FROM server_secret WHERE name = 'login key'";
    let (kept,) =
        query_as::<_, (Vec<u8>,)>(select).fetch_one(connection).await.map_err(database_error)?;
    kept.try_into().map_err(|_| {
        Error::new(ErrorKind::DataCorrupted, "the metastore holds a login key of another length")
    })
}

pub(super) fn microseconds_now() -> i64 {
    Utc::now().timestamp_micros()
}
