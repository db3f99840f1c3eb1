//! `lakegate sql`.

use std::io::{Read, stdin};
use std::path::PathBuf;

use clap::Args;

use super::options::LakeOptions;
use crate::base::{Error, ErrorKind, Result};
use crate::server;

/// Run SQL without a server
///
/// The statements come from -c, from a file, or from standard input.
#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    lake: LakeOptions,
    /// The statements to run
    #[arg(short = 'c', long, value_name = "SQL", conflicts_with = "file")]
    command: Option<String>,
    /// The file with the statements to run
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
}

pub fn run(arguments: Arguments) -> Result<()> {
    let config = arguments.lake.load_quietly()?.config;
    let text = match (arguments.command, arguments.file) {
        (Some(text), _) => text,
        (None, Some(path)) => std::fs::read_to_string(&path).map_err(|error| {
            Error::new(ErrorKind::UndefinedFile, format!("cannot read {}", path.display()))
                .caused_by(error)
        })?,
        (None, None) => {
            let mut text = String::new();
            stdin().read_to_string(&mut text).map_err(|error| {
                Error::new(ErrorKind::IoError, "cannot read standard input").caused_by(error)
            })?;
            text
        }
    };
    super::block_on(server::run_sql(config, text))
}
