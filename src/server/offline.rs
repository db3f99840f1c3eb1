//! Commands that work on the data folder without a server: SQL from the command line, new users. They take
//! the same road as a client's statements, as the user admin.

use std::io::Write;
use std::sync::Arc;

use bytes::BytesMut;
use datafusion::arrow::datatypes::{Field, Schema};

use crate::auth::password::stored_form;
use crate::base::secret::Secret;
use crate::base::{Error, ErrorKind, PrincipalId, Result};
use crate::catalog::Change;
use crate::catalog::change::NewPrincipal;
use crate::catalog::principal::PrincipalKind;
use crate::session::copy::format::{CopyFormat, CopyOptions, CopyWriter, Header};
use crate::session::{Execution, Login, Registry, Rows, Session, Shared};

use super::Config;
use super::first_start::{self, ADMIN};
use super::lake::Lake;

/// Runs the statements of `text` and prints their rows as CSV, and the tags of the others.
pub async fn run_sql(config: Config, text: String) -> Result<()> {
    let lake = Lake::open(&config).await?;
    first_start::prepare(&lake).await?;
    let mut session = session_as(&lake, &config, ADMIN, "main")?;
    run_script(&mut session, &text, &mut std::io::stdout().lock()).await
}

/// Makes a user.
pub async fn add_user(config: Config, name: String, password: Secret, admin: bool) -> Result<()> {
    let lake = Lake::open(&config).await?;
    first_start::prepare(&lake).await?;
    let user = NewPrincipal {
        id: PrincipalId::generate(),
        name,
        kind: PrincipalKind::User,
        admin,
        verifier: Some(stored_form(&password)?),
    };
    lake.metastore.apply(&[Change::CreatePrincipal(user)]).await.map(drop)
}

/// A session of a user who is there, without a client.
pub(super) fn session_as(
    lake: &Lake,
    config: &Config,
    user: &str,
    catalog: &str,
) -> Result<Session> {
    let shared = Shared {
        engine: Arc::clone(&lake.engine),
        registry: Registry::new(1),
        started_at: chrono::Utc::now().timestamp_micros(),
        prepared_statements_max: config.limits.prepared_statements_max,
    };
    session_in(shared, lake, user, catalog)
}

pub(super) fn session_in(
    shared: Shared,
    lake: &Lake,
    user: &str,
    catalog: &str,
) -> Result<Session> {
    let snapshot = lake.metastore.snapshot();
    let principal = snapshot.principal(user).ok_or_else(|| {
        Error::new(ErrorKind::UndefinedObject, format!("role \"{user}\" does not exist"))
    })?;
    let login = Login {
        principal: principal.id,
        user: user.to_owned(),
        database: catalog.to_owned(),
        settings: Vec::new(),
        backend_pid: 0,
        client_address: None,
        server_address: None,
        encrypted: false,
    };
    Session::new(shared, login)
}

/// Runs every statement of a text, each committed by itself, and writes what they give.
pub(super) async fn run_script(
    session: &mut Session,
    text: &str,
    out: &mut dyn Write,
) -> Result<()> {
    let statements = session.parse_text(text)?;
    let text: Arc<str> = text.into();
    for parsed in statements {
        session.at_place(true);
        let execution = session.execute(parsed.statement, &text, Vec::new(), Vec::new()).await?;
        let notices = session.take_notices();
        for notice in notices {
            write(out, format!("{}: {}\n", notice.severity, notice.message).as_bytes())?;
        }
        match execution {
            Execution::Rows(rows) => write_csv(rows, session, out).await?,
            Execution::CopyOut { rows, options: _ } => {
                write_csv(Rows::new(rows, "COPY"), session, out).await?;
            }
            Execution::Done(completion) => {
                write(out, format!("{}\n", completion.tag).as_bytes())?;
            }
            Execution::CopyIn(_) => {
                return Err(Error::unsupported("COPY FROM STDIN without a client")
                    .with_hint("Use psql's \\copy on a running server."));
            }
        }
        session.statement_succeeded().await?;
    }
    Ok(())
}

async fn write_csv(mut rows: Rows, session: &Session, out: &mut dyn Write) -> Result<()> {
    let columns = rows.columns().iter();
    let fields: Vec<Field> = columns.map(|c| c.field.clone().with_name(c.name.clone())).collect();
    let options = CopyOptions { header: Header::Write, ..CopyOptions::new(CopyFormat::Csv) };
    let mut writer =
        CopyWriter::new(Arc::new(Schema::new(fields)), options, *session.text_style())?;
    let mut buffer = BytesMut::new();
    writer.start(&mut buffer);
    while rows.ready().await? {
        let Some((batch, range)) = rows.take() else { break };
        writer.write_batch(&batch, range.start, range.end, &mut buffer)?;
        write(out, &buffer.split())?;
    }
    writer.finish(&mut buffer);
    write(out, &buffer)
}

fn write(out: &mut dyn Write, bytes: &[u8]) -> Result<()> {
    out.write_all(bytes).and_then(|()| out.flush()).map_err(|error| {
        Error::new(ErrorKind::IoError, "could not write to standard output").caused_by(error)
    })
}
