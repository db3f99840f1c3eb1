//! The live sessions: who is connected, what each does, how to cancel or end one. It holds no socket and
//! runs nothing; sessions listen to the tokens they get here.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::rand;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use crate::base::{Error, ErrorKind, Result};
use crate::engine::facts::{SessionActivity, Sessions};

use super::channel::Channels;

/// Bytes of query text in the activity record (PostgreSQL's `track_activity_query_size`).
const QUERY_BYTES_MAX: usize = 1024;

/// How long the key is that may cancel a session's statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyLength {
    /// 4 bytes: protocol 3.0.
    Short,
    /// 32 bytes: protocol 3.2.
    Long,
}

/// All live sessions.
pub struct Registry {
    sessions_max: usize,
    sessions: Mutex<HashMap<i32, Arc<Session>>>,
    next_pid: AtomicU32,
    channels: Channels,
    draining: CancellationToken,
    left: Notify,
}

struct Session {
    pid: i32,
    secret: Zeroizing<Vec<u8>>,
    activity: Mutex<SessionActivity>,
    /// The running statement; a cancel between statements finds none and does nothing.
    statement: Mutex<Option<CancellationToken>>,
    termination: CancellationToken,
}

/// A session's place in the registry, given up on drop.
pub struct SessionSlot {
    registry: Arc<Registry>,
    session: Arc<Session>,
}

/// A running statement, for as long as a cancel may hit it.
pub struct StatementGuard {
    session: Arc<Session>,
    token: CancellationToken,
}

impl Registry {
    /// A registry for at most `sessions_max` sessions at one time.
    pub fn new(sessions_max: usize) -> Arc<Self> {
        // Starts anywhere, so that a key kept from before a restart names no session of now.
        let mut start = [0; 4];
        let start = rand::fill(&mut start).map_or(1, |()| u32::from_be_bytes(start));
        Arc::new(Registry {
            sessions_max,
            sessions: Mutex::default(),
            next_pid: AtomicU32::new(start),
            channels: Channels::default(),
            draining: CancellationToken::new(),
            left: Notify::new(),
        })
    }

    /// Whether one more session would be taken, asked before the work of a login.
    ///
    /// # Errors
    /// 53300 when there are too many, 57P03 when the server is stopping.
    pub fn check_room(&self) -> Result<()> {
        self.check_room_among(lock(&self.sessions).len())
    }

    fn check_room_among(&self, count: usize) -> Result<()> {
        if self.draining.is_cancelled() {
            return Err(Error::new(
                ErrorKind::CannotConnectNow,
                "the database system is shutting down",
            ));
        }
        if count >= self.sessions_max {
            let message = "sorry, too many clients already";
            return Err(Error::new(ErrorKind::TooManyConnections, message));
        }
        Ok(())
    }

    /// Takes a session in. `activity` says who it is; its `backend_pid` is set here.
    ///
    /// # Errors
    /// As [`Registry::check_room`].
    pub fn register(
        self: &Arc<Self>,
        key_length: KeyLength,
        activity: SessionActivity,
    ) -> Result<SessionSlot> {
        let mut secret = Zeroizing::new(match key_length {
            KeyLength::Short => vec![0; 4],
            KeyLength::Long => vec![0; 32],
        });
        rand::fill(&mut secret)
            .map_err(|_| Error::internal("the system's random generator failed"))?;

        let mut sessions = lock(&self.sessions);
        self.check_room_among(sessions.len())?;
        let pid = loop {
            let pid = self.next_pid();
            if !sessions.contains_key(&pid) {
                break pid;
            }
        };
        let session = Arc::new(Session {
            pid,
            secret,
            activity: Mutex::new(SessionActivity { backend_pid: pid, ..activity }),
            statement: Mutex::default(),
            termination: CancellationToken::new(),
        });
        sessions.insert(pid, Arc::clone(&session));
        drop(sessions);
        Ok(SessionSlot { registry: Arc::clone(self), session })
    }

    /// A number from 1 to `i32::MAX`: clients take a backend's pid for a positive `int4`.
    fn next_pid(&self) -> i32 {
        let next = self.next_pid.fetch_add(1, Ordering::Relaxed) & 0x7fff_ffff;
        i32::try_from(next).unwrap_or(1).max(1)
    }

    /// Cancels the running statement of the session that has this secret. Says nothing about whether
    /// there was one: the asker has not logged in.
    pub fn cancel(&self, pid: i32, secret: &[u8]) {
        if let Some(session) = self.session(pid)
            && verify_slices_are_equal(&session.secret, secret).is_ok()
        {
            session.cancel_statement();
        }
    }

    /// What every session does now, by pid. Copies all records: for statements that ask for them.
    pub fn activities(&self) -> Arc<[SessionActivity]> {
        let sessions: Vec<_> = lock(&self.sessions).values().map(Arc::clone).collect();
        let mut activities: Vec<_> =
            sessions.iter().map(|session| lock(&session.activity).clone()).collect();
        activities.sort_by_key(|activity| activity.backend_pid);
        activities.into()
    }

    /// Who listens on which channel.
    pub fn channels(&self) -> &Channels {
        &self.channels
    }

    pub fn len(&self) -> usize {
        lock(&self.sessions).len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes no more sessions, and tells all to end when their statement has (see
    /// [`SessionSlot::draining`]).
    pub fn drain(&self) {
        self.draining.cancel();
    }

    /// Ends every session at once, running statements too.
    pub fn terminate_all(&self) {
        lock(&self.sessions).values().for_each(|session| session.termination.cancel());
    }

    /// Waits until the last session has left.
    pub async fn wait_until_empty(&self) {
        loop {
            let left = self.left.notified();
            if self.is_empty() {
                return;
            }
            left.await;
        }
    }

    fn session(&self, pid: i32) -> Option<Arc<Session>> {
        lock(&self.sessions).get(&pid).map(Arc::clone)
    }
}

impl Sessions for Registry {
    fn list(&self) -> Arc<[SessionActivity]> {
        self.activities()
    }

    fn cancel(&self, backend_pid: i32) -> bool {
        self.session(backend_pid).map(|session| session.cancel_statement()).is_some()
    }

    fn terminate(&self, backend_pid: i32) -> bool {
        self.session(backend_pid).map(|session| session.termination.cancel()).is_some()
    }
}

impl Session {
    fn cancel_statement(&self) {
        if let Some(statement) = &*lock(&self.statement) {
            statement.cancel();
        }
    }
}

impl SessionSlot {
    /// `pg_backend_pid()`.
    pub fn pid(&self) -> i32 {
        self.session.pid
    }

    /// The key that the client may send to cancel a statement.
    pub fn secret(&self) -> &[u8] {
        &self.session.secret
    }

    /// Changes the activity record.
    pub fn update(&self, change: impl FnOnce(&mut SessionActivity)) {
        let mut activity = lock(&self.session.activity);
        change(&mut activity);
        if activity.query.len() > QUERY_BYTES_MAX {
            let end = activity.query.floor_char_boundary(QUERY_BYTES_MAX);
            activity.query.truncate(end);
            activity.query.shrink_to_fit();
        }
    }

    /// Begins a statement: from here until the guard drops, a cancel hits it, and no later one.
    pub fn begin_statement(&self) -> StatementGuard {
        let token = self.session.termination.child_token();
        *lock(&self.session.statement) = Some(token.clone());
        StatementGuard { session: Arc::clone(&self.session), token }
    }

    /// Cancelled when the session must end now (57P01), statement and all.
    pub fn termination(&self) -> &CancellationToken {
        &self.session.termination
    }

    /// Cancelled when the session should end as soon as no statement runs (57P01).
    pub fn draining(&self) -> &CancellationToken {
        &self.registry.draining
    }
}

impl Drop for SessionSlot {
    fn drop(&mut self) {
        lock(&self.registry.sessions).remove(&self.session.pid);
        self.registry.left.notify_waiters();
    }
}

impl StatementGuard {
    /// Cancelled by a cancel request, `pg_cancel_backend` or the session's end; the last of them also
    /// cancels [`SessionSlot::termination`].
    pub fn token(&self) -> &CancellationToken {
        &self.token
    }
}

impl Drop for StatementGuard {
    fn drop(&mut self) {
        *lock(&self.session.statement) = None;
    }
}

/// No lock here is held over a call that could panic, so a poisoned one is as good as any.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn register(registry: &Arc<Registry>) -> SessionSlot {
        registry.register(KeyLength::Short, SessionActivity::default()).unwrap()
    }

    #[test]
    fn a_cancel_hits_the_running_statement_only() {
        let registry = Registry::new(9);
        let slot = register(&registry);
        registry.cancel(slot.pid(), slot.secret());
        let first = slot.begin_statement();
        assert!(!first.token().is_cancelled(), "a cancel before the statement must not hit it");

        registry.cancel(slot.pid(), b"\0\0\0\0\0");
        registry.cancel(slot.pid().wrapping_add(1), slot.secret());
        assert!(!first.token().is_cancelled(), "a wrong key must not cancel");

        registry.cancel(slot.pid(), slot.secret());
        assert!(first.token().is_cancelled());
        assert!(!slot.termination().is_cancelled());
        drop(first);
        assert!(!slot.begin_statement().token().is_cancelled());
    }

    #[test]
    fn terminating_ends_the_statement_and_the_next() {
        let registry = Registry::new(9);
        let slot = register(&registry);
        let statement = slot.begin_statement();
        registry.terminate_all();
        assert!(statement.token().is_cancelled() && slot.termination().is_cancelled());
        drop(statement);
        assert!(slot.begin_statement().token().is_cancelled());
    }

    #[test]
    fn places_are_counted_and_given_back() {
        let registry = Registry::new(2);
        let (one, _two) = (register(&registry), register(&registry));
        assert_eq!(registry.check_room().unwrap_err().sqlstate(), "53300");
        let refused = registry.register(KeyLength::Long, SessionActivity::default());
        assert_eq!(refused.err().unwrap().message(), "sorry, too many clients already");
        drop(one);
        assert!(registry.check_room().is_ok());
        registry.drain();
        assert_eq!(registry.check_room().unwrap_err().sqlstate(), "57P03");
    }

    #[test]
    fn records_show_what_sessions_do() {
        let registry = Registry::new(9);
        let (one, two) = (register(&registry), register(&registry));
        one.update(|activity| activity.query = "é".repeat(600));
        let activities = registry.activities();
        let mut pids = vec![one.pid(), two.pid()];
        pids.sort_unstable();
        assert_eq!(activities.iter().map(|a| a.backend_pid).collect::<Vec<_>>(), pids);
        let longest = activities.iter().map(|a| a.query.len()).max();
        assert_eq!(longest, Some(QUERY_BYTES_MAX));
        assert_eq!(register(&registry).secret().len(), 4);
    }

    #[tokio::test]
    async fn the_end_can_be_waited_for() {
        let registry = Registry::new(9);
        let slot = register(&registry);
        let waiting = tokio::spawn({
            let registry = Arc::clone(&registry);
            async move { registry.wait_until_empty().await }
        });
        tokio::task::yield_now().await;
        registry.terminate_all();
        slot.termination().cancelled().await;
        drop(slot);
        waiting.await.unwrap();
    }
}
