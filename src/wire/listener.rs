//! The listening socket: accepts connections while there is room for strangers, and hands those that log in
//! to the connection loop. It reads no byte itself.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::base::{Error, ErrorKind, Result};

use super::error::{Severity, write_error};
use super::startup::{Connected, Gate};
use super::strangers::{Stranger, Strangers};

/// Connections that may wait for their accept.
const BACKLOG: u32 = 1024;
/// A silent peer is asked whether it is there after so long, then in such intervals so many times.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(60);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_RETRIES: u32 = 6;
/// How long to wait when the system has no socket for us (file descriptors, memory).
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// What is done with a client that has logged in.
pub trait Serve: Send + Sync + 'static {
    /// Serves the session to its end.
    fn serve(&self, connected: Connected) -> impl Future<Output = ()> + Send;
}

/// A bound socket, ready to accept.
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Listens on `address`; port 0 takes a free one.
    ///
    /// # Errors
    /// 58030 with the address and the reason.
    pub fn bind(address: SocketAddr) -> Result<Self> {
        let bind = || {
            let socket = match address {
                SocketAddr::V4(_) => tokio::net::TcpSocket::new_v4()?,
                SocketAddr::V6(_) => tokio::net::TcpSocket::new_v6()?,
            };
            socket.set_reuseaddr(true)?;
            socket.bind(address)?;
            let socket = socket.listen(BACKLOG)?;
            let address = socket.local_addr()?;
            Ok(Listener { socket, address })
        };
        bind().map_err(|error: std::io::Error| {
            Error::new(ErrorKind::IoError, format!("could not listen on {address}: {error}"))
                .caused_by(error)
        })
    }

    /// The address with its real port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts until `stop`, then waits until the last connection has ended; what makes them end is the
    /// registry's [`drain`](crate::session::Registry::drain) and
    /// [`terminate_all`](crate::session::Registry::terminate_all).
    ///
    /// Only so many strangers are in their startup at one time; when they are, further connections wait in
    /// the kernel's queue, where they cost nothing. From an address that has its share of them, they are
    /// refused at once.
    pub async fn run<S: Serve>(self, gate: Arc<Gate>, server: Arc<S>, stop: CancellationToken) {
        let strangers = Strangers::new(
            gate.limits.unauthenticated_connections_max,
            gate.limits.unauthenticated_connections_per_address_max,
        );
        let connections = TaskTracker::new();
        while let Some((stream, peer, stranger)) = self.next(&strangers, &stop).await {
            let (gate, server) = (Arc::clone(&gate), Arc::clone(&server));
            let stop = stop.clone();
            connections.spawn(async move {
                let connected = tokio::select! {
                    connected = gate.admit(stream, peer) => connected,
                    () = stop.cancelled() => None,
                };
                drop(stranger);
                if let Some(connected) = connected {
                    server.serve(connected).await;
                }
            });
        }
        drop(self.socket);
        connections.close();
        connections.wait().await;
    }

    async fn next(
        &self,
        strangers: &Arc<Strangers>,
        stop: &CancellationToken,
    ) -> Option<(TcpStream, SocketAddr, Stranger)> {
        loop {
            let accepted = tokio::select! {
                biased;
                () = stop.cancelled() => return None,
                accepted = async {
                    let place = strangers.place().await?;
                    Some((self.socket.accept().await, place))
                } => accepted?,
            };
            match accepted {
                (Ok((stream, peer)), place) => {
                    let Some(stranger) = strangers.enter(peer.ip(), place) else {
                        refuse(&stream, peer);
                        continue;
                    };
                    if let Err(error) = prepare(&stream) {
                        tracing::debug!(%peer, %error, "connection lost before it was served");
                        continue;
                    }
                    return Some((stream, peer, stranger));
                }
                (Err(error), _) => {
                    tracing::warn!(%error, "could not accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

/// Tells a client that its address has too many strangers, without waiting for it.
fn refuse(stream: &TcpStream, peer: SocketAddr) {
    let message = "too many connections from this address have not logged in";
    let error = Error::new(ErrorKind::TooManyConnections, message);
    tracing::info!(%peer, sqlstate = error.sqlstate(), %error, "connection refused");
    let mut answer = BytesMut::new();
    write_error(&mut answer, &error, Severity::Fatal);
    // A fresh socket has room for it; where it has not, the client sees the end of the connection.
    let _ = stream.try_write(&answer);
}

/// Answers are written whole, so they must not wait for more (Nagle); peers that vanish are found out.
fn prepare(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_IDLE)
        .with_interval(KEEPALIVE_INTERVAL)
        .with_retries(KEEPALIVE_RETRIES);
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Login;
    use crate::auth::password::Verifier;
    use crate::base::limits::Limits;
    use crate::base::secret::Secret;
    use crate::base::{Oid, PrincipalId};
    use crate::catalog::Snapshot;
    use crate::catalog::principal::{Principal, PrincipalKind};
    use crate::catalog::snapshot::Facts;
    use crate::session::Registry;
    use pgwire::messages::response::{ReadyForQuery, TransactionStatus};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// A session that only waits for its end.
    struct Waiting;

    impl Serve for Waiting {
        async fn serve(&self, mut connected: Connected) {
            connected.socket.send(ReadyForQuery::new(TransactionStatus::Idle)).unwrap();
            connected.socket.flush().await.unwrap();
            let draining = connected.slot.draining().clone();
            tokio::select! {
                () = draining.cancelled() => {}
                () = connected.socket.closed() => {}
            }
        }
    }

    fn gate(limits: Limits) -> Arc<Gate> {
        let verifier = Verifier::from_password(&Secret::new("pencil")).unwrap().stored_form();
        let snapshot = Arc::new(Snapshot::new(Facts {
            principals: vec![Principal {
                id: PrincipalId::generate(),
                oid: Oid(1),
                name: "ada".to_owned(),
                kind: PrincipalKind::User,
                admin: false,
                verifier: Some(verifier),
                member_of: Default::default(),
            }],
            ..Facts::default()
        }));
        Arc::new(Gate {
            registry: Registry::new(limits.connections_max),
            limits,
            login: Login::new([7; 32]),
            snapshot: Box::new(move || Arc::clone(&snapshot)),
            certificate: None,
            require_tls: false,
        })
    }

    async fn log_in(address: SocketAddr) -> tokio_postgres::Client {
        let mut config = tokio_postgres::Config::new();
        config.host(address.ip().to_string()).port(address.port());
        config.user("ada").password("pencil");
        let (client, connection) = config.connect(tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    #[tokio::test]
    async fn serves_until_it_is_stopped_and_the_last_session_has_left() {
        let gate = gate(Limits::default());
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let (address, stop) = (listener.address(), CancellationToken::new());
        let running =
            tokio::spawn(listener.run(Arc::clone(&gate), Arc::new(Waiting), stop.clone()));
        let client = log_in(address).await;
        let other = log_in(address).await;
        assert_eq!(gate.registry.len(), 2);
        drop(other);
        while gate.registry.len() > 1 {
            tokio::task::yield_now().await;
        }
        stop.cancel();
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(!running.is_finished(), "a session is still there");
        assert!(TcpStream::connect(address).await.is_err());
        gate.registry.drain();
        running.await.unwrap();
        assert!(client.is_closed() || gate.registry.is_empty());
    }

    #[tokio::test]
    async fn strangers_beyond_the_limit_wait_outside() {
        let limits = Limits { unauthenticated_connections_max: 1, ..Limits::default() };
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let (address, stop) = (listener.address(), CancellationToken::new());
        let running = tokio::spawn(listener.run(gate(limits), Arc::new(Waiting), stop.clone()));
        let silent = TcpStream::connect(address).await.unwrap();
        let mut waiting = TcpStream::connect(address).await.unwrap();
        waiting.write_all(b"\0\0\0\x08\x04\xd2\x16\x2f").await.unwrap();
        let brief = Duration::from_millis(50);
        assert!(tokio::time::timeout(brief, waiting.read_u8()).await.is_err());
        drop(silent);
        assert_eq!(waiting.read_u8().await.unwrap(), b'N');
        stop.cancel();
        running.await.unwrap();
    }

    #[tokio::test]
    async fn an_address_with_its_share_of_strangers_is_refused() {
        let per_address = 2;
        let limits = Limits {
            unauthenticated_connections_per_address_max: per_address,
            ..Limits::default()
        };
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let (address, stop) = (listener.address(), CancellationToken::new());
        let running = tokio::spawn(listener.run(gate(limits), Arc::new(Waiting), stop.clone()));
        // Who has logged in is no stranger.
        let _client = log_in(address).await;
        let mut silent = Vec::new();
        for _ in 0..per_address {
            silent.push(TcpStream::connect(address).await.unwrap());
        }
        let mut refused = TcpStream::connect(address).await.unwrap();
        let mut answer = Vec::new();
        refused.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(answer.starts_with('E') && answer.contains("53300"), "{answer}");
        silent.clear();
        // The places are given back when the server has seen them go.
        tokio::time::sleep(Duration::from_millis(50)).await;
        let _other = log_in(address).await;
        stop.cancel();
        running.abort();
    }
}
