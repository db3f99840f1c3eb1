//! Functions that act on sessions: advisory locks, signals, notifications, sleep.
//! <https://www.postgresql.org/docs/16/functions-admin.html>

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use crate::base::datatype::{BaseType, PgType};
use crate::base::{Error, ErrorKind, Oid};
use crate::engine::advisory::{LockKey, LockMode, LockSpan};
use crate::engine::error::from_datafusion;
use crate::engine::facts::{
    NOTIFICATIONS_MAX, Notification, check_notification, too_many_notifications,
};
use crate::engine::system::cell::Cell;

use super::define::*;

const VOID: PgType = PgType::Scalar(BaseType::Void);
const TEXTS: PgType = PgType::Array(BaseType::Text);
const A_FLOAT8: Parameter = Parameter::Type(PgType::Scalar(BaseType::Float8));

/// One number of 64 bits, or two of 32.
const KEYS: &[Parameter] = &[AN_INT8, AN_INT8];

use LockMode::{Exclusive, Shared};
use LockSpan::{Session, Transaction};

pub const FUNCTIONS: &[Function] = &[
    of_keys("pg_advisory_lock", VOID, |c, a| lock(c, a, Exclusive, Session)),
    of_keys("pg_advisory_lock_shared", VOID, |c, a| lock(c, a, Shared, Session)),
    of_keys("pg_advisory_xact_lock", VOID, |c, a| lock(c, a, Exclusive, Transaction)),
    of_keys("pg_advisory_xact_lock_shared", VOID, |c, a| lock(c, a, Shared, Transaction)),
    of_keys("pg_try_advisory_lock", BOOL, |c, a| try_lock(c, a, Exclusive, Session)),
    of_keys("pg_try_advisory_lock_shared", BOOL, |c, a| try_lock(c, a, Shared, Session)),
    of_keys("pg_try_advisory_xact_lock", BOOL, |c, a| try_lock(c, a, Exclusive, Transaction)),
    of_keys("pg_try_advisory_xact_lock_shared", BOOL, |c, a| try_lock(c, a, Shared, Transaction)),
    of_keys("pg_advisory_unlock", BOOL, |c, a| unlock(c, a, Exclusive)),
    of_keys("pg_advisory_unlock_shared", BOOL, |c, a| unlock(c, a, Shared)),
    Function::volatile("pg_advisory_unlock_all", &[], VOID, |call, _| {
        let facts = call.facts()?;
        facts.locks.unlock_all(facts.backend_pid);
        Ok("".into())
    }),
    Function::volatile("pg_cancel_backend", &[AN_INT4], BOOL, |call, arguments| {
        let pid = signalled(call, arguments)?;
        Ok(pid.is_some_and(|(facts, pid)| facts.sessions.cancel(pid)).into())
    }),
    Function::volatile("pg_terminate_backend", &[AN_INT4, AN_INT8], BOOL, |call, arguments| {
        let pid = signalled(call, arguments)?;
        Ok(pid.is_some_and(|(facts, pid)| facts.sessions.terminate(pid)).into())
    })
    .optional(1),
    Function::volatile("pg_notify", &[A_TEXT, A_TEXT], VOID, |call, arguments| {
        let (channel, payload) = (text(arguments, 0).to_owned(), text(arguments, 1).to_owned());
        check_notification(&channel, &payload)?;
        let facts = call.facts()?;
        let backend_pid = facts.backend_pid;
        let mut sent = facts.notifications.lock().unwrap_or_else(PoisonError::into_inner);
        if sent.len() >= NOTIFICATIONS_MAX {
            return Err(too_many_notifications());
        }
        sent.push(Notification { backend_pid, channel, payload });
        Ok("".into())
    })
    .sees_null(),
    Function::stable("listening_channels", &[], TEXTS, |call, _| {
        Ok(Cell::Texts(call.facts()?.listening.to_vec()))
    }),
    Function::volatile("pg_sleep", &[A_FLOAT8], VOID, |call, arguments| {
        let seconds = match arguments.first() {
            Some(Cell::Float8(seconds)) => seconds.max(0.0),
            _ => 0.0,
        };
        let watch = call.facts()?.watch();
        let end = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        let began = Instant::now();
        waiting(|| {
            while let Some(left) = end.checked_sub(began.elapsed()).filter(|left| !left.is_zero()) {
                watch.check().map_err(from_datafusion)?;
                std::thread::sleep(left.min(NAP));
            }
            Ok("".into())
        })
    }),
];

/// A function of one number of 64 bits or two of 32.
const fn of_keys(name: &'static str, returns: PgType, body: Body) -> Function {
    Function::volatile(name, KEYS, returns, body).optional(1)
}

/// How long one who sleeps does not look whether its statement was canceled.
const NAP: Duration = Duration::from_millis(20);

/// Runs what may wait for long. The execution threads have others to do their work meanwhile.
fn waiting<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    use tokio::runtime::{Handle, RuntimeFlavor};
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

fn lock<'a>(
    call: &Call<'_>,
    arguments: &[Cell<'_>],
    mode: LockMode,
    span: LockSpan,
) -> Result<Cell<'a>, Error> {
    let facts = call.facts()?;
    let (pid, key) = (facts.backend_pid, key(call, arguments)?);
    let check = || facts.watch().check().map_err(from_datafusion);
    if !facts.locks.try_lock(pid, key, (mode, span), check)? {
        waiting(|| facts.locks.lock(pid, key, (mode, span), facts.lock_timeout, check))?;
    }
    Ok("".into())
}

fn try_lock<'a>(
    call: &Call<'_>,
    arguments: &[Cell<'_>],
    mode: LockMode,
    span: LockSpan,
) -> Result<Cell<'a>, Error> {
    let facts = call.facts()?;
    let check = || facts.watch().check().map_err(from_datafusion);
    let key = key(call, arguments)?;
    Ok(facts.locks.try_lock(facts.backend_pid, key, (mode, span), check)?.into())
}

fn unlock<'a>(call: &Call<'_>, arguments: &[Cell<'_>], mode: LockMode) -> Result<Cell<'a>, Error> {
    let facts = call.facts()?;
    Ok(facts.locks.unlock(facts.backend_pid, key(call, arguments)?, mode).into())
}

fn key(call: &Call<'_>, arguments: &[Cell<'_>]) -> Result<LockKey, Error> {
    let facts = call.facts()?;
    let database = facts.snapshot.catalog(&facts.catalog).map_or(Oid::INVALID, |found| found.oid);
    let half = |index| {
        let number = i32::try_from(number(arguments, index))
            .map_err(|_| Error::new(ErrorKind::NumericValueOutOfRange, "integer out of range"))?;
        Ok::<u32, Error>(number.cast_unsigned())
    };
    if arguments.len() > 1 {
        let (class, object) = (half(0)?, half(1)?);
        return Ok(LockKey { database, class, object, sub_object: 2 });
    }
    let whole = number(arguments, 0).cast_unsigned();
    let [class, object] = [whole >> 32, whole & u64::from(u32::MAX)]
        .map(|half| u32::try_from(half).unwrap_or_default());
    Ok(LockKey { database, class, object, sub_object: 1 })
}

/// The session that is to be signalled, if there is one and it may be.
fn signalled<'a>(
    call: &Call<'a>,
    arguments: &[Cell<'_>],
) -> Result<Option<(&'a crate::engine::facts::Facts, i32)>, Error> {
    let facts = call.facts()?;
    let pid = i32::try_from(number(arguments, 0)).unwrap_or_default();
    let sessions = facts.sessions.list();
    let Some(session) = sessions.iter().find(|session| session.backend_pid == pid) else {
        return Ok(None);
    };
    let visible = call.visible()?;
    let owner = visible.snapshot().principal(&session.user);
    let is_mine = owner.is_some_and(|owner| visible.access.is(owner.id));
    if is_mine || visible.access.is_admin() {
        return Ok(Some((facts, pid)));
    }
    Err(Error::new(
        ErrorKind::InsufficientPrivilege,
        "must be a member of the role whose process is being signaled",
    ))
}
