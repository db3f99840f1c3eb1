//! The options that several commands share, and how they become a configuration.

use std::path::PathBuf;

use clap::Args;

use crate::base::Result;
use crate::server::config::{Loaded, Sources, load};
use crate::server::telemetry;

/// Which lake a command works on.
#[derive(Args)]
pub struct LakeOptions {
    /// The configuration file [default: ./lakegate.toml if it exists]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The folder or URL of managed tables [default: ./lakegate-data]
    #[arg(long, value_name = "DIR-or-URL")]
    data: Option<String>,
    /// The folder on a local disk for the metastore, its key and spilled rows [default: the data folder]
    #[arg(long, value_name = "DIR")]
    local: Option<String>,
    /// The metastore [default: SQLite inside the data folder]
    #[arg(long, value_name = "URL")]
    metastore: Option<String>,
}

impl LakeOptions {
    /// The configuration with these options and `flags`, as pairs of key and value.
    pub fn load(self, flags: Vec<(&'static str, String)>) -> Result<Loaded> {
        let own = [("data", self.data), ("local", self.local), ("metastore", self.metastore)];
        let own = own.into_iter().filter_map(|(path, value)| Some((path, value?)));
        load::load(&Sources::from_process(self.config, own.chain(flags).collect()))
    }

    /// The configuration of a command that runs and ends: it logs warnings only, unless told otherwise.
    pub fn load_quietly(self) -> Result<Loaded> {
        let mut loaded = self.load(Vec::new())?;
        if loaded.is_default("log.level") {
            loaded.config.log.level = "warn".to_owned();
        }
        telemetry::init(&loaded.config.log)?;
        Ok(loaded)
    }
}
