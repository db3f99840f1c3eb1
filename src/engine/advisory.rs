//! Advisory locks: those of all sessions of this process, who waits for which, and who waits in vain. They
//! protect nothing by themselves.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::base::{Error, ErrorKind, Oid, Result};

/// What is locked: a number of 64 bits, or two of 32, in one database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LockKey {
    pub database: Oid,
    /// `pg_locks.classid`, `objid` and `objsubid`.
    pub class: u32,
    pub object: u32,
    pub sub_object: i16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LockMode {
    Shared,
    Exclusive,
}

/// How long a lock is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockSpan {
    /// Until it is unlocked as often as it was locked.
    Session,
    Transaction,
}

/// A lock that is held or waited for, as `pg_locks` shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShownLock {
    pub key: LockKey,
    pub mode: LockMode,
    pub backend_pid: i32,
    /// Since when it is waited for: microseconds since 1970-01-01 UTC.
    pub waiting_since: Option<i64>,
}

/// Every lock of this process.
#[derive(Debug, Default)]
pub struct AdvisoryLocks {
    state: Mutex<State>,
    released: Condvar,
    /// Locks held for a transaction, so that one without any need not ask for the state.
    in_transactions: AtomicUsize,
}

#[derive(Debug, Default)]
struct State {
    /// How often each lock is held.
    held: HashMap<(LockKey, LockMode, i32), Held>,
    /// Who waits, the first come first.
    waiting: Vec<Waiter>,
    /// Every session's locks for its transaction, in the order in which it took them.
    taken: HashMap<i32, Vec<(LockKey, LockMode)>>,
    tickets: u64,
}

#[derive(Debug, Default, Clone, Copy)]
struct Held {
    for_session: usize,
    for_transaction: usize,
}

#[derive(Debug, Clone, Copy)]
struct Waiter {
    ticket: u64,
    pid: i32,
    key: LockKey,
    mode: LockMode,
    since: i64,
}

/// How often one who waits looks whether its statement was canceled.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How long a lock is waited for before a deadlock is looked for (PostgreSQL's `deadlock_timeout`).
const DEADLOCK_AFTER: Duration = Duration::from_secs(1);

impl AdvisoryLocks {
    /// Takes a lock if nobody else has it. Whether it was taken.
    ///
    /// # Errors
    /// Those of `check`, asked before the lock is taken: a session that has ended gives nothing back any more.
    pub fn try_lock(
        &self,
        pid: i32,
        key: LockKey,
        (mode, span): (LockMode, LockSpan),
        check: impl Fn() -> Result<()>,
    ) -> Result<bool> {
        let mut state = self.state();
        check()?;
        let free = state.is_free(pid, key, mode, u64::MAX);
        if free {
            self.take(&mut state, pid, key, mode, span);
        }
        Ok(free)
    }

    /// Waits for a lock and takes it. Blocks the thread; `check` says whether to go on.
    ///
    /// # Errors
    /// 55P03 after `timeout`, 40P01 when those who wait wait for each other, and those of `check`.
    pub fn lock(
        &self,
        pid: i32,
        key: LockKey,
        (mode, span): (LockMode, LockSpan),
        timeout: Option<Duration>,
        check: impl Fn() -> Result<()>,
    ) -> Result<()> {
        let began = Instant::now();
        let mut looked_for_deadlock = false;
        let mut state = self.state();
        state.tickets += 1;
        let ticket = state.tickets;
        let since = chrono::Utc::now().timestamp_micros();
        state.waiting.push(Waiter { ticket, pid, key, mode, since });
        let outcome = loop {
            if let Err(error) = check() {
                break Err(error);
            }
            if state.is_free(pid, key, mode, ticket) {
                self.take(&mut state, pid, key, mode, span);
                break Ok(());
            }
            let waited = began.elapsed();
            if timeout.is_some_and(|timeout| waited >= timeout) {
                let message = "canceling statement due to lock timeout";
                break Err(Error::new(ErrorKind::LockNotAvailable, message));
            }
            if waited >= DEADLOCK_AFTER
                && !std::mem::replace(&mut looked_for_deadlock, true)
                && state.waits_for_itself(pid)
            {
                break Err(Error::new(ErrorKind::DeadlockDetected, "deadlock detected"));
            }
            let waited = self.released.wait_timeout(state, LOOK_EVERY);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        };
        state.waiting.retain(|waiter| waiter.ticket != ticket);
        drop(state);
        self.released.notify_all();
        outcome
    }

    /// Gives a session's lock back once. Whether there was one.
    pub fn unlock(&self, pid: i32, key: LockKey, mode: LockMode) -> bool {
        let mut state = self.state();
        let Some(held) = state.held.get_mut(&(key, mode, pid)) else { return false };
        if held.for_session == 0 {
            return false;
        }
        held.for_session -= 1;
        state.forget_free();
        drop(state);
        self.released.notify_all();
        true
    }

    /// Gives back all that a session holds beyond its transaction.
    pub fn unlock_all(&self, pid: i32) {
        let mut state = self.state();
        for (_, held) in state.held.iter_mut().filter(|((_, _, holder), _)| *holder == pid) {
            held.for_session = 0;
        }
        state.forget_free();
        drop(state);
        self.released.notify_all();
    }

    /// How many locks a session's transaction has taken so far: a point to go back to.
    pub fn mark(&self, pid: i32) -> usize {
        if self.in_transactions.load(Ordering::Acquire) == 0 {
            return 0;
        }
        self.state().taken.get(&pid).map_or(0, Vec::len)
    }

    /// Gives back what a session's transaction has taken since a mark; all of it with 0.
    pub fn rewind(&self, pid: i32, mark: usize) {
        if self.in_transactions.load(Ordering::Acquire) == 0 {
            return;
        }
        let mut state = self.state();
        let Some(taken) = state.taken.get_mut(&pid) else { return };
        let given_back = taken.split_off(mark.min(taken.len()));
        if taken.is_empty() {
            state.taken.remove(&pid);
        }
        for (key, mode) in &given_back {
            if let Some(held) = state.held.get_mut(&(*key, *mode, pid)) {
                held.for_transaction = held.for_transaction.saturating_sub(1);
            }
        }
        self.in_transactions.fetch_sub(given_back.len(), Ordering::AcqRel);
        state.forget_free();
        drop(state);
        self.released.notify_all();
    }

    /// Every lock that is held or waited for.
    pub fn list(&self) -> Vec<ShownLock> {
        let state = self.state();
        let held = state.held.keys().map(|&(key, mode, backend_pid)| ShownLock {
            key,
            mode,
            backend_pid,
            waiting_since: None,
        });
        let waiting = state.waiting.iter().map(|waiter| ShownLock {
            key: waiter.key,
            mode: waiter.mode,
            backend_pid: waiter.pid,
            waiting_since: Some(waiter.since),
        });
        held.chain(waiting).collect()
    }

    /// Whether a session waits for a lock.
    pub fn is_waiting(&self, pid: i32) -> bool {
        self.state().waiting.iter().any(|waiter| waiter.pid == pid)
    }

    fn take(&self, state: &mut State, pid: i32, key: LockKey, mode: LockMode, span: LockSpan) {
        let held = state.held.entry((key, mode, pid)).or_default();
        match span {
            LockSpan::Session => held.for_session += 1,
            LockSpan::Transaction => {
                held.for_transaction += 1;
                state.taken.entry(pid).or_default().push((key, mode));
                self.in_transactions.fetch_add(1, Ordering::AcqRel);
            }
        }
    }

    /// No lock here is held over a call that could panic, so a poisoned one is as good as any.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether a session may have a lock now: nobody else holds it against that, and nobody waits for it
    /// with an earlier ticket, unless the session has it in some mode already.
    fn is_free(&self, pid: i32, key: LockKey, mode: LockMode, ticket: u64) -> bool {
        let mine = [LockMode::Shared, LockMode::Exclusive];
        let has_it = mine.iter().any(|mode| self.held.contains_key(&(key, *mode, pid)));
        self.in_the_way(pid, key, mode, ticket).all(|(_, is_waiter)| is_waiter && has_it)
    }

    /// Who keeps a session from a lock, and whether only by waiting for it longer.
    fn in_the_way(
        &self,
        pid: i32,
        key: LockKey,
        mode: LockMode,
        ticket: u64,
    ) -> impl Iterator<Item = (i32, bool)> {
        let conflicts =
            move |other: LockMode| mode == LockMode::Exclusive || other == LockMode::Exclusive;
        let holders = self.held.keys().filter(move |(held, other, holder)| {
            *held == key && *holder != pid && conflicts(*other)
        });
        let waiters = self.waiting.iter().filter(move |waiter| {
            waiter.key == key
                && waiter.pid != pid
                && waiter.ticket < ticket
                && conflicts(waiter.mode)
        });
        let holders = holders.map(|(_, _, holder)| (*holder, false));
        holders.chain(waiters.map(|waiter| (waiter.pid, true)))
    }

    fn waits_for_itself(&self, pid: i32) -> bool {
        let mut seen = Vec::new();
        let mut next = vec![pid];
        while let Some(waiting) = next.pop() {
            for waiter in self.waiting.iter().filter(|waiter| waiter.pid == waiting) {
                let Waiter { ticket, key, mode, .. } = *waiter;
                for (other, _) in self.in_the_way(waiting, key, mode, ticket) {
                    if other == pid {
                        return true;
                    }
                    if !seen.contains(&other) {
                        seen.push(other);
                        next.push(other);
                    }
                }
            }
        }
        false
    }

    fn forget_free(&mut self) {
        self.held.retain(|_, held| held.for_session + held.for_transaction > 0);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;

    fn key(object: u32) -> LockKey {
        LockKey { database: Oid(1), class: 0, object, sub_object: 1 }
    }

    const ME: i32 = 1;
    const YOU: i32 = 2;

    fn try_lock(locks: &AdvisoryLocks, pid: i32, key: LockKey, how: (LockMode, LockSpan)) -> bool {
        locks.try_lock(pid, key, how, || Ok(())).unwrap()
    }

    #[test]
    fn locks_are_counted_and_given_back() {
        let locks = AdvisoryLocks::default();
        let (mode, span) = (LockMode::Exclusive, LockSpan::Session);
        assert!(try_lock(&locks, ME, key(1), (mode, span)));
        assert!(try_lock(&locks, ME, key(1), (mode, span)));
        assert!(!try_lock(&locks, YOU, key(1), (LockMode::Shared, span)));
        assert!(locks.unlock(ME, key(1), mode));
        assert!(!try_lock(&locks, YOU, key(1), (LockMode::Shared, span)));
        assert!(locks.unlock(ME, key(1), mode));
        assert!(!locks.unlock(ME, key(1), mode), "held no more");
        assert!(try_lock(&locks, YOU, key(1), (LockMode::Shared, span)));
        assert!(try_lock(&locks, ME, key(1), (LockMode::Shared, LockSpan::Transaction)));
        assert!(!locks.unlock(ME, key(1), LockMode::Shared), "held for the transaction");
        let mark = locks.mark(ME);
        assert!(try_lock(&locks, ME, key(2), (mode, LockSpan::Transaction)));
        locks.rewind(ME, mark);
        assert_eq!(locks.list().len(), 2);
        locks.rewind(ME, 0);
        locks.unlock_all(YOU);
        assert_eq!(locks.list(), []);
    }

    #[test]
    fn who_waits_for_itself_is_told() {
        let locks = Arc::new(AdvisoryLocks::default());
        let (mode, span) = (LockMode::Exclusive, LockSpan::Session);
        assert!(try_lock(&locks, ME, key(1), (mode, span)));
        assert!(try_lock(&locks, YOU, key(2), (mode, span)));
        let others = Arc::clone(&locks);
        let other = thread::spawn(move || {
            let outcome = others.lock(YOU, key(1), (mode, span), None, || Ok(()));
            others.unlock_all(YOU);
            outcome
        });
        let mine = locks.lock(ME, key(2), (mode, span), None, || Ok(()));
        locks.unlock_all(ME);
        let outcomes = [mine, other.join().unwrap()];
        let told = outcomes.iter().filter_map(|outcome| outcome.as_ref().err());
        let told: Vec<_> = told.map(Error::sqlstate).collect();
        assert!(told.contains(&"40P01"), "one of the two must give way: {told:?}");
    }

    #[test]
    fn who_has_left_takes_no_lock() {
        let locks = AdvisoryLocks::default();
        let how = (LockMode::Exclusive, LockSpan::Session);
        let gone = || Err(Error::new(ErrorKind::QueryCanceled, "the session has ended"));
        locks.try_lock(ME, key(1), how, gone).unwrap_err();
        locks.lock(ME, key(1), how, None, gone).unwrap_err();
        assert_eq!(locks.list(), []);
    }

    #[test]
    fn a_wait_ends_with_its_time() {
        let locks = AdvisoryLocks::default();
        let (mode, span) = (LockMode::Exclusive, LockSpan::Session);
        assert!(try_lock(&locks, ME, key(1), (mode, span)));
        let brief = Some(Duration::from_millis(30));
        let error = locks.lock(YOU, key(1), (mode, span), brief, || Ok(())).unwrap_err();
        assert_eq!(error.sqlstate(), "55P03");
        assert!(!locks.is_waiting(YOU));
    }
}
