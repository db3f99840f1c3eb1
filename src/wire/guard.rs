//! The one place where running work can be stopped from outside: a cancel, a deadline, the end of the session,
//! a client that has left. Work that is stopped is dropped. It knows no message.

use std::future::Future;
use std::time::Duration;

use metrics::{counter, histogram};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::base::{Error, ErrorKind, Result, metric};
use crate::session::registry::{SessionSlot, StatementGuard};

use super::message::FrontendMessage;
use super::socket::Socket;

/// Watches over one statement.
pub(super) struct Guard {
    statement: StatementGuard,
    termination: CancellationToken,
    deadline: Option<Instant>,
    began: Instant,
}

impl Guard {
    /// From here until it drops, a cancel hits the statement, and `timeout` runs.
    pub(super) fn begin(slot: &SessionSlot, timeout: Option<Duration>) -> Self {
        Guard {
            statement: slot.begin_statement(),
            termination: slot.termination().clone(),
            deadline: timeout.map(|timeout| Instant::now() + timeout),
            began: Instant::now(),
        }
    }

    /// The outcome of `work`, unless something stops it first.
    pub(super) async fn run<T>(
        &self,
        socket: &mut Socket,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        tokio::select! {
            biased;
            error = self.stopped() => Err(error),
            outcome = work => outcome,
            () = socket.closed() => Err(client_left()),
        }
    }

    /// Sends what waits, for as long as the client takes it and nothing stops the statement.
    pub(super) async fn flush(&self, socket: &mut Socket) -> Result<()> {
        tokio::select! {
            biased;
            error = self.stopped() => Err(error),
            outcome = socket.flush() => outcome,
        }
    }

    /// Counts a statement that is done, under the first word of its tag.
    pub(super) fn count_statement(&self, tag: &str) {
        let kind = tag.split(' ').next().unwrap_or_default().to_ascii_lowercase();
        counter!(metric::STATEMENTS_TOTAL, "kind" => kind.clone()).increment(1);
        histogram!(metric::STATEMENT_SECONDS, "kind" => kind).record(self.began.elapsed());
    }

    /// The client's next message, while a statement waits for it.
    pub(super) async fn read(&self, socket: &mut Socket) -> Result<Option<FrontendMessage>> {
        tokio::select! {
            biased;
            error = self.stopped() => Err(error),
            message = socket.read() => message,
        }
    }

    /// Resolves when the statement must stop, with the reason.
    async fn stopped(&self) -> Error {
        let deadline = async {
            match self.deadline {
                Some(deadline) => tokio::time::sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.statement.token().cancelled() => match self.termination.is_cancelled() {
                true => terminated(),
                false => canceled("canceling statement due to user request"),
            },
            () = deadline => canceled("canceling statement due to statement timeout"),
        }
    }
}

fn canceled(message: &str) -> Error {
    Error::new(ErrorKind::QueryCanceled, message)
}

/// 57P01: the server stops, or an admin ends the session.
pub(super) fn terminated() -> Error {
    Error::new(ErrorKind::AdminShutdown, "terminating connection due to administrator command")
}

fn client_left() -> Error {
    Error::new(ErrorKind::ConnectionFailure, "the client has closed the connection")
}
