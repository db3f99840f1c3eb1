//! From the first byte of a stranger to a logged-in client: encryption, the startup packet, the login, all
//! under one deadline. It makes no session; what it ends in is [`Connected`].

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::{Buf, BytesMut};
use pgwire::messages::startup::NegotiateProtocolVersion;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::auth::certificate::Loaded;
use crate::auth::scram::ChannelBinding;
use crate::auth::{Login, ServerCertificate};
use crate::base::limits::Limits;
use crate::base::{Error, ErrorKind, PrincipalId, Result};
use crate::catalog::Snapshot;
use crate::engine::facts::SessionActivity;
use crate::session::Registry;
use crate::session::registry::{KeyLength, SessionSlot};

use super::error::Severity;
use super::login::authenticate;
use super::socket::Socket;
use super::startup_options::parse_options;
use super::startup_packet::{Negotiation, Startup, StartupPacket, invalid_length};
use super::tls::{self, ByteStream, Rewound};

/// What the endpoint needs to let a client in.
pub struct Gate {
    pub limits: Limits,
    pub registry: Arc<Registry>,
    pub login: Login,
    /// The catalog as it is now.
    pub snapshot: Box<dyn Fn() -> Arc<Snapshot> + Send + Sync>,
    pub certificate: Option<Arc<ServerCertificate>>,
    /// Refuse clients that do not use TLS.
    pub require_tls: bool,
}

/// A client that has logged in. AuthenticationOk waits in the socket's buffer; ParameterStatus,
/// BackendKeyData and ReadyForQuery come next.
pub struct Connected {
    pub socket: Socket,
    pub user: PrincipalId,
    pub user_name: String,
    /// `None` where the client named none.
    pub database: Option<String>,
    /// Settings in the order in which they apply: those of `options` first. Not yet checked.
    pub settings: Vec<(String, String)>,
    pub tls: bool,
    pub peer: SocketAddr,
    /// The session's place; it holds the pid and the key for BackendKeyData.
    pub slot: SessionSlot,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProtocolVersion {
    V3_0,
    /// Adds longer cancel keys.
    V3_2,
}

/// The first byte of a TLS hand-shake, which no startup packet has: its length would be over 369 MB.
const TLS_HANDSHAKE: u8 = 0x16;
/// The length word, which counts itself.
const LENGTH_BYTES: usize = 4;
const TLS_ACCEPTED: u8 = b'S';
const REFUSED: u8 = b'N';

impl Gate {
    /// Lets a client in, or tells it why not. `None` when there is no session to serve: a cancel request,
    /// a refused client, one that left.
    pub async fn admit<S: ByteStream + 'static>(
        &self,
        stream: S,
        peer: SocketAddr,
    ) -> Option<Connected> {
        let timeout = self.limits.startup_timeout;
        match tokio::time::timeout(timeout, self.begin(stream, peer)).await {
            Ok(outcome) => outcome,
            Err(_elapsed) => {
                tracing::debug!(%peer, "startup timed out");
                None
            }
        }
    }

    async fn begin<S: ByteStream + 'static>(
        &self,
        stream: S,
        peer: SocketAddr,
    ) -> Option<Connected> {
        let mut door = Door::new(Box::new(stream));
        let outcome = match self.knock(&mut door).await {
            Ok(Some(startup)) => {
                let binding = door.certificate.as_ref().and_then(|used| used.binding.clone());
                let mut socket =
                    Socket::new(door.stream, door.buffer, self.limits.message_bytes_max);
                let tls = door.certificate.is_some();
                match self.let_in(&mut socket, startup, binding, tls, peer).await {
                    Ok(entry) => {
                        return entry.map(|entry| entry.connected(socket, tls, peer));
                    }
                    Err(error) => Err((socket, error)),
                }
            }
            Ok(None) => Ok(()),
            Err(error) => {
                let socket = Socket::new(door.stream, door.buffer, self.limits.message_bytes_max);
                Err((socket, error))
            }
        };
        if let Err((mut socket, error)) = outcome {
            tracing::info!(%peer, sqlstate = error.sqlstate(), %error, "connection refused");
            socket.send_error(&error, Severity::Fatal);
            socket.close().await;
        }
        None
    }

    /// Negotiates encryption until the client says who it is; `None` when it only wanted to cancel, or left.
    async fn knock(&self, door: &mut Door) -> Result<Option<Startup>> {
        if !door.read_at_least(1).await? {
            return Ok(None);
        }
        let mut negotiation = Negotiation { tls_open: true, gss_open: true };
        if door.buffer.first() == Some(&TLS_HANDSHAKE)
            && let Some(certificate) = &self.certificate
        {
            door.accept_tls(certificate.current(), tls::require_protocol_name).await?;
            negotiation = Negotiation { tls_open: false, gss_open: false };
        }
        loop {
            let Some(packet) = door.read_packet(self.limits.startup_packet_bytes_max).await? else {
                return Ok(None);
            };
            match StartupPacket::decode(&packet, negotiation)? {
                StartupPacket::SslRequest => {
                    door.refuse_early_bytes("SSL")?;
                    negotiation.tls_open = false;
                    match &self.certificate {
                        Some(certificate) => {
                            door.answer(TLS_ACCEPTED).await?;
                            door.accept_tls(certificate.current(), |_| Ok(())).await?;
                            negotiation.gss_open = false;
                        }
                        None => door.answer(REFUSED).await?,
                    }
                }
                StartupPacket::GssEncRequest => {
                    door.refuse_early_bytes("GSSAPI encryption")?;
                    negotiation.gss_open = false;
                    door.answer(REFUSED).await?;
                }
                StartupPacket::CancelRequest { pid, secret } => {
                    self.registry.cancel(pid, &secret);
                    return Ok(None);
                }
                StartupPacket::Startup(startup) => return Ok(Some(startup)),
            }
        }
    }

    /// Logs the client in.
    async fn let_in(
        &self,
        socket: &mut Socket,
        startup: Startup,
        binding: Option<ChannelBinding>,
        tls: bool,
        peer: SocketAddr,
    ) -> Result<Option<Entry>> {
        let protocol = negotiate_version(socket, &startup)?;
        refuse_replication(startup.replication.as_deref())?;
        if self.require_tls && !tls {
            return Err(Error::new(
                ErrorKind::InvalidAuthorizationSpecification,
                "the server accepts connections over TLS only",
            )
            .with_hint("Connect with sslmode=require or stricter."));
        }
        let mut settings = parse_options(startup.options.as_deref().unwrap_or_default())?;
        settings.extend(startup.settings);
        self.registry.check_room()?;

        let snapshot = (self.snapshot)();
        let login = authenticate(socket, &self.login, &snapshot, &startup.user, binding).await?;
        let Some(user) = login else { return Ok(None) };
        let key_length = match protocol {
            ProtocolVersion::V3_0 => KeyLength::Short,
            ProtocolVersion::V3_2 => KeyLength::Long,
        };
        let activity = SessionActivity {
            user: startup.user.clone(),
            catalog: startup.database.clone().unwrap_or_default(),
            client_address: Some(peer),
            ..SessionActivity::default()
        };
        let slot = self.registry.register(key_length, activity)?;
        let (user_name, database) = (startup.user, startup.database);
        Ok(Some(Entry { user, user_name, database, settings, slot }))
    }
}

/// [`Connected`] but for the socket.
struct Entry {
    user: PrincipalId,
    user_name: String,
    database: Option<String>,
    settings: Vec<(String, String)>,
    slot: SessionSlot,
}

impl Entry {
    fn connected(self, socket: Socket, tls: bool, peer: SocketAddr) -> Connected {
        let Entry { user, user_name, database, settings, slot } = self;
        Connected { socket, user, user_name, database, settings, tls, peer, slot }
    }
}

type TlsConnection = tokio_rustls::server::TlsStream<Rewound<Box<dyn ByteStream>>>;

/// A connection before its startup packet.
struct Door {
    stream: Box<dyn ByteStream>,
    /// Read and not yet used.
    buffer: BytesMut,
    /// The certificate that this connection's TLS uses.
    certificate: Option<Arc<Loaded>>,
}

impl Door {
    fn new(stream: Box<dyn ByteStream>) -> Self {
        Door { stream, buffer: BytesMut::with_capacity(1024), certificate: None }
    }

    /// Fills the buffer; `false` when the client left first.
    async fn read_at_least(&mut self, bytes: usize) -> Result<bool> {
        while self.buffer.len() < bytes {
            self.buffer.reserve(bytes - self.buffer.len());
            if self.stream.read_buf(&mut self.buffer).await.map_err(lost)? == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The next packet without its length word, which is checked before anything is allocated.
    async fn read_packet(&mut self, bytes_max: usize) -> Result<Option<BytesMut>> {
        if !self.read_at_least(LENGTH_BYTES).await? {
            return Ok(None);
        }
        let length = self.buffer.get_i32();
        let length = usize::try_from(length).ok().and_then(|all| all.checked_sub(LENGTH_BYTES));
        let length = length.filter(|length| (4..=bytes_max).contains(length));
        let length = length.ok_or_else(invalid_length)?;
        if !self.read_at_least(length).await? {
            return Ok(None);
        }
        Ok(Some(self.buffer.split_to(length)))
    }

    /// A client waits for the answer to its request. Bytes that are there already came in clear, perhaps
    /// from somebody between us, and must never be taken for encrypted ones (CVE-2021-23214).
    fn refuse_early_bytes(&self, request: &str) -> Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::ProtocolViolation,
            format!("received unencrypted data after {request} request"),
        )
        .with_detail(
            "This could be either a client-software bug or evidence of an attempted man-in-the-middle \
             attack.",
        ))
    }

    async fn answer(&mut self, byte: u8) -> Result<()> {
        self.stream.write_all(&[byte]).await.map_err(lost)?;
        self.stream.flush().await.map_err(lost)
    }

    async fn accept_tls(
        &mut self,
        certificate: Arc<Loaded>,
        check: fn(&TlsConnection) -> Result<()>,
    ) -> Result<()> {
        // If the hand-shake fails the connection is gone: nothing could be said in clear to a client
        // that speaks TLS.
        let stream = std::mem::replace(&mut self.stream, Box::new(tokio::io::empty()));
        let read_ahead = std::mem::take(&mut self.buffer);
        let stream = tls::accept(stream, read_ahead, &certificate).await?;
        let checked = check(&stream);
        self.stream = Box::new(stream);
        self.certificate = Some(certificate);
        checked
    }
}

/// The protocol version that both know. A client that asks for more, or for extensions, is told what it gets.
fn negotiate_version(socket: &mut Socket, startup: &Startup) -> Result<ProtocolVersion> {
    let (version, known) = match startup.minor_version {
        0 => (ProtocolVersion::V3_0, true),
        // Never released.
        1 => (ProtocolVersion::V3_0, false),
        2 => (ProtocolVersion::V3_2, true),
        _ => (ProtocolVersion::V3_2, false),
    };
    if !known || !startup.protocol_options.is_empty() {
        let number = match version {
            ProtocolVersion::V3_0 => 3 << 16,
            ProtocolVersion::V3_2 => 3 << 16 | 2,
        };
        let options = startup.protocol_options.clone();
        socket.send(NegotiateProtocolVersion::new(number, options))?;
    }
    Ok(version)
}

fn refuse_replication(value: Option<&str>) -> Result<()> {
    let Some(value) = value else { return Ok(()) };
    match value.to_ascii_lowercase().as_str() {
        "false" | "off" | "no" | "0" | "f" | "n" => Ok(()),
        "true" | "on" | "yes" | "1" | "t" | "y" | "database" => {
            Err(Error::unsupported("the replication protocol"))
        }
        _ => Err(Error::new(
            ErrorKind::InvalidParameterValue,
            format!("invalid value for parameter \"replication\": \"{value}\""),
        )
        .with_hint("Valid values are: \"false\", 0, \"true\", 1, \"database\".")),
    }
}

fn lost(error: std::io::Error) -> Error {
    Error::new(ErrorKind::ConnectionFailure, "connection to client lost").caused_by(error)
}

#[cfg(test)]
mod tests;
