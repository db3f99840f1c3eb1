//! Hand-shakes over a pipe: real clients that are let in, and strangers that try what they should not.

use super::*;

use std::time::Duration;

use bytes::BufMut;
use pgwire::messages::response::{ReadyForQuery, TransactionStatus};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio_postgres::NoTls;
use tokio_postgres::config::{ChannelBinding as ClientBinding, SslMode};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream as ClientTls;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::auth::password::Verifier;
use crate::base::Oid;
use crate::base::secret::Secret;
use crate::catalog::principal::{Principal, PrincipalKind};
use crate::catalog::snapshot::Facts;
use crate::wire::message::FrontendMessage;

const PASSWORD: &str = "pencil";

struct Authority {
    certificate: CertificateDer<'static>,
    server: Arc<ServerCertificate>,
    _folder: tempfile::TempDir,
}

fn authority() -> Authority {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let files = (folder.path().join("server.crt"), folder.path().join("server.key"));
    std::fs::write(&files.0, certificate.pem()).unwrap();
    std::fs::write(&files.1, key.serialize_pem()).unwrap();
    let server = Arc::new(ServerCertificate::load(files.0, files.1).unwrap());
    Authority { certificate: certificate.der().clone(), server, _folder: folder }
}

fn gate(certificate: Option<&Authority>) -> Gate {
    let principal = |oid, name: &str, verifier| Principal {
        id: PrincipalId::generate(),
        oid: Oid(oid),
        name: name.to_owned(),
        kind: PrincipalKind::User,
        admin: false,
        verifier,
        member_of: Default::default(),
    };
    let verifier = Verifier::from_password(&Secret::new(PASSWORD)).unwrap().stored_form();
    let snapshot = Arc::new(Snapshot::new(Facts {
        principals: vec![principal(1, "ada", Some(verifier)), principal(2, "locked", None)],
        ..Facts::default()
    }));
    Gate {
        limits: Limits { message_bytes_max: 100_000, ..Limits::default() },
        registry: Registry::new(10),
        login: Login::new([7; 32]),
        snapshot: Box::new(move || Arc::clone(&snapshot)),
        certificate: certificate.map(|authority| Arc::clone(&authority.server)),
        require_tls: false,
    }
}

fn peer() -> SocketAddr {
    "127.0.0.1:4711".parse().unwrap()
}

/// Admits one client, tells it that it may query, and waits until it leaves.
async fn serve_one(gate: Gate, stream: DuplexStream) -> Option<Connected> {
    let mut connected = gate.admit(stream, peer()).await?;
    connected.socket.send(ReadyForQuery::new(TransactionStatus::Idle)).unwrap();
    connected.socket.flush().await.unwrap();
    while let Ok(Some(message)) = connected.socket.read().await {
        if matches!(message, FrontendMessage::Terminate) {
            break;
        }
    }
    Some(connected)
}

/// Runs bytes of a stranger against the gate and gives all that comes back until the end.
async fn answer_to(gate: Gate, chunks: &[&[u8]]) -> Vec<u8> {
    let (mut client, server) = tokio::io::duplex(1 << 16);
    let serving = tokio::spawn(async move { serve_one(gate, server).await.is_some() });
    let mut answer = Vec::new();
    for chunk in chunks {
        client.write_all(chunk).await.unwrap();
        tokio::task::yield_now().await;
    }
    let reading = client.read_to_end(&mut answer);
    tokio::time::timeout(Duration::from_secs(5), reading).await.unwrap().unwrap();
    drop(client);
    assert!(!serving.await.unwrap(), "a stranger was let in");
    answer
}

/// Severity, SQLSTATE and message of an ErrorResponse.
fn error_in(answer: &[u8]) -> (String, String, String) {
    assert_eq!(answer.first(), Some(&b'E'), "{}", String::from_utf8_lossy(answer));
    let field = |name: u8| {
        let fields = answer[5..].split(|byte| *byte == 0);
        let field = fields.into_iter().find(|field| field.first() == Some(&name)).unwrap();
        String::from_utf8(field[1..].to_vec()).unwrap()
    };
    (field(b'S'), field(b'C'), field(b'M'))
}

async fn refusal_of(gate: Gate, chunks: &[&[u8]]) -> (String, String) {
    let (severity, sqlstate, message) = error_in(&answer_to(gate, chunks).await);
    assert_eq!(severity, "FATAL");
    (sqlstate, message)
}

fn packet(code: u32, body: &[u8]) -> Vec<u8> {
    let mut packet = Vec::new();
    packet.put_u32(8 + body.len() as u32);
    packet.put_u32(code);
    packet.extend_from_slice(body);
    packet
}

const SSL_REQUEST_CODE: u32 = 80877103;
const GSSENC_REQUEST_CODE: u32 = 80877104;
const CANCEL_REQUEST_CODE: u32 = 80877102;
const V3_0: u32 = 3 << 16;

fn startup_of(parameters: &[(&str, &str)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in parameters {
        body.extend_from_slice(format!("{name}\0{value}\0").as_bytes());
    }
    body.push(0);
    packet(V3_0, &body)
}

// ---- clients that log in -------------------------------------------------------------------------

/// What TLS needs to be to tokio-postgres.
struct PipeTls {
    tls: ClientTls<DuplexStream>,
    binding: Vec<u8>,
}

impl AsyncRead for PipeTls {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::pin::Pin::new(&mut self.tls).poll_read(context, buffer)
    }
}

impl AsyncWrite for PipeTls {
    fn poll_write(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        std::pin::Pin::new(&mut self.tls).poll_write(context, bytes)
    }

    fn poll_flush(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::pin::Pin::new(&mut self.tls).poll_flush(context)
    }

    fn poll_shutdown(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::pin::Pin::new(&mut self.tls).poll_shutdown(context)
    }
}

impl tokio_postgres::tls::TlsStream for PipeTls {
    fn channel_binding(&self) -> tokio_postgres::tls::ChannelBinding {
        tokio_postgres::tls::ChannelBinding::tls_server_end_point(self.binding.clone())
    }
}

struct PipeConnector {
    config: ClientConfig,
    binding: Vec<u8>,
}

impl tokio_postgres::tls::TlsConnect<DuplexStream> for PipeConnector {
    type Stream = PipeTls;
    type Error = std::io::Error;
    type Future = std::pin::Pin<Box<dyn Future<Output = std::io::Result<PipeTls>> + Send>>;

    fn connect(self, stream: DuplexStream) -> Self::Future {
        Box::pin(async move {
            let connector = TlsConnector::from(Arc::new(self.config));
            let name = ServerName::try_from("localhost").unwrap();
            Ok(PipeTls { tls: connector.connect(name, stream).await?, binding: self.binding })
        })
    }
}

fn client_tls(authority: &Authority, alpn: &[&[u8]]) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(authority.certificate.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    config
}

fn connector(authority: &Authority) -> PipeConnector {
    let binding = authority.server.current().binding.clone().unwrap().0;
    PipeConnector { config: client_tls(authority, &[b"postgresql"]), binding }
}

fn client(user: &str, password: &str) -> tokio_postgres::Config {
    let mut config = tokio_postgres::Config::new();
    config.user(user).password(password).dbname("main").ssl_mode(SslMode::Disable);
    config
}

/// Logs in with the real client; gives what the server saw, or the SQLSTATE of the refusal.
async fn log_in<T>(
    gate: Gate,
    config: &tokio_postgres::Config,
    tls: T,
) -> std::result::Result<Connected, String>
where
    T: tokio_postgres::tls::TlsConnect<DuplexStream>,
{
    let (near, far) = tokio::io::duplex(1 << 16);
    let serving = tokio::spawn(serve_one(gate, far));
    match config.connect_raw(near, tls).await {
        Ok((client, connection)) => {
            drop(client);
            let _ = connection.await;
            Ok(serving.await.unwrap().unwrap())
        }
        Err(error) => {
            assert!(serving.await.unwrap().is_none());
            let text = error.to_string();
            Err(error.code().map_or(text, |code| code.code().to_owned()))
        }
    }
}

#[tokio::test]
async fn the_right_password_logs_in() {
    let mut config = client("ada", PASSWORD);
    config.application_name("test").options("-c search_path=a -c jit=off");
    let connected = log_in(gate(None), &config, NoTls).await.unwrap();
    assert_eq!(connected.user_name, "ada");
    assert_eq!(connected.database.as_deref(), Some("main"));
    assert!(!connected.tls);
    assert_eq!(connected.slot.secret().len(), 4);
    let names: Vec<_> = connected.settings.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names[..2], ["search_path", "jit"]);
    assert!(names.contains(&"application_name") && !names.contains(&"user"));
}

#[tokio::test]
async fn whatever_is_wrong_with_a_login_sounds_the_same() {
    for (user, password) in
        [("ada", "wrong"), ("locked", PASSWORD), ("mallory", PASSWORD), ("", PASSWORD)]
    {
        let refused = log_in(gate(None), &client(user, password), NoTls).await.err().unwrap();
        assert_eq!(refused, if user.is_empty() { "28000" } else { "28P01" }, "{user}");
    }
}

#[tokio::test]
async fn channel_binding_is_used_over_tls() {
    let authority = authority();
    let mut config = client("ada", PASSWORD);
    config.ssl_mode(SslMode::Require).channel_binding(ClientBinding::Require);
    let connected = log_in(gate(Some(&authority)), &config, connector(&authority)).await.unwrap();
    assert!(connected.tls);
}

#[tokio::test]
async fn another_certificate_in_the_middle_is_found_out() {
    let authority = authority();
    let mut config = client("ada", PASSWORD);
    config.ssl_mode(SslMode::Require).channel_binding(ClientBinding::Require);
    let mut connector = connector(&authority);
    connector.binding = vec![0; 32];
    let refused = log_in(gate(Some(&authority)), &config, connector).await.err().unwrap();
    assert_eq!(refused, "28000");
}

#[tokio::test]
async fn without_channel_binding_tls_works_too() {
    let authority = authority();
    let mut config = client("ada", PASSWORD);
    config.ssl_mode(SslMode::Require).channel_binding(ClientBinding::Disable);
    assert!(log_in(gate(Some(&authority)), &config, connector(&authority)).await.is_ok());
}

#[tokio::test]
async fn a_client_that_was_told_there_is_no_binding_is_warned() {
    // Over TLS the server offers PLUS; "y" says that the client heard of none.
    let authority = authority();
    let (near, far) = tokio::io::duplex(1 << 16);
    let serving = tokio::spawn(serve_one(gate(Some(&authority)), far));
    let mut stream = direct_tls(&authority, near, &[b"postgresql"]).await.unwrap();
    stream.write_all(&startup_of(&[("user", "ada")])).await.unwrap();
    let first = b"y,,n=,r=abc";
    let mut message = b"p".to_vec();
    message.put_u32(4 + 14 + 4 + first.len() as u32);
    message.extend_from_slice(b"SCRAM-SHA-256\0");
    message.put_u32(first.len() as u32);
    message.extend_from_slice(first);
    stream.write_all(&message).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let offer = usize::try_from(u32::from_be_bytes(answer[1..5].try_into().unwrap())).unwrap();
    assert_eq!(&answer[9..offer], b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0");
    let (_, sqlstate, message) = error_in(&answer[1 + offer..]);
    assert_eq!(
        (sqlstate.as_str(), message.as_str()),
        ("28000", "SCRAM channel binding negotiation error")
    );
    assert!(serving.await.unwrap().is_none());
}

async fn direct_tls(
    authority: &Authority,
    stream: DuplexStream,
    alpn: &[&[u8]],
) -> std::io::Result<ClientTls<DuplexStream>> {
    let connector = TlsConnector::from(Arc::new(client_tls(authority, alpn)));
    connector.connect(ServerName::try_from("localhost").unwrap(), stream).await
}

#[tokio::test]
async fn direct_tls_needs_the_protocol_name() {
    let authority = authority();
    let first_answer = async |alpn: &[&[u8]]| {
        let (near, far) = tokio::io::duplex(1 << 16);
        let serving = tokio::spawn(serve_one(gate(Some(&authority)), far));
        let Ok(mut stream) = direct_tls(&authority, near, alpn).await else {
            assert!(serving.await.unwrap().is_none());
            return None;
        };
        stream.write_all(&startup_of(&[("user", "ada")])).await.unwrap();
        stream.flush().await.unwrap();
        Some(stream.read_u8().await.unwrap())
    };
    assert_eq!(first_answer(&[b"postgresql"]).await, Some(b'R'));
    assert_eq!(first_answer(&[]).await, Some(b'E'));
    assert_eq!(first_answer(&[b"http/1.1"]).await, None);
}

#[tokio::test]
async fn clear_text_is_refused_where_tls_is_required() {
    let authority = authority();
    let gate = Gate { require_tls: true, ..gate(Some(&authority)) };
    let (sqlstate, message) = refusal_of(gate, &[&startup_of(&[("user", "ada")])]).await;
    assert_eq!(sqlstate, "28000");
    assert_eq!(message, "the server accepts connections over TLS only");
}

// ---- strangers -----------------------------------------------------------------------------------

#[tokio::test]
async fn bytes_in_clear_never_reach_the_encrypted_session() {
    let authority = authority();
    let injected = [packet(SSL_REQUEST_CODE, b""), startup_of(&[("user", "ada")])].concat();
    let (sqlstate, message) = refusal_of(gate(Some(&authority)), &[&injected]).await;
    assert_eq!(sqlstate, "08P01");
    assert_eq!(message, "received unencrypted data after SSL request");
    let (sqlstate, _) = refusal_of(gate(None), &[&injected]).await;
    assert_eq!(sqlstate, "08P01");
}

#[tokio::test]
async fn encryption_that_is_not_there_is_declined() {
    let requests = [
        packet(GSSENC_REQUEST_CODE, b""),
        packet(SSL_REQUEST_CODE, b""),
        startup_of(&[("user", "")]),
    ];
    let (mut client, server) = tokio::io::duplex(1 << 16);
    let serving = tokio::spawn(serve_one(gate(None), server));
    for request in &requests[..2] {
        client.write_all(request).await.unwrap();
        assert_eq!(client.read_u8().await.unwrap(), b'N');
    }
    client.write_all(&requests[2]).await.unwrap();
    assert_eq!(client.read_u8().await.unwrap(), b'E');
    drop(client);
    assert!(serving.await.unwrap().is_none());
}

#[tokio::test]
async fn a_second_request_for_tls_is_refused() {
    let (mut client, server) = tokio::io::duplex(1 << 16);
    let serving = tokio::spawn(serve_one(gate(None), server));
    client.write_all(&packet(SSL_REQUEST_CODE, b"")).await.unwrap();
    assert_eq!(client.read_u8().await.unwrap(), b'N');
    client.write_all(&packet(SSL_REQUEST_CODE, b"")).await.unwrap();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await.unwrap();
    assert_eq!(error_in(&answer).1, "0A000");
    assert!(serving.await.unwrap().is_none());
}

#[tokio::test]
async fn what_is_no_postgresql_client_is_told_so() {
    let sqlstate = async |bytes: &[u8]| refusal_of(gate(None), &[bytes]).await.0;
    assert_eq!(sqlstate(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await, "08P01");
    assert_eq!(sqlstate(&packet(2 << 16, b"user\0\0")).await, "0A000");
    assert_eq!(sqlstate(&packet(4 << 16, b"user\0x\0\0")).await, "0A000");
    assert_eq!(sqlstate(b"\0\0\0\x04").await, "08P01");
    assert_eq!(sqlstate(b"\xff\xff\xff\xff....").await, "08P01");
    assert_eq!(sqlstate(&[b"\0\0\x27\x20\0\x03\0\0", &[b'a'; 20_000][..]].concat()).await, "08P01");
    let replication = startup_of(&[("user", "ada"), ("replication", "database")]);
    assert_eq!(sqlstate(&replication).await, "0A000");
    let options = startup_of(&[("user", "ada"), ("options", "-d 5")]);
    assert_eq!(sqlstate(&options).await, "42601");
}

#[tokio::test]
async fn health_checks_are_answered_with_silence() {
    let (client, server) = tokio::io::duplex(1 << 16);
    drop(client);
    assert!(gate(None).admit(server, peer()).await.is_none());
}

#[tokio::test]
async fn newer_protocols_are_talked_down() {
    let (mut client, server) = tokio::io::duplex(1 << 16);
    let serving = tokio::spawn(serve_one(gate(None), server));
    let body = b"user\0ada\0_pq_.shiny\0on\0\0";
    client.write_all(&packet(3 << 16 | 9999, body)).await.unwrap();
    let mut answer = [0; 25];
    client.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"v\0\0\0\x17\0\x03\0\x02\0\0\0\x01_pq_.shiny\0R");
    drop(client);
    assert!(serving.await.unwrap().is_none());
}

#[tokio::test]
async fn a_cancel_request_needs_no_login_and_gets_no_answer() {
    let gate = gate(None);
    let slot = gate.registry.register(KeyLength::Long, SessionActivity::default()).unwrap();
    let statement = slot.begin_statement();
    let body = [&slot.pid().to_be_bytes()[..], slot.secret()].concat();
    assert!(answer_to(gate, &[&packet(CANCEL_REQUEST_CODE, &body)]).await.is_empty());
    assert!(statement.token().is_cancelled());
}

#[tokio::test]
async fn the_limit_of_sessions_is_told() {
    let full = Gate { registry: Registry::new(0), ..gate(None) };
    let (sqlstate, message) = refusal_of(full, &[&startup_of(&[("user", "ada")])]).await;
    assert_eq!((sqlstate.as_str(), message.as_str()), ("53300", "sorry, too many clients already"));
    let stopping = gate(None);
    stopping.registry.drain();
    assert_eq!(refusal_of(stopping, &[&startup_of(&[("user", "ada")])]).await.0, "57P03");
}

#[tokio::test]
async fn a_client_that_dawdles_is_left() {
    let (mut client, server) = tokio::io::duplex(1 << 16);
    let mut gate = gate(None);
    gate.limits.startup_timeout = Duration::from_millis(60);
    let admitted = tokio::spawn(async move { gate.admit(server, peer()).await.is_some() });
    let mut sent = 0;
    for byte in startup_of(&[("user", "ada")]) {
        if client.write_all(&[byte]).await.is_err() {
            break;
        }
        sent += 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(sent < 10, "it was given all the time it wanted");
    assert!(!admitted.await.unwrap());
}

#[tokio::test]
async fn messages_out_of_place_end_the_login() {
    let oversized = [b"p\0\0\x10\0".as_slice(), &[b'x'; 4092]].concat();
    let empty = b"p\0\0\0\x04".as_slice();
    let query = b"Q\0\0\0\x05\0".as_slice();
    let lying = b"p\0\0\0\x16SCRAM-SHA-256\0\x7f\xff\xff\xff".as_slice();
    for message in [&oversized, empty, query, lying] {
        let answer = answer_to(gate(None), &[&startup_of(&[("user", "ada")]), message]).await;
        let offer = usize::try_from(u32::from_be_bytes(answer[1..5].try_into().unwrap())).unwrap();
        assert_eq!(error_in(&answer[1 + offer..]).1, "08P01");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    /// Whatever a stranger sends, in whatever packet, it is not let in and nothing panics.
    #[test]
    fn no_bytes_open_the_gate(kind in 0..5usize, bytes: Vec<u8>) {
        let noise = match kind {
            0 => bytes,
            1 => packet(V3_0, &bytes),
            2 => [startup_of(&[("user", "ada")]), bytes].concat(),
            3 => [startup_of(&[("user", "ada")]), b"p\0\0\0\x26SCRAM-SHA-256\0".to_vec(), bytes].concat(),
            _ => [packet(GSSENC_REQUEST_CODE, b""), bytes].concat(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let admitted = runtime.block_on(async {
            let (mut client, server) = tokio::io::duplex(1 << 16);
            client.write_all(&noise).await.unwrap();
            drop(client);
            gate(None).admit(server, peer()).await.is_some()
        });
        proptest::prop_assert!(!admitted);
    }
}
