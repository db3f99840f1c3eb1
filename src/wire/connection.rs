//! The loop of one connection: a message in, its answer out, until the client leaves. It knows the order of
//! messages and nothing of what statements mean.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::BufMut;
use metrics::{counter, gauge};

use crate::base::render::Format;
use crate::base::{Error, ErrorKind, Result, metric};
use crate::engine::facts::{Notification, SessionActivity};
use crate::session::registry::SessionSlot;
use crate::session::{Execution, Login, Notice, Rows, Session, Shared, TransactionStatus};
use crate::sql::statement::SessionStatement;
use crate::sql::{Parsed, Statement};

use super::copy::{copy_in, copy_out};
use super::describe::{message, write_row_description};
use super::error::{Severity, write_notice};
use super::guard::{Guard, terminated};
use super::listener::Serve;
use super::message::FrontendMessage;
use super::rows::{Encoding, send_rows};
use super::socket::Socket;
use super::startup::Connected;

/// Serves the clients that have logged in.
pub struct Endpoint {
    pub shared: Shared,
    /// Where the endpoint listens.
    pub address: SocketAddr,
    /// Bytes of encoded rows that wait for a slow client.
    pub send_buffer_bytes: usize,
}

/// One client.
pub(super) struct Connection {
    pub(super) socket: Socket,
    pub(super) session: Session,
    pub(super) slot: SessionSlot,
    pub(super) send_buffer_bytes: usize,
}

/// What the connection does next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Takes any message.
    Ready,
    /// Skips all to the next Sync, after an error in the extended protocol.
    Drain,
    /// Ends.
    Done,
}

impl Serve for Endpoint {
    async fn serve(&self, connected: Connected) {
        let Connected { mut socket, user, user_name, database, settings, tls, peer, slot, .. } =
            connected;
        let login = Login {
            principal: user,
            database: database.unwrap_or_else(|| user_name.clone()),
            user: user_name,
            settings,
            backend_pid: slot.pid(),
            client_address: Some(peer),
            server_address: Some(self.address),
            encrypted: tls,
        };
        counter!(metric::CONNECTIONS_TOTAL).increment(1);
        let _open = Open::count();
        let session = match Session::new(self.shared.clone(), login) {
            Ok(session) => session,
            Err(error) => {
                socket.send_error(&error, Severity::Fatal);
                socket.close().await;
                return;
            }
        };
        let send_buffer_bytes = self.send_buffer_bytes;
        let mut connection = Connection { socket, session, slot, send_buffer_bytes };
        if let Err(error) = connection.run().await
            && error.kind() != ErrorKind::ConnectionFailure
        {
            tracing::info!(%peer, %error, sqlstate = error.sqlstate(), "connection ended");
            connection.socket.send_error(&error, Severity::Fatal);
        }
        connection.session.end().await;
        connection.socket.close().await;
    }
}

/// Counts an open connection for as long as it lives.
struct Open;

impl Open {
    fn count() -> Self {
        gauge!(metric::CONNECTIONS).increment(1.0);
        Open
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        gauge!(metric::CONNECTIONS).decrement(1.0);
    }
}

impl Connection {
    /// Serves to the end. An error ends the connection and is told to the client as FATAL.
    async fn run(&mut self) -> Result<()> {
        self.greet()?;
        self.become_ready().await?;
        let mut state = State::Ready;
        loop {
            state = match state {
                State::Ready => self.ready().await?,
                State::Drain => self.drain().await?,
                State::Done => return Ok(()),
            }
        }
    }

    fn greet(&mut self) -> Result<()> {
        self.socket.set_encoding(self.session.text_style().encoding);
        for (name, value) in self.session.reported_settings() {
            write_parameter_status(&mut self.socket, &name, &value)?;
        }
        let (pid, secret) = (self.slot.pid(), self.slot.secret());
        message(self.socket.out(), b'K', |out| {
            out.put_i32(pid);
            out.put_slice(secret);
            Ok(())
        })
    }

    /// Waits for one message and answers it. Cancel-safe: the socket keeps what it has read in part.
    async fn ready(&mut self) -> Result<State> {
        match self.next_message().await? {
            None | Some(FrontendMessage::Terminate) => Ok(State::Done),
            Some(FrontendMessage::Query { text }) => self.simple_query(&text).await,
            Some(FrontendMessage::Sync) => {
                if let Err(error) = self.session.end_script(true).await {
                    self.answer_error(error)?;
                }
                self.become_ready().await?;
                Ok(State::Ready)
            }
            Some(FrontendMessage::Flush) => {
                self.socket.flush().await?;
                Ok(State::Ready)
            }
            Some(FrontendMessage::FunctionCall) => {
                let error = Error::unsupported("the function call message")
                    .with_hint("Call the function with SELECT.");
                self.answer_error(error)?;
                self.become_ready().await?;
                Ok(State::Ready)
            }
            // What is left of a COPY that has failed.
            Some(
                FrontendMessage::CopyData(_)
                | FrontendMessage::CopyDone
                | FrontendMessage::CopyFail { .. },
            ) => Ok(State::Ready),
            Some(FrontendMessage::Malformed { kind, error }) => {
                self.answer_error(error)?;
                if kind.is_extended_query() {
                    return Ok(State::Drain);
                }
                self.become_ready().await?;
                Ok(State::Ready)
            }
            Some(extended) => match self.extended(extended).await {
                Ok(()) => Ok(State::Ready),
                Err(error) => {
                    self.answer_error(error)?;
                    // The client may wait for it without having sent a Sync.
                    self.socket.flush().await?;
                    Ok(State::Drain)
                }
            },
        }
    }

    async fn drain(&mut self) -> Result<State> {
        match self.next_message().await? {
            None | Some(FrontendMessage::Terminate) => Ok(State::Done),
            Some(FrontendMessage::Sync) => {
                self.session.end_script(false).await?;
                self.become_ready().await?;
                Ok(State::Ready)
            }
            Some(_) => Ok(State::Drain),
        }
    }

    /// The next message, unless the session has to end first.
    async fn next_message(&mut self) -> Result<Option<FrontendMessage>> {
        self.socket.set_encoding(self.session.text_style().encoding);
        let idle = self.session.idle_timeout();
        let idle = async {
            match idle {
                Some((timeout, error)) => {
                    tokio::time::sleep(timeout).await;
                    error
                }
                None => std::future::pending().await,
            }
        };
        tokio::pin!(idle);
        loop {
            let notified = self.session.notified();
            tokio::select! {
                biased;
                () = self.slot.termination().cancelled() => return Err(terminated()),
                () = self.slot.draining().cancelled() => return Err(terminated()),
                message = self.socket.read() => return message,
                () = notified => {
                    self.tell_notifications()?;
                    self.socket.flush().await?;
                }
                error = &mut idle => return Err(error),
            }
        }
    }

    /// ReadyForQuery, and before it what has changed meanwhile.
    async fn become_ready(&mut self) -> Result<()> {
        self.tell_notices();
        self.tell_notifications()?;
        for (name, value) in self.session.take_changed_settings() {
            write_parameter_status(&mut self.socket, &name, &value)?;
        }
        let status = match self.session.transaction_status() {
            TransactionStatus::Idle => b'I',
            TransactionStatus::Active => b'T',
            TransactionStatus::Failed => b'E',
        };
        message(self.socket.out(), b'Z', |out| {
            out.put_u8(status);
            Ok(())
        })?;
        let state = match self.session.transaction_status() {
            TransactionStatus::Idle => "idle",
            TransactionStatus::Active => "idle in transaction",
            TransactionStatus::Failed => "idle in transaction (aborted)",
        };
        self.record(state, None);
        self.socket.flush().await
    }

    /// What was sent on channels that the session listens on: NotificationResponse.
    fn tell_notifications(&mut self) -> Result<()> {
        for Notification { backend_pid, channel, payload } in self.session.take_notifications() {
            message(self.socket.out(), b'A', |out| {
                out.put_i32(backend_pid);
                for text in [channel, payload] {
                    out.put_slice(text.as_bytes());
                    out.put_u8(0);
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Notices, which go before the end of the answer.
    fn tell_notices(&mut self) {
        for Notice { severity, sqlstate, message } in self.session.take_notices() {
            let severity = if severity == "WARNING" { Severity::Warning } else { Severity::Notice };
            write_notice(self.socket.out(), severity, sqlstate, &message);
        }
    }

    /// Tells the client of a failed statement. Errors that leave nobody to go on with are given back.
    pub(super) fn answer_error(&mut self, error: Error) -> Result<()> {
        self.session.statement_failed();
        counter!(metric::ERRORS_TOTAL, "sqlstate" => error.sqlstate()).increment(1);
        match error.kind() {
            ErrorKind::ConnectionFailure | ErrorKind::AdminShutdown => Err(error),
            // The client is not told what the operator must know: which file it is, and where.
            ErrorKind::InternalError
            | ErrorKind::DataCorrupted
            | ErrorKind::UndefinedFile
            | ErrorKind::IoError => {
                tracing::error!(?error, "a statement failed inside the server");
                self.socket.send_error(&error, Severity::Error);
                Ok(())
            }
            _ => {
                tracing::debug!(?error, "a statement failed");
                self.socket.send_error(&error, Severity::Error);
                Ok(())
            }
        }
    }

    pub(super) fn record(&self, state: &'static str, query: Option<&str>) {
        let now = chrono::Utc::now().timestamp_micros();
        self.slot.update(|activity: &mut SessionActivity| {
            activity.state = state;
            activity.state_change = Some(now);
            self.session.catalog().clone_into(&mut activity.catalog);
            self.session.application_name().clone_into(&mut activity.application_name);
            activity.transaction_start = self.session.transaction_started_at();
            if let Some(query) = query {
                activity.query = crate::sql::shown(query).into_owned();
                activity.query_start = Some(now);
            }
        });
    }

    async fn simple_query(&mut self, text: &str) -> Result<State> {
        self.session.close_statement("");
        self.session.close_portal("");
        self.record("active", Some(text));
        let outcome = self.script(text).await;
        let succeeded = outcome.is_ok();
        if let Err(error) = outcome {
            self.answer_error(error)?;
        }
        self.session.end_script(succeeded).await?;
        self.become_ready().await?;
        Ok(State::Ready)
    }

    /// The statements of one text, up to the first that fails.
    async fn script(&mut self, text: &str) -> Result<()> {
        let statements = self.session.parse_text(text)?;
        let count = statements.len();
        if count == 0 {
            return message(self.socket.out(), b'I', |_| Ok(()));
        }
        let text: Arc<str> = text.into();
        self.session.begin_script(count);
        for (index, parsed) in statements.into_iter().enumerate() {
            self.session.at_place(index + 1 == count);
            self.statement(parsed, &text).await?;
        }
        Ok(())
    }

    async fn statement(&mut self, parsed: Parsed, text: &Arc<str>) -> Result<()> {
        let is_prepare =
            matches!(parsed.statement, Statement::Session(SessionStatement::Prepare(_)));
        if parsed.parameters > 0 && !is_prepare {
            let message = format!("there is no parameter ${}", parsed.parameters);
            return Err(Error::new(ErrorKind::UndefinedParameter, message));
        }
        let is_commit = parsed.statement.is_commit();
        let guard = Guard::begin(&self.slot, self.session.statement_timeout());
        if is_commit {
            guard.run(&mut self.socket, self.session.prepare_commit()).await?;
        }
        let execute = self.session.execute(parsed.statement, text, Vec::new(), Vec::new());
        let execution = match is_commit {
            // Once begun it cannot be called back.
            true => execute.await?,
            false => guard.run(&mut self.socket, execute).await?,
        };
        if let Execution::Rows(rows) = &execution {
            write_row_description(rows.columns(), formats_without_bind(rows), self.socket.out())?;
        }
        self.finish(execution, &guard).await
    }

    /// Sends what came of a statement, whole, and the tag that ends it.
    pub(super) async fn finish(&mut self, execution: Execution, guard: &Guard) -> Result<()> {
        let style = *self.session.text_style();
        let buffer = self.send_buffer_bytes;
        let socket = &mut self.socket;
        let tag = match execution {
            Execution::Rows(mut rows) => {
                let formats = formats_without_bind(&rows);
                let encoding = Encoding { formats, style: &style, buffer_bytes: buffer };
                send_rows(socket, guard, &mut rows, encoding).await?;
                rows.tag()
            }
            Execution::Done(completion) => completion.tag,
            Execution::CopyOut { rows, options } => {
                let sent = copy_out(socket, guard, rows, &options, &style, buffer).await?;
                format!("COPY {sent}")
            }
            Execution::CopyIn(target) => {
                let taken = copy_in(socket, guard, target, &style).await?;
                format!("COPY {taken}")
            }
        };
        self.session.statement_succeeded().await?;
        self.socket.set_encoding(self.session.text_style().encoding);
        guard.count_statement(&tag);
        self.complete(&tag)
    }

    /// CommandComplete, and before it what the client is to be told.
    pub(super) fn complete(&mut self, tag: &str) -> Result<()> {
        self.tell_notices();
        message(self.socket.out(), b'C', |out| {
            out.put_slice(tag.as_bytes());
            out.put_u8(0);
            Ok(())
        })
    }
}

/// The formats of values in the simple protocol: text, unless a BINARY cursor gives them.
fn formats_without_bind(rows: &Rows) -> &'static [Format] {
    if rows.is_binary() { &[Format::Binary] } else { &[] }
}

fn write_parameter_status(socket: &mut Socket, name: &str, value: &str) -> Result<()> {
    message(socket.out(), b'S', |out| {
        out.put_slice(name.as_bytes());
        out.put_u8(0);
        out.put_slice(value.as_bytes());
        out.put_u8(0);
        Ok(())
    })
}
