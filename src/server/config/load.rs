//! Reads the configuration: file, environment and flags, in that order, into one [`Config`]. It finds all
//! errors before it reports any, and opens nothing but the configuration file.

use std::fmt;
use std::fs;
use std::io::ErrorKind as IoErrorKind;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::Config;
use super::key::{KEYS, Key, VARIABLE_PREFIX};
use super::{machine, value};
use crate::base::{Error, ErrorKind, Result};

/// The file that is read when none is named and it exists.
const DEFAULT_FILE: &str = "lakegate.toml";

/// Names the configuration file; the only setting that cannot be in it.
const FILE_VARIABLE: &str = "LAKEGATE_CONFIG";

/// Variables that hold secrets: they belong to a command and never to the configuration.
const SECRET_VARIABLES: [&str; 2] = ["LAKEGATE_ADMIN_PASSWORD", "LAKEGATE_PASSWORD"];

/// The share of the machine's memory that queries get by default, in percent. The rest is for caches,
/// connections and what the memory pool does not count.
const MEMORY_PERCENT: u64 = 70;

/// Where settings come from.
#[derive(Debug, Default)]
pub struct Sources {
    /// The file that `--config` names.
    pub file: Option<PathBuf>,
    /// Environment variables whose name begins with `LAKEGATE_`.
    pub environment: Vec<(String, String)>,
    /// Paths of keys and the values that their flags gave.
    pub flags: Vec<(&'static str, String)>,
}

/// Where one value in force came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    Default,
    /// Worked out from the machine.
    Machine,
    File {
        path: PathBuf,
        line: usize,
    },
    Variable(String),
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::Machine => f.write_str("this machine"),
            Origin::File { path, line } => write!(f, "{}:{line}", path.display()),
            Origin::Variable(name) => f.write_str(name),
            Origin::Flag(flag) => f.write_str(flag),
        }
    }
}

/// A configuration that holds, with the origin of each value.
#[derive(Debug)]
pub struct Loaded {
    pub config: Config,
    /// As long as [`KEYS`], in its order.
    origins: Vec<Origin>,
}

impl Loaded {
    /// Every key with its value in force and where that came from.
    pub fn explain(&self) -> impl Iterator<Item = (&'static Key, String, &Origin)> {
        KEYS.iter().zip(&self.origins).map(|(key, origin)| (key, (key.show)(&self.config), origin))
    }

    /// Whether nobody set the key with this path.
    pub fn is_default(&self, path: &str) -> bool {
        self.explain().any(|(key, _, origin)| key.path == path && *origin == Origin::Default)
    }
}

impl Sources {
    /// The environment of this process, with a file and flags.
    pub fn from_process(file: Option<PathBuf>, flags: Vec<(&'static str, String)>) -> Sources {
        let environment = std::env::vars_os()
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value))
            .filter(|(name, _)| name.starts_with(VARIABLE_PREFIX))
            .map(|(name, value)| (name, value.to_string_lossy().into_owned()))
            .collect();
        Sources { file, environment, flags }
    }
}

/// The configuration that `sources` add up to, or F0000 with everything that is wrong with them.
pub fn load(sources: &Sources) -> Result<Loaded> {
    let mut loading = Loading {
        config: Config::default(),
        origins: vec![Origin::Default; KEYS.len()],
        problems: Vec::new(),
    };
    loading.read_file(sources);
    loading.read_environment(&sources.environment);
    for (path, value) in &sources.flags {
        if let Some(key) = Key::find(path) {
            let origin = Origin::Flag(key.flag().unwrap_or_else(|| key.path.to_owned()));
            loading.set(key, value, origin);
        }
    }
    loading.size_memory();
    loading.check();
    loading.finish()
}

struct Loading {
    config: Config,
    origins: Vec<Origin>,
    problems: Vec<String>,
}

impl Loading {
    fn set(&mut self, key: &'static Key, text: &str, origin: Origin) {
        match (key.set)(&mut self.config, text) {
            Ok(()) => {
                if let Some(slot) = self.origin_of(key.path) {
                    *slot = origin;
                }
            }
            Err(why) => self.problems.push(format!("{origin}: {}: \"{text}\" {why}", key.path)),
        }
    }

    fn origin_of(&mut self, path: &str) -> Option<&mut Origin> {
        let index = KEYS.iter().position(|key| key.path == path)?;
        self.origins.get_mut(index)
    }

    fn read_file(&mut self, sources: &Sources) {
        let variable = sources.environment.iter().find(|(name, _)| name == FILE_VARIABLE);
        let named = sources.file.clone().or_else(|| variable.map(|(_, path)| PathBuf::from(path)));
        let path = named.clone().unwrap_or_else(|| PathBuf::from(DEFAULT_FILE));
        match fs::read_to_string(&path) {
            Ok(text) => self.read_toml(&path, &text),
            Err(error) if named.is_none() && error.kind() == IoErrorKind::NotFound => {}
            Err(error) => self.problems.push(format!("{}: {error}", path.display())),
        }
    }

    fn read_toml(&mut self, path: &Path, text: &str) {
        let file = File { path, text };
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            let origin = file.origin(error.span().map_or(0, |span| span.start));
            self.problems.push(format!("{origin}: {}", error.message()));
        }
        self.read_table(&file, "", table.get_ref());
    }

    fn read_table(&mut self, file: &File<'_>, section: &str, table: &DeTable<'_>) {
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(name, _)| name.span().start);
        for (name, value) in entries {
            let dot = if section.is_empty() { "" } else { "." };
            let path = format!("{section}{dot}{}", name.get_ref());
            let origin = file.origin(name.span().start);
            let is_section = KEYS
                .iter()
                .any(|key| key.path.strip_prefix(&path).is_some_and(|rest| rest.starts_with('.')));
            match (Key::find(&path), value.get_ref()) {
                (None, DeValue::Table(inner)) if is_section => self.read_table(file, &path, inner),
                (None, _) if is_section => {
                    self.problems.push(format!("{origin}: {path} is a section: write [{path}]"));
                }
                (None, _) => {
                    let known = KEYS.iter().map(|key| key.path.to_owned());
                    self.problems.push(format!("{origin}: {}", unknown("key", &path, known)));
                }
                (Some(key), value) => match text_of(value) {
                    Some(text) => self.set(key, &text, origin),
                    None => self
                        .problems
                        .push(format!("{origin}: {path} takes one value of type {}", key.kind)),
                },
            }
        }
    }

    fn read_environment(&mut self, environment: &[(String, String)]) {
        for (name, value) in environment {
            if let Some(key) = KEYS.iter().find(|key| key.variable() == *name) {
                self.set(key, value, Origin::Variable(name.clone()));
            } else if !is_foreign(name) {
                let known = KEYS.iter().map(Key::variable);
                self.problems.push(unknown("environment variable", name, known));
            }
        }
    }

    /// Works out the sizes that are `auto`.
    fn size_memory(&mut self) {
        let mut sized = Vec::new();
        let limits = &mut self.config.limits;
        if limits.memory_bytes_total == value::AUTO {
            let fallback = crate::base::limits::Limits::default().memory_bytes_total;
            limits.memory_bytes_total = machine::memory_bytes()
                .and_then(|bytes| usize::try_from(bytes / 100 * MEMORY_PERCENT).ok())
                .map(whole_mebibytes)
                .unwrap_or(fallback);
            sized.push("limits.memory_bytes_total");
        }
        if limits.memory_bytes_per_query == value::AUTO {
            limits.memory_bytes_per_query = whole_mebibytes(limits.memory_bytes_total / 2);
            sized.push("limits.memory_bytes_per_query");
        }
        for path in sized {
            if let Some(origin) = self.origin_of(path) {
                *origin = Origin::Machine;
            }
        }
    }

    /// What no single value can get wrong.
    fn check(&mut self) {
        let Config { listen, tls, require_tls, demo, limits, .. } = &self.config;
        let mut problems = Vec::new();
        if *demo && !listen.ip().is_loopback() {
            problems.push(format!(
                "demo: the password of the demo user is known to all, and {listen} is not a loopback \
                 address"
            ));
        }
        match tls {
            None if *require_tls => {
                problems.push("tls.required: there is no tls.cert and tls.key".to_owned());
            }
            None => {}
            Some(files) => {
                for (path, file) in [("tls.cert", &files.certificate), ("tls.key", &files.key)] {
                    if file.as_os_str().is_empty() {
                        problems.push(format!("{path} is missing: a certificate needs its key"));
                    } else if let Err(error) = fs::File::open(file) {
                        problems.push(format!("{path}: {}: {error}", file.display()));
                    }
                }
            }
        }
        if limits.memory_bytes_per_query > limits.memory_bytes_total {
            problems.push(
                "limits.memory_bytes_per_query is more than limits.memory_bytes_total".to_owned(),
            );
        }
        self.problems.append(&mut problems);
    }

    fn finish(self) -> Result<Loaded> {
        let mut problems = self.problems.into_iter();
        let Some(first) = problems.next() else {
            return Ok(Loaded { config: self.config, origins: self.origins });
        };
        let rest: Vec<String> = problems.collect();
        Err(if rest.is_empty() {
            Error::new(ErrorKind::ConfigFileError, first)
        } else {
            let message = format!("the configuration has {} errors", rest.len() + 1);
            Error::new(ErrorKind::ConfigFileError, message)
                .with_detail(format!("{first}\n{}", rest.join("\n")))
        })
    }
}

/// `bytes` without what people do not want to read; at least one mebibyte.
fn whole_mebibytes(bytes: usize) -> usize {
    (bytes >> 20).max(1) << 20
}

/// A configuration file, to name its lines.
struct File<'a> {
    path: &'a Path,
    text: &'a str,
}

impl File<'_> {
    fn origin(&self, offset: usize) -> Origin {
        let before = self.text.bytes().take(offset);
        let line = 1 + before.filter(|byte| *byte == b'\n').count();
        Origin::File { path: self.path.to_owned(), line }
    }
}

/// A value as the flag or the variable would spell it; `None` for a list or a table.
fn text_of(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.clone().into_owned()),
        DeValue::Integer(number) => Some(
            i128::from_str_radix(number.as_str(), number.radix())
                .map_or_else(|_| number.as_str().to_owned(), |number| number.to_string()),
        ),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        DeValue::Boolean(switch) => Some(switch.to_string()),
        DeValue::Datetime(datetime) => Some(datetime.to_string()),
        DeValue::Array(_) | DeValue::Table(_) => None,
    }
}

/// Whether a variable with our prefix is not a setting: a secret of a command, the name of the file, or
/// what Kubernetes adds for a service that is called lakegate.
fn is_foreign(name: &str) -> bool {
    let rest = name.strip_prefix(VARIABLE_PREFIX).unwrap_or(name);
    let kubernetes = rest == "PORT" || rest.starts_with("PORT_") || rest.starts_with("SERVICE_");
    kubernetes || name == FILE_VARIABLE || SECRET_VARIABLES.contains(&name)
}

fn unknown(what: &str, name: &str, known: impl Iterator<Item = String>) -> String {
    let nearest = known
        .map(|candidate| (distance(name, &candidate), candidate))
        .min()
        .filter(|(distance, _)| *distance <= name.len() / 3);
    match nearest {
        Some((_, candidate)) => format!("unknown {what} {name}; did you mean {candidate}?"),
        None => format!("unknown {what} {name}"),
    }
}

/// The least number of bytes to insert, delete or change to make one name of the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (slot, b) in row.iter_mut().skip(1).zip(other.bytes()) {
            let changed = diagonal + usize::from(a != b);
            diagonal = *slot;
            left = changed.min(left + 1).min(diagonal + 1);
            *slot = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn from_text(text: &str, environment: &[(&str, &str)]) -> Result<Loaded> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lakegate.toml");
        fs::write(&path, text).unwrap();
        let environment =
            environment.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        load(&Sources { file: Some(path), environment, flags: vec![] })
    }

    fn problems(text: &str, environment: &[(&str, &str)]) -> Vec<String> {
        let error = from_text(text, environment).unwrap_err();
        let all = error.detail().unwrap_or(error.message());
        let short = |line: &str| match line.split_once("lakegate.toml:") {
            Some((_, rest)) => rest.to_owned(),
            None => line.to_owned(),
        };
        all.lines().map(short).collect()
    }

    #[test]
    fn flags_win_over_environment_over_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("l.toml");
        fs::write(&path, "data = 'file'\nlisten = '127.0.0.1:1'\n[log]\nformat = 'json'\n")
            .unwrap();
        let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let loaded = load(&Sources {
            file: None,
            environment: vec![
                variable("LAKEGATE_CONFIG", path.to_str().unwrap()),
                variable("LAKEGATE_DATA", "environment"),
                variable("LAKEGATE_LISTEN", "127.0.0.1:2"),
                variable("LAKEGATE_PORT_5432_TCP", "tcp://10.0.0.1:5432"),
            ],
            flags: vec![("data", "flag".to_owned())],
        })
        .unwrap();
        assert_eq!(loaded.config.data, "flag");
        assert_eq!(loaded.config.listen.port(), 2);
        let origin = |path: &str| {
            let found = loaded.explain().find(|(key, _, _)| key.path == path);
            found.map(|(_, value, origin)| (value, origin.clone())).unwrap()
        };
        assert_eq!(origin("log.format"), ("json".to_owned(), Origin::File { path, line: 4 }));
        assert_eq!(origin("data").1, Origin::Flag("--data".to_owned()));
        assert_eq!(origin("listen").1, Origin::Variable("LAKEGATE_LISTEN".to_owned()));
        assert!(loaded.is_default("log.level"));
    }

    #[test]
    fn limits_have_units() {
        let text = "[limits]\nconnections_max = 0x10\nqueue_timeout = '2min'\n\
                    memory_bytes_total = '4GiB'\nspill_bytes_max = '1TiB'\n";
        let limits = from_text(text, &[]).unwrap().config.limits;
        assert_eq!(limits.connections_max, 16);
        assert_eq!(limits.queue_timeout, Duration::from_secs(120));
        assert_eq!(limits.memory_bytes_per_query, 2 << 30);
        assert_eq!(limits.spill_bytes_max, 1 << 40);
    }

    #[test]
    fn all_errors_come_at_once() {
        let text = "listen = 5432\ndemo = 'perhaps'\nlog = 1\n[limts]\na = 1\n[limits]\n\
                    conections_max = 3\nqueue_timeout = 30\nsend_buffer_bytes = [1]\n";
        let found = problems(text, &[("LAKEGATE_TLS_REQUIRD", "true"), ("LAKEGATE_DEMO", "2")]);
        let expected = [
            "1: listen: \"5432\" is not an IP address",
            "2: demo: \"perhaps\" is neither true nor false",
            "3: log is a section: write [log]",
            "4: unknown key limts",
            "7: unknown key limits.conections_max; did you mean limits.connections_max?",
            "8: limits.queue_timeout: \"30\" is not a duration",
            "9: limits.send_buffer_bytes takes one value of type size",
            "unknown environment variable LAKEGATE_TLS_REQUIRD; did you mean LAKEGATE_TLS_REQUIRED?",
            "LAKEGATE_DEMO: demo: \"2\" is neither true nor false",
        ];
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.starts_with(expected), "{found}");
        }
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        let cases = [
            ("demo = true\nlisten = '0.0.0.0:5432'", "demo: the password"),
            ("[tls]\nrequired = true", "tls.required: there is no tls.cert"),
            ("[tls]\ncert = 'no-such-file'", "tls.cert: no-such-file: "),
            (
                "[limits]\nmemory_bytes_total = '1GiB'\nmemory_bytes_per_query = '2GiB'",
                "limits.memory_bytes_per_query is more",
            ),
            ("data = 'a'\ndata = 'b'", "2: duplicate key"),
            ("listen =", "1: "),
        ];
        for (text, expected) in cases {
            let found = problems(text, &[]);
            assert!(found[0].starts_with(expected), "{text}: {found:?}");
        }
        assert!(load(&Sources { file: Some("none.toml".into()), ..Sources::default() }).is_err());
    }

    #[test]
    fn every_default_can_be_written() {
        for key in KEYS {
            let text = (key.show)(&Config::default());
            if !text.is_empty() {
                let mut config = Config::default();
                assert_eq!((key.set)(&mut config, &text), Ok(()), "{}", key.path);
                assert_eq!((key.show)(&config), text, "{}", key.path);
            }
        }
    }
}
