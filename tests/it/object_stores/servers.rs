//! Object store servers as processes of their own, each in a folder and on ports of its own. They are
//! installed by `install.sh` when a test first needs one.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const START_TIMEOUT: Duration = Duration::from_secs(60);

/// The bucket or container that every server has.
pub const BUCKET: &str = "lake";

/// Which program serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// S3, with signatures checked.
    SeaweedFs,
    /// S3, with any key.
    Moto,
    /// Azure Blob Storage.
    Azurite,
    /// S3 without conditional put.
    S3rver,
}

/// A running server, killed when dropped.
pub struct ObjectStore {
    kind: Kind,
    child: Child,
    port: u16,
    folder: TempDir,
}

impl ObjectStore {
    /// Starts a server and makes the bucket.
    pub fn start(kind: Kind) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_ports();
        let child = spawn(kind, folder.path(), port);
        let server = ObjectStore { kind, child, port, folder };
        server.wait_until_ready();
        server.make_bucket();
        server
    }

    pub fn endpoint(&self) -> String {
        match self.kind {
            Kind::Azurite => format!("http://127.0.0.1:{}/devstoreaccount1", self.port),
            Kind::SeaweedFs | Kind::Moto | Kind::S3rver => {
                format!("http://127.0.0.1:{}", self.port)
            }
        }
    }

    /// The key and secret of somebody who may do everything.
    pub fn keys(&self) -> (&'static str, &'static str) {
        match self.kind {
            Kind::SeaweedFs | Kind::Moto => ("lakegate", "open sesame"),
            // Both are known to everybody who has the program.
            Kind::S3rver => ("S3RVER", "S3RVER"),
            Kind::Azurite => (
                "devstoreaccount1",
                "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
            ),
        }
    }

    /// The options of a storage credential with these keys.
    pub fn options(&self, key: &str, secret: &str) -> String {
        let (kind, key_name, secret_name) = match self.kind {
            Kind::Azurite => ("azure", "ACCOUNT_NAME", "ACCOUNT_KEY"),
            _ => ("s3", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY"),
        };
        let endpoint = self.endpoint();
        format!(
            "TYPE '{kind}', {key_name} '{key}', {secret_name} '{secret}', ENDPOINT = '{endpoint}', \
             ALLOW_HTTP true"
        )
    }

    /// The URL of a place in the bucket.
    pub fn url(&self, path: &str) -> String {
        match self.kind {
            Kind::Azurite => format!("az://{BUCKET}/{path}"),
            _ => format!("s3://{BUCKET}/{path}"),
        }
    }

    /// Kills the server as a power cut would.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts the server again with the data that it had.
    pub fn start_again(&mut self) {
        self.kill();
        self.child = spawn(self.kind, self.folder.path(), self.port);
        self.wait_until_ready();
        self.make_bucket();
    }

    fn make_bucket(&self) {
        let kind = match self.kind {
            // The program makes it when it starts.
            Kind::S3rver => return,
            Kind::Azurite => "azure",
            Kind::SeaweedFs | Kind::Moto => "s3",
        };
        let (key, secret) = self.keys();
        let end = Instant::now() + START_TIMEOUT;
        loop {
            let made = python("make_bucket.py", &[kind, &self.endpoint(), BUCKET, key, secret]);
            match made {
                Ok(_) => return,
                Err(error) if error.contains("AlreadyOwnedByYou") || error.contains("Exists") => {
                    return;
                }
                Err(error) if Instant::now() > end => panic!("no bucket: {error}"),
                Err(_) => std::thread::sleep(Duration::from_millis(500)),
            }
        }
    }

    /// Ready is who answers HTTP: ports are open long before.
    fn wait_until_ready(&self) {
        let end = Instant::now() + START_TIMEOUT;
        while Instant::now() < end {
            if answers(self.port) {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        panic!("{:?} did not become ready:\n{log}", self.kind);
    }
}

impl Drop for ObjectStore {
    fn drop(&mut self) {
        self.kill();
    }
}

fn answers(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    let _ = stream.set_read_timeout(Some(Duration::from_secs(2)));
    let request = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
    let mut answer = [0; 5];
    stream.write_all(request.as_bytes()).is_ok()
        && stream.read_exact(&mut answer).is_ok()
        && &answer == b"HTTP/"
}

fn spawn(kind: Kind, folder: &Path, port: u16) -> Child {
    let installed = installed();
    let log = std::fs::File::create(folder.join("log")).unwrap();
    let data = folder.join("data");
    std::fs::create_dir_all(&data).unwrap();
    let port_of = |n: u16| (port + n).to_string();
    let mut command = match kind {
        Kind::SeaweedFs => {
            let identities = folder.join("identities.json");
            std::fs::write(&identities, IDENTITIES).unwrap();
            let mut command = Command::new(installed.join("venv/bin/weed"));
            command.args(["server", "-s3", "-ip=127.0.0.1", "-volume.max=100"]);
            command.arg(format!("-s3.config={}", identities.display()));
            command.arg(format!("-dir={}", data.display()));
            command.args(["-master.volumeSizeLimitMB=64", "-master.telemetry=false"]);
            // Servers of the same ports in every instance.
            command.args(["-s3.port.iceberg=0", "-s3.port.lance=0"]);
            command.arg(format!("-s3.localSocket={}", folder.join("s3.sock").display()));
            command.arg(format!("-filer.localSocket={}", folder.join("filer.sock").display()));
            command.arg(format!("-s3.port={}", port_of(0)));
            command.arg(format!("-master.port={}", port_of(1)));
            command.arg(format!("-volume.port={}", port_of(2)));
            command.arg(format!("-filer.port={}", port_of(3)));
            command
        }
        Kind::Moto => {
            let mut command = Command::new(installed.join("venv/bin/moto_server"));
            command.args(["-H", "127.0.0.1", "-p", &port_of(0)]);
            command
        }
        Kind::Azurite => {
            let mut command = Command::new(installed.join("node/node_modules/.bin/azurite-blob"));
            command.args(["--blobHost", "127.0.0.1", "--blobPort", &port_of(0)]);
            command.args(["--skipApiVersionCheck", "--silent", "--location"]).arg(&data);
            command
        }
        Kind::S3rver => {
            let mut command = Command::new(installed.join("node/node_modules/.bin/s3rver"));
            command.args(["-a", "127.0.0.1", "-p", &port_of(0), "-d"]).arg(&data);
            command.args(["--configure-bucket", BUCKET]);
            command
        }
    };
    command.stdin(Stdio::null()).stderr(log.try_clone().unwrap()).stdout(log);
    command.current_dir(folder).spawn().unwrap()
}

/// Who may do what in SeaweedFS.
const IDENTITIES: &str = r#"{"identities": [
    {"name": "all", "credentials": [{"accessKey": "lakegate", "secretKey": "open sesame"}],
     "actions": ["Admin", "Read", "List", "Tagging", "Write"]},
    {"name": "reader", "credentials": [{"accessKey": "reader", "secretKey": "only looking"}],
     "actions": ["Read", "List"]}
]}"#;

/// Where the servers are installed: beside the build.
fn installed() -> &'static Path {
    static INSTALLED: OnceLock<PathBuf> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        let build = Path::new(env!("CARGO_BIN_EXE_lakegate")).parent().unwrap();
        let folder = build.parent().unwrap().join("object-stores");
        let outcome = Command::new(here().join("install.sh")).arg(&folder).output().unwrap();
        assert!(
            outcome.status.success(),
            "the object stores could not be installed; they need python3-venv and npm:\n{}",
            String::from_utf8_lossy(&outcome.stderr)
        );
        folder
    })
}

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/object_stores")
}

/// Runs a script of this folder; what it prints, or what it complains of.
pub fn python(script: &str, arguments: &[&str]) -> Result<String, String> {
    let python = installed().join("venv/bin/python");
    let outcome = Command::new(python).arg(here().join(script)).args(arguments).output().unwrap();
    match outcome.status.success() {
        true => Ok(String::from_utf8_lossy(&outcome.stdout).into_owned()),
        false => Err(String::from_utf8_lossy(&outcome.stderr).into_owned()),
    }
}

/// The first of eight ports that are free, with those 10,000 above them, which SeaweedFS takes too. Below
/// the ports that the system gives to clients.
fn free_ports() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let is_free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    let start = u16::try_from(std::process::id() % 1000).unwrap() * 8;
    for _ in 0..1000 {
        let step = NEXT.fetch_add(8, Ordering::Relaxed);
        let first = 12_000 + (start + step) % 8_000;
        if (first..first + 8).all(|port| is_free(port) && is_free(port + 10_000)) {
            return first;
        }
    }
    panic!("there are no free ports");
}

/// A server that gives every request the same answer, or none.
pub struct Answering {
    address: SocketAddr,
}

impl Answering {
    /// `None` takes requests and stays silent. It ends with the test program.
    pub fn start(answer: Option<(u16, &'static str)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                std::thread::spawn(move || answer_all(stream, answer));
            }
        });
        Answering { address }
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }
}

fn answer_all(mut stream: TcpStream, answer: Option<(u16, &'static str)>) {
    let mut request = [0; 64 << 10];
    while let Ok(read) = stream.read(&mut request) {
        if read == 0 {
            return;
        }
        let Some((status, body)) = answer else { continue };
        let head = format!(
            "HTTP/1.1 {status} Said\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
        return;
    }
}
