//! Who may run now: a bound on running queries, a bounded queue before it, and a limit on waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use metrics::{gauge, histogram};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::base::limits::Limits;
use crate::base::metric;
use crate::base::{Error, ErrorKind, Result};

/// The queue before the engine.
#[derive(Debug)]
pub struct Admission {
    running: Arc<Semaphore>,
    /// How many may run.
    places: usize,
    waiting: AtomicUsize,
    waiting_max: usize,
    wait_max: Duration,
}

/// A query's place among the running ones; given back on drop.
#[derive(Debug)]
pub struct Admitted {
    _permit: OwnedSemaphorePermit,
}

/// The place of a query whose rows are read in portions: it has one only while somebody reads.
#[derive(Debug)]
pub struct Place {
    admission: Arc<Admission>,
    admitted: Option<Admitted>,
}

impl Place {
    /// A place in the queue's order.
    pub async fn take(admission: &Arc<Admission>) -> Result<Self> {
        let admitted = Some(admission.enter().await?);
        Ok(Place { admission: Arc::clone(admission), admitted })
    }

    /// Lets another query run until this one goes on.
    pub fn give_back(&mut self) {
        self.admitted = None;
    }

    /// Waits for a place, if it was given back. Errors: as [`Admission::enter`].
    pub async fn take_again(&mut self) -> Result<()> {
        if self.admitted.is_none() {
            self.admitted = Some(self.admission.enter().await?);
        }
        Ok(())
    }
}

impl Admission {
    pub fn new(limits: &Limits) -> Self {
        Admission {
            running: Arc::new(Semaphore::new(limits.running_queries_max.max(1))),
            places: limits.running_queries_max.max(1),
            waiting: AtomicUsize::new(0),
            waiting_max: limits.queued_queries_max,
            wait_max: limits.queue_timeout,
        }
    }

    /// Whether a query runs.
    pub fn is_busy(&self) -> bool {
        self.running.available_permits() < self.places
    }

    /// Waits for a place, first come first served. Errors: 53300 when too many wait already, or for too
    /// long.
    pub async fn enter(&self) -> Result<Admitted> {
        if let Ok(permit) = Arc::clone(&self.running).try_acquire_owned() {
            return Ok(Admitted::new(permit));
        }
        let _waiting = Waiting::join(&self.waiting, self.waiting_max)?;
        let asked = Instant::now();
        let permit = Arc::clone(&self.running).acquire_owned();
        let permit = tokio::time::timeout(self.wait_max, permit).await;
        histogram!(metric::QUEUE_SECONDS).record(asked.elapsed());
        match permit {
            Ok(Ok(permit)) => Ok(Admitted::new(permit)),
            Ok(Err(_)) => Err(Error::new(ErrorKind::AdminShutdown, "the server is shutting down")),
            Err(_) => Err(Error::new(
                ErrorKind::TooManyConnections,
                format!("the query waited {} s for its turn", self.wait_max.as_secs()),
            )
            .with_hint("Try again later, or raise limits.running_queries_max.")),
        }
    }
}

impl Admitted {
    fn new(permit: OwnedSemaphorePermit) -> Self {
        gauge!(metric::QUERIES_RUNNING).increment(1.0);
        Admitted { _permit: permit }
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        gauge!(metric::QUERIES_RUNNING).decrement(1.0);
    }
}

/// Counts a waiting query for as long as it lives.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn join(waiting: &'a AtomicUsize, max: usize) -> Result<Self> {
        gauge!(metric::QUERIES_QUEUED).increment(1.0);
        let place = Waiting(waiting);
        if waiting.fetch_add(1, Ordering::Relaxed) >= max {
            return Err(Error::new(
                ErrorKind::TooManyConnections,
                format!("{max} queries are waiting for their turn already"),
            )
            .with_hint("Try again later, or raise limits.queued_queries_max."));
        }
        Ok(place)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        gauge!(metric::QUERIES_QUEUED).decrement(1.0);
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_queue_is_bounded_and_moves_on() {
        let limits = Limits {
            running_queries_max: 1,
            queued_queries_max: 1,
            queue_timeout: Duration::from_millis(50),
            ..Limits::default()
        };
        let admission = Arc::new(Admission::new(&limits));
        let first = admission.enter().await.unwrap();
        let waiter = Arc::clone(&admission);
        let second = tokio::spawn(async move { waiter.enter().await });
        tokio::task::yield_now().await;
        let third = admission.enter().await.unwrap_err();
        assert_eq!(third.sqlstate(), "53300");
        drop(first);
        assert!(second.await.unwrap().is_ok());
        let held = admission.enter().await.unwrap();
        let late = admission.enter().await.unwrap_err();
        assert!(late.message().contains("waited"), "{late}");
        drop(held);
    }
}
