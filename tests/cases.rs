//! Tests that are data: every `tests/slt/**/*.slt` (SQL and answers, in three modes) and every `tests/wire/*.pt`
//! (messages in, messages out) is a test of its own. One server serves them all, each in a schema of its own.
//!
//! - `LAKEGATE_TEST_POSTGRES=1` runs the wire cases, and the SQL files whose name begins with `pg_`, against
//!   a real PostgreSQL too.
//! - `LAKEGATE_TEST_BLESS=postgres` or `=lakegate` writes what that server answers into the files, which is
//!   to be read before it is committed.
#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[expect(dead_code, unused_imports, reason = "each test binary uses its part of it")]
#[path = "it/support/mod.rs"]
mod support;

#[path = "cases/pt.rs"]
mod pt;
#[path = "cases/slt.rs"]
mod slt;
#[path = "cases/tpch.rs"]
mod tpch;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use libtest_mimic::{Arguments, Failed, Trial};

use support::{Endpoint, Options, Postgres, RawClient, Server};

/// A server that cases run against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Lakegate,
    Postgres,
}

impl Target {
    pub fn name(self) -> &'static str {
        match self {
            Target::Lakegate => "lakegate",
            Target::Postgres => "postgres",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        [Target::Lakegate, Target::Postgres].into_iter().find(|target| target.name() == name)
    }

    /// Whether this server's answers are to be written into the files.
    pub fn is_blessed(self) -> bool {
        std::env::var("LAKEGATE_TEST_BLESS").is_ok_and(|name| name == self.name())
    }
}

/// The servers, started when the first case needs them.
#[derive(Default)]
pub struct Servers {
    lakegate: Mutex<Option<Result<Server, String>>>,
    postgres: Mutex<Option<Result<Postgres, String>>>,
    tpch: Mutex<Option<Result<(), String>>>,
}

impl Servers {
    fn endpoint(&self, target: Target) -> Result<Endpoint, String> {
        match target {
            Target::Lakegate => {
                let mut server = lock(&self.lakegate);
                let server = server.get_or_insert_with(|| Server::start(Options::default()));
                server.as_ref().map(Server::endpoint).map_err(String::clone)
            }
            Target::Postgres => {
                let mut server = lock(&self.postgres);
                let server = server.get_or_insert_with(|| {
                    Postgres::start().ok_or_else(|| "PostgreSQL is not installed".to_owned())
                });
                server.as_ref().map(Postgres::endpoint).map_err(String::clone)
            }
        }
    }

    /// The endpoint, with an empty schema of this name made there.
    pub fn prepare(&self, target: Target, schema: &str) -> Result<Endpoint, Failed> {
        let endpoint = self.endpoint(target)?;
        let mut client = RawClient::connect(&endpoint, &[])?;
        client.simple_query(&format!("DROP SCHEMA IF EXISTS {schema} CASCADE"))?;
        client.simple_query(&format!("CREATE SCHEMA {schema}"))?;
        Ok(endpoint)
    }

    /// Lakegate's endpoint, with the TPC-H tables loaded there.
    pub fn prepare_tpch(&self) -> Result<Endpoint, Failed> {
        let endpoint = self.endpoint(Target::Lakegate)?;
        let mut loaded = lock(&self.tpch);
        let load = || tpch::load(&endpoint).map_err(|failed| format!("{failed:?}"));
        loaded.get_or_insert_with(load).clone()?;
        Ok(endpoint)
    }

    fn stop(&self) {
        lock(&self.lakegate).take();
        lock(&self.postgres).take();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The files below `folder` with this extension, by path.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .flat_map(|path| match path.is_dir() {
            true => files(&path, extension),
            false => vec![path],
        })
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    found.sort();
    found
}

/// `pt/portals`: the path below `folder` without extension.
fn name_of(file: &Path, folder: &Path) -> String {
    let relative = file.strip_prefix(folder).unwrap_or(file).with_extension("");
    relative.to_string_lossy().into_owned()
}

/// A schema name for a case.
pub fn schema_of(words: &[&str]) -> String {
    let joined = words.join("_").to_lowercase();
    joined.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect()
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let compare = std::env::var("LAKEGATE_TEST_POSTGRES").is_ok_and(|value| value == "1");
    let targets: &[Target] =
        if compare { &[Target::Lakegate, Target::Postgres] } else { &[Target::Lakegate] };

    let servers = Arc::new(Servers::default());
    let mut trials = Vec::new();
    for &target in targets {
        trials.extend(pt::trials(&tests.join("wire"), target, &servers));
        trials.extend(slt::trials(&tests.join("slt"), target, &servers));
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    servers.stop();
    conclusion.exit_code()
}

/// A trial named `<kind>::<target>::<name>`.
fn trial(
    kind: &str,
    target: Target,
    name: &str,
    run: impl FnOnce() -> Result<(), Failed> + Send + 'static,
) -> Trial {
    Trial::test(format!("{kind}::{}::{name}", target.name()), run)
}
