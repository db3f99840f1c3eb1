//! A real PostgreSQL in a temporary folder, where one is installed: what it answers is what we should.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::Endpoint;

const START_TIMEOUT: Duration = Duration::from_secs(60);

/// A running PostgreSQL that trusts everybody on the loopback interface, stopped when dropped.
pub struct Postgres {
    child: Child,
    address: SocketAddr,
    _folder: TempDir,
}

impl Postgres {
    /// `None` where PostgreSQL is not installed.
    ///
    /// # Panics
    /// When it is and does not start.
    pub fn start() -> Option<Self> {
        let binaries = binaries()?;
        let account = Account::to_run_as();
        let folder = tempfile::tempdir().expect("temporary folder");
        let data = folder.path().join("data");
        if let Some(account) = &account {
            chown(folder.path(), Some(account.user), Some(account.group)).expect("chown");
        }
        let command = |name: &str| {
            let mut command = Command::new(binaries.join(name));
            command.current_dir(folder.path()).stdin(Stdio::null());
            command.stdout(Stdio::null()).stderr(Stdio::null());
            if let Some(account) = &account {
                command.uid(account.user).gid(account.group);
            }
            command
        };
        let initialized = command("initdb")
            .arg("-D")
            .arg(&data)
            .args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"])
            .status();
        assert!(initialized.is_ok_and(|status| status.success()), "initdb failed");

        let address = free_address();
        let child = command("postgres")
            .arg("-D")
            .arg(&data)
            .args(["-h", "127.0.0.1", "-k", "", "-p", &address.port().to_string()])
            .args(["-c", "fsync=off", "-c", "TimeZone=UTC"])
            .spawn()
            .expect("postgres starts");
        let postgres = Postgres { child, address, _folder: folder };
        postgres.wait_until_ready();
        Some(postgres)
    }

    /// The superuser in the database `postgres`.
    pub fn endpoint(&self) -> Endpoint {
        Endpoint {
            address: self.address,
            user: "postgres".to_owned(),
            password: None,
            database: "postgres".to_owned(),
        }
    }

    fn wait_until_ready(&self) {
        let end = Instant::now() + START_TIMEOUT;
        while Instant::now() < end {
            let answers = TcpStream::connect(self.address).is_ok()
                && super::RawClient::connect(&self.endpoint(), &[]).is_ok();
            if answers {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("PostgreSQL did not become ready");
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // SIGQUIT: at once, with its own children.
        let _ = Command::new("kill").args(["-QUIT", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}

/// The newest installed version's folder of programs.
fn binaries() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    versions
        .flatten()
        .filter_map(|version| {
            let number: u32 = version.file_name().to_str()?.parse().ok()?;
            let folder = version.path().join("bin");
            folder.join("initdb").exists().then_some((number, folder))
        })
        .max()
        .map(|(_, folder)| folder)
}

/// PostgreSQL refuses to run as root.
struct Account {
    user: u32,
    group: u32,
}

impl Account {
    /// `None` when we are somebody who may run it.
    fn to_run_as() -> Option<Self> {
        let is_root = Path::new("/proc/self")
            .metadata()
            .is_ok_and(|process| std::os::unix::fs::MetadataExt::uid(&process) == 0);
        if !is_root {
            return None;
        }
        let accounts = std::fs::read_to_string("/etc/passwd").ok()?;
        ["postgres", "nobody"].iter().find_map(|name| {
            let line = accounts.lines().find(|line| line.split(':').next() == Some(*name))?;
            let mut fields = line.split(':').skip(2);
            let user = fields.next()?.parse().ok()?;
            Some(Account { user, group: fields.next()?.parse().ok()? })
        })
    }
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address")
}
