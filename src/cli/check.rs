//! `lakegate check`.

use std::fmt::Write as _;
use std::io::{Write as _, stdout};

use clap::Args;

use super::options::LakeOptions;
use crate::base::{Error, ErrorKind, Result};
use crate::server::config::{Loaded, page};

/// Validate the configuration and explain it
///
/// Lists every error, or else every value in force and where it came from.
#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    lake: LakeOptions,
    /// Print the reference of all keys, in Markdown, and read nothing
    #[arg(long)]
    reference: bool,
}

pub fn run(arguments: Arguments) -> Result<()> {
    let text = if arguments.reference {
        page::render()
    } else {
        explanation(&arguments.lake.load(Vec::new())?)
    };
    stdout().write_all(text.as_bytes()).map_err(|error| {
        Error::new(ErrorKind::IoError, "cannot write to standard output").caused_by(error)
    })
}

/// One line a key: path, value, origin, in columns.
fn explanation(loaded: &Loaded) -> String {
    let rows: Vec<_> = loaded.explain().collect();
    let paths = rows.iter().map(|(key, _, _)| key.path.len()).max().unwrap_or_default();
    let values = rows.iter().map(|(_, value, _)| value.chars().count()).max().unwrap_or_default();
    let mut text = String::new();
    for (key, value, origin) in rows {
        let value = if value.is_empty() { "–" } else { &value };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{:paths$}  {value:values$}  {origin}", key.path);
    }
    text
}
