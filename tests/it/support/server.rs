//! The built binary as a process of its own, in a data folder of its own.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::Endpoint;

const ADMIN_PASSWORD: &str = "correct horse battery staple";
/// The line on standard output that says where it listens.
const READY: &str = "lakegate is ready: postgresql://";
/// A debug build on a busy machine.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// Over a second.
const MEMORY_READINGS: usize = 10;

/// How to start a server.
#[derive(Debug, Default, Clone)]
pub struct Options {
    /// After `serve --data … --listen …`.
    pub arguments: Vec<String>,
    pub environment: Vec<(String, String)>,
    /// A folder that outlives the server; a temporary one otherwise.
    pub data: Option<PathBuf>,
}

impl Options {
    /// With keys of the configuration: `limits.spill_bytes_max` and its value.
    pub fn with(mut self, keys: &[(&str, &str)]) -> Self {
        let variable = |path: &str| format!("LAKEGATE_{}", path.replace('.', "_").to_uppercase());
        let given = keys.iter().map(|(path, value)| (variable(path), (*value).to_owned()));
        self.environment.extend(given);
        self
    }

    /// With this data folder.
    pub fn at(mut self, data: &Path) -> Self {
        self.data = Some(data.to_owned());
        self
    }
}

/// A running server, killed when dropped.
pub struct Server {
    child: Child,
    address: SocketAddr,
    folder: TempDir,
    options: Options,
}

impl Server {
    /// Starts a server on a free port of the loopback interface and waits until it is ready.
    ///
    /// # Errors
    /// What it wrote to standard error when it does not become ready.
    pub fn start(options: Options) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        Server::start_in(folder, options)
    }

    fn start_in(folder: TempDir, options: Options) -> Result<Self, String> {
        let log_file = folder.path().join("server.log");
        let mut child = spawn(&folder, &options)?;
        match wait_until_ready(&mut child) {
            Some(address) => Ok(Server { child, address, folder, options }),
            None => {
                let _ = child.kill();
                let status = child.wait().map_err(|error| error.to_string())?;
                let log = std::fs::read_to_string(log_file).unwrap_or_default();
                Err(format!("the server did not become ready ({status}):\n{log}"))
            }
        }
    }

    /// Starts a server and kills it (SIGKILL) while it starts.
    pub fn start_and_kill(options: &Options, after: Duration) -> Result<(), String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let mut child = spawn(&folder, options)?;
        std::thread::sleep(after);
        let killed = child.kill().and_then(|()| child.wait());
        killed.map(drop).map_err(|error| error.to_string())
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The administrator in the catalog `main`.
    pub fn endpoint(&self) -> Endpoint {
        Endpoint {
            address: self.address,
            user: "admin".to_owned(),
            password: Some(ADMIN_PASSWORD.to_owned()),
            database: "main".to_owned(),
        }
    }

    pub fn data(&self) -> PathBuf {
        self.options.data.clone().unwrap_or_else(|| self.folder.path().join("data"))
    }

    /// All that the server wrote to standard error.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("server.log")).unwrap_or_default()
    }

    /// Kills it as a power cut would (SIGKILL).
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to stop (SIGTERM).
    pub fn terminate(&self) {
        let _ = Command::new("kill").args(["-TERM", &self.pid().to_string()]).status();
    }

    /// Waits for its end; `None` when it still runs after `timeout`.
    pub fn wait(&mut self, timeout: Duration) -> Option<ExitStatus> {
        let end = Instant::now() + timeout;
        while Instant::now() < end {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        None
    }

    /// Kills it and starts it again over the same data.
    pub fn restart(self) -> Result<Self, String> {
        let mut server = self;
        server.kill();
        let folder = std::mem::replace(
            &mut server.folder,
            tempfile::tempdir().map_err(|error| error.to_string())?,
        );
        Server::start_in(folder, server.options.clone())
    }

    /// The most memory that it has ever had resident, in bytes.
    pub fn peak_memory_bytes(&self) -> Option<u64> {
        self.status_bytes("VmHWM:")
    }

    /// The memory that it has resident when it has settled, in bytes. Allocators give memory back late: it is read
    /// some times, and the least counts.
    pub fn memory_bytes(&self) -> Option<u64> {
        let readings = (0..MEMORY_READINGS).map(|_| {
            thread::sleep(Duration::from_millis(100));
            self.status_bytes("VmRSS:")
        });
        readings.min()?
    }

    fn status_bytes(&self, key: &str) -> Option<u64> {
        let status = std::fs::read_to_string(self.process().join("status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix(key))?;
        let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kibibytes * 1024)
    }

    /// The time that it has computed, on all processors, to 10 ms.
    pub fn cpu_time(&self) -> Option<Duration> {
        let stat = std::fs::read_to_string(self.process().join("stat")).ok()?;
        // The name before it may hold anything; user and system time are the 14th and 15th field.
        let (_, fields) = stat.rsplit_once(')')?;
        let mut fields = fields.split_whitespace().skip(11);
        let mut ticks = || fields.next()?.parse::<u64>().ok();
        Some(Duration::from_millis((ticks()? + ticks()?) * 10))
    }

    /// Lines of the log that tell of a panic.
    pub fn panics(&self) -> Vec<String> {
        let log = self.log();
        let told = ["panicked at", "has overflowed its stack", "memory allocation of"];
        let is_panic = |line: &&str| told.iter().any(|words| line.contains(words));
        log.lines().filter(is_panic).map(str::to_owned).collect()
    }

    fn process(&self) -> PathBuf {
        Path::new("/proc").join(self.pid().to_string())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(folder: &TempDir, options: &Options) -> Result<Child, String> {
    let data = options.data.clone().unwrap_or_else(|| folder.path().join("data"));
    let log_file = folder.path().join("server.log");
    let log = std::fs::File::create(&log_file).map_err(|error| error.to_string())?;
    Command::new(env!("CARGO_BIN_EXE_lakegate"))
        .arg("serve")
        .arg("--data")
        .arg(data)
        .args(["--listen", "127.0.0.1:0"])
        .args(&options.arguments)
        // The test runner's own switches; the server takes no variable that it does not know.
        .env_remove("LAKEGATE_TEST_BLESS")
        .env_remove("LAKEGATE_TEST_POSTGRES")
        .env_remove("LAKEGATE_TEST_SEED")
        .env_remove("LAKEGATE_TEST_SECONDS")
        .env_remove("LAKEGATE_DELTA_TABLES")
        .env("LAKEGATE_ADMIN_PASSWORD", ADMIN_PASSWORD)
        .envs(options.environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .map_err(|error| error.to_string())
}

/// Reads standard output up to the ready line, and goes on reading it so that the server never blocks.
fn wait_until_ready(child: &mut Child) -> Option<SocketAddr> {
    let lines = BufReader::new(child.stdout.take()?).lines();
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            if let Some(address) = line.strip_prefix(READY) {
                let _ = sender.send(address.trim().parse().ok());
            }
        }
    });
    receiver.recv_timeout(START_TIMEOUT).ok().flatten()
}
