//! The messages of the extended protocol: parse, bind, describe, execute, close. Answers wait in the buffer
//! until Sync or Flush.

use crate::base::{Error, ErrorKind, Result};
use crate::session::Execution;
use crate::session::extended::Step;

use super::connection::Connection;
use super::decode::decode_parameter;
use super::describe::{
    format_at, formats_of, message, write_parameter_description, write_row_description,
};
use super::guard::Guard;
use super::message::{Bind, FrontendMessage, Target};
use super::rows::{Encoding, send_rows};

impl Connection {
    /// Answers one message. An error makes the connection skip to the next Sync.
    pub(super) async fn extended(&mut self, received: FrontendMessage) -> Result<()> {
        match received {
            FrontendMessage::Parse { statement, text, parameter_types } => {
                self.record("active", Some(&text));
                let guard = Guard::begin(&self.slot, self.session.statement_timeout());
                let parse = self.session.parse(&statement, &text, &parameter_types);
                guard.run(&mut self.socket, parse).await?;
                self.answer(b'1')
            }
            FrontendMessage::Bind(bind) => {
                self.bind(bind)?;
                self.answer(b'2')
            }
            FrontendMessage::Describe(target) => self.describe(target),
            FrontendMessage::Execute { portal, max_rows } => self.execute(&portal, max_rows).await,
            FrontendMessage::Close(target) => {
                match target {
                    Target::Statement(name) => self.session.close_statement(&name),
                    Target::Portal(name) => self.session.close_portal(&name),
                }
                self.answer(b'3')
            }
            FrontendMessage::Query { .. }
            | FrontendMessage::Flush
            | FrontendMessage::Sync
            | FrontendMessage::FunctionCall
            | FrontendMessage::CopyData(_)
            | FrontendMessage::CopyDone
            | FrontendMessage::CopyFail { .. }
            | FrontendMessage::Terminate
            | FrontendMessage::Malformed { .. } => {
                Err(Error::internal("a message reached the wrong protocol"))
            }
        }
    }

    fn bind(&mut self, bind: Bind) -> Result<()> {
        let Bind { portal, statement, parameter_formats, parameters, result_formats } = bind;
        let types = self.session.parameter_types(&statement)?;
        let formats = formats_of(&parameter_formats)?;
        if formats.len() > 1 && formats.len() != parameters.len() {
            return Err(violation(format!(
                "bind message has {} parameter formats but {} parameters",
                formats.len(),
                parameters.len()
            )));
        }
        if parameters.len() != types.len() {
            return Err(violation(format!(
                "bind message supplies {} parameters, but prepared statement \"{statement}\" requires {}",
                parameters.len(),
                types.len()
            )));
        }
        let style = *self.session.text_style();
        let values = parameters.iter().zip(&types).enumerate();
        let values = values
            .map(|(index, (bytes, pg_type))| {
                decode_parameter(*pg_type, format_at(&formats, index), bytes.as_deref(), &style)
            })
            .collect::<Result<Vec<_>>>()?;
        formats_of(&result_formats)?;
        let (_, columns) = self.session.describe_statement(&statement)?;
        let count = columns.map_or(0, |columns| columns.len());
        if result_formats.len() > 1 && result_formats.len() != count {
            return Err(violation(format!(
                "bind message has {} result formats but query has {count} columns",
                result_formats.len(),
            )));
        }
        self.session.bind(&portal, &statement, values, result_formats)
    }

    fn describe(&mut self, target: Target) -> Result<()> {
        let (columns, formats) = match target {
            Target::Statement(name) => {
                let (parameters, columns) = self.session.describe_statement(&name)?;
                write_parameter_description(&parameters, self.socket.out())?;
                (columns, Vec::new())
            }
            Target::Portal(name) => self.session.describe_portal(&name)?,
        };
        match columns {
            Some(columns) => {
                write_row_description(&columns, &formats_of(&formats)?, self.socket.out())
            }
            None => self.answer(b'n'),
        }
    }

    async fn execute(&mut self, name: &str, max_rows: i32) -> Result<()> {
        self.record("active", None);
        let guard = Guard::begin(&self.slot, self.session.statement_timeout());
        let is_commit = self.session.is_commit(name);
        if is_commit {
            guard.run(&mut self.socket, self.session.prepare_commit()).await?;
        }
        let step = self.session.step(name, self.socket.sync_follows());
        let step = match is_commit {
            // Once begun it cannot be called back.
            true => step.await?,
            false => guard.run(&mut self.socket, step).await?,
        };
        match step {
            Step::Empty => self.answer(b'I'),
            Step::Exhausted(tag) => self.complete(&tag),
            Step::Execution(execution) => match execution {
                Execution::Rows(_) => Err(Error::internal("rows came outside of their portal")),
                other => self.finish(other, &guard).await,
            },
            Step::Rows => self.rows_of(name, max_rows, &guard).await,
        }
    }

    async fn rows_of(&mut self, name: &str, max_rows: i32, guard: &Guard) -> Result<()> {
        // Zero and negative counts mean all rows.
        let max = u64::try_from(max_rows).ok().filter(|max| *max > 0);
        let style = *self.session.text_style();
        let buffer = self.send_buffer_bytes;
        let formats = formats_of(&self.session.portal_formats(name)?)?;
        let Some(mut rows) = self.session.portal_rows(name, max)? else {
            return Err(Error::internal("a portal lost its rows"));
        };
        let encoding = Encoding { formats: &formats, style: &style, buffer_bytes: buffer };
        send_rows(&mut self.socket, guard, &mut rows, encoding).await?;
        self.session.portal_taken(name, rows.taken());
        if max.is_some_and(|max| rows.taken() >= max) {
            return self.answer(b's');
        }
        let tag = rows.tag();
        self.session.statement_succeeded().await?;
        guard.count_statement(&tag);
        self.complete(&tag)
    }

    fn answer(&mut self, kind: u8) -> Result<()> {
        message(self.socket.out(), kind, |_| Ok(()))
    }
}

fn violation(message: String) -> Error {
    Error::new(ErrorKind::ProtocolViolation, message)
}
