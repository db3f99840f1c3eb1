//! Puts the rooms together: configuration, telemetry, start and stop. It answers no statement.

pub mod config;
mod demo;
#[cfg(test)]
mod faults;
mod first_start;
mod lake;
pub mod metrics;
mod offline;
mod sealing_key;
mod sweep;
pub mod telemetry;

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::auth::{Login, ServerCertificate};
use crate::base::{Error, ErrorKind, Result};
use crate::delta::change::checkpoints_written;
use crate::engine::UpkeepPolicy;
use crate::http::operations::{self, Operations};
use crate::session::{Registry, Shared};
use crate::wire::connection::Endpoint;
use crate::wire::listener::Listener;
use crate::wire::startup::Gate;

use lake::Lake;

pub use config::Config;
pub use offline::{add_user, run_sql};

/// How often certificates are looked at again, and loose files swept.
const HOUSEKEEPING_INTERVAL: Duration = Duration::from_secs(60);

/// Serves until the process is told to stop.
///
/// # Errors
/// Whatever keeps it from starting: a security setting that cannot be honoured always does.
pub async fn serve(config: Config) -> Result<()> {
    if config.demo && !config.listen.ip().is_loopback() {
        return Err(Error::new(
            ErrorKind::ConfigFileError,
            format!("--demo has a well-known password and cannot listen on {}", config.listen),
        )
        .with_hint("Listen on 127.0.0.1, or serve without --demo."));
    }
    let certificate = certificate(&config)?;
    metrics::install()?;
    let Signals { stop, hurry } = listen_for_signals()?;
    let lake = Lake::open(&config).await?;
    let listener = Listener::bind(config.listen)?;
    let address = listener.address();
    let admin = first_start::prepare(&lake).await?;
    let registry = Registry::new(config.limits.connections_max);
    let shared = Shared {
        engine: Arc::clone(&lake.engine),
        registry: Arc::clone(&registry),
        started_at: chrono::Utc::now().timestamp_micros(),
        prepared_statements_max: config.limits.prepared_statements_max,
    };
    if config.demo {
        demo::prepare(&lake, &shared).await?;
    }
    let operations = start_operations(&config, &lake, &stop).await?;
    let metastore = Arc::clone(&lake.metastore);
    let gate = Arc::new(Gate {
        limits: config.limits.clone(),
        registry: Arc::clone(&registry),
        login: Login::new(lake.metastore.login_key()),
        snapshot: Box::new(move || metastore.snapshot()),
        certificate: certificate.clone(),
        require_tls: config.require_tls,
    });
    let send_buffer_bytes = config.limits.send_buffer_bytes;
    let endpoint = Arc::new(Endpoint { shared, address, send_buffer_bytes });
    let accepting = tokio::spawn(listener.run(gate, endpoint, stop.clone()));
    let housekeeping = tokio::spawn(keep_house(certificate, lake.clone(), stop.clone()));
    let upkeep = tokio::spawn(look_after(config.maintenance.clone(), lake.clone(), stop.clone()));
    announce(&config, address, admin)?;
    operations.set_ready(true);

    stop.cancelled().await;
    operations.set_ready(false);
    drain(&registry, config.limits.shutdown_grace, &hurry).await;
    housekeeping.abort();
    upkeep.abort();
    if tokio::time::timeout(config.limits.shutdown_grace, checkpoints_written()).await.is_err() {
        tracing::warn!("a checkpoint is given up");
    }
    accepting.await.map_err(|error| Error::internal("the listener failed").caused_by(error))
}

/// A certificate that is named but cannot be used stops the start.
fn certificate(config: &Config) -> Result<Option<Arc<ServerCertificate>>> {
    match &config.tls {
        Some(files) => {
            let loaded = ServerCertificate::load(&files.certificate, &files.key)?;
            Ok(Some(Arc::new(loaded)))
        }
        None if config.require_tls => Err(Error::new(
            ErrorKind::ConfigFileError,
            "TLS is required, but there is no certificate",
        )
        .with_hint("Name a certificate and its key with --tls-cert and --tls-key.")),
        None => Ok(None),
    }
}

/// What the process was told by SIGTERM or SIGINT.
struct Signals {
    /// Once: to stop.
    stop: CancellationToken,
    /// Twice: not to wait for running statements.
    hurry: CancellationToken,
}

fn listen_for_signals() -> Result<Signals> {
    let signals = Signals { stop: CancellationToken::new(), hurry: CancellationToken::new() };
    let listen = |kind| {
        signal(kind).map_err(|error| {
            Error::new(ErrorKind::IoError, "could not listen for signals").caused_by(error)
        })
    };
    let (mut terminate, mut interrupt) =
        (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    let (stop, hurry) = (signals.stop.clone(), signals.hurry.clone());
    tokio::spawn(async move {
        let mut told = async || {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        told().await;
        tracing::info!("stopping: no new connections, running statements may end");
        stop.cancel();
        told().await;
        hurry.cancel();
    });
    Ok(signals)
}

/// Metrics and health on their own port, where one is configured.
async fn start_operations(
    config: &Config,
    lake: &Lake,
    stop: &CancellationToken,
) -> Result<Arc<Operations>> {
    let operations = Operations::new(metrics::render);
    if let Some(address) = config.metrics_listen {
        let listener = TcpListener::bind(address).await.map_err(|error| {
            let message = format!("could not listen on {address} for metrics: {error}");
            Error::new(ErrorKind::IoError, message).caused_by(error)
        })?;
        let engine = Arc::clone(&lake.engine);
        tokio::spawn(metrics::upkeep(move || engine.memory_used()));
        let (served, stop) = (Arc::clone(&operations), stop.clone());
        tokio::spawn(async move {
            let outcome = operations::serve(listener, served, stop.cancelled_owned()).await;
            if let Err(error) = outcome {
                tracing::error!(%error, "the metrics endpoint has stopped");
            }
        });
    }
    Ok(operations)
}

async fn keep_house(
    certificate: Option<Arc<ServerCertificate>>,
    lake: Lake,
    stop: CancellationToken,
) {
    let mut interval = tokio::time::interval(HOUSEKEEPING_INTERVAL);
    interval.tick().await;
    while !stop.is_cancelled() {
        interval.tick().await;
        if let Some(certificate) = &certificate
            && let Err(error) = certificate.reload()
        {
            tracing::error!(%error, "the certificate's files have changed and cannot be used; the old one stays");
        }
        sweep::dropped(&lake).await;
    }
}

/// Looks after the files of managed tables until the process stops.
async fn look_after(policy: UpkeepPolicy, lake: Lake, stop: CancellationToken) {
    if let Err(error) = lake.engine.load_table_statistics().await {
        tracing::error!(?error, "the statistics of tables cannot be read");
    }
    if let Err(error) = lake.engine.load_maintenance_runs().await {
        tracing::error!(?error, "earlier runs of maintenance cannot be read");
    }
    if !policy.enabled {
        return;
    }
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(policy.interval) => {}
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = lake.engine.look_after_tables(&policy, || stop.is_cancelled()) => {}
        }
    }
}

/// The lines that a user, and a test, wait for.
fn announce(config: &Config, address: SocketAddr, admin: Option<first_start::Admin>) -> Result<()> {
    let mut lines = Vec::new();
    if let Some(first_start::Admin { generated: Some(password) }) = &admin {
        lines.push(format!("The user admin was made with the password {}", password.expose()));
        lines.push(
            "It is shown this once. Change it with: ALTER USER admin PASSWORD '…'".to_owned(),
        );
    }
    if config.demo {
        lines.push(format!(
            "Try: PGPASSWORD=demo psql -h {} -p {} -U demo demo",
            address.ip(),
            address.port()
        ));
    }
    lines.push(format!("lakegate is ready: postgresql://{address}"));
    let mut out = std::io::stdout().lock();
    let written =
        lines.iter().try_for_each(|line| writeln!(out, "{line}")).and_then(|()| out.flush());
    written.map_err(|error| {
        Error::new(ErrorKind::IoError, "could not write to standard output").caused_by(error)
    })
}

/// Sessions end as soon as they run no statement; those that still run one after the grace end with it.
async fn drain(registry: &Arc<Registry>, grace: Duration, hurry: &CancellationToken) {
    registry.drain();
    let all_left = tokio::select! {
        () = registry.wait_until_empty() => true,
        () = tokio::time::sleep(grace) => false,
        () = hurry.cancelled() => false,
    };
    if !all_left {
        tracing::warn!(sessions = registry.len(), "ending the statements that still run");
        registry.terminate_all();
        let _ = tokio::time::timeout(grace, registry.wait_until_empty()).await;
    }
}
