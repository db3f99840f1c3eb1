//! The data folder opened: its metastore and the engine over it. It serves nobody.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::{Error, ErrorKind, Result};
use crate::catalog::{Metastore, url_of};
use crate::engine::{Engine, EngineOptions};
use crate::storage::Location;

use super::Config;

/// Everything that a server, or a command without one, works on.
#[derive(Clone)]
pub struct Lake {
    pub metastore: Arc<Metastore>,
    pub engine: Arc<Engine>,
    /// Where managed tables lie.
    pub managed_root: Location,
}

impl Lake {
    /// Opens the data folder, making it when it is not there.
    pub async fn open(config: &Config) -> Result<Self> {
        let data = data_folder(&config.data)?;
        make_folder(&data)?;
        let url = match &config.metastore {
            Some(url) => url.clone(),
            None => url_of(&data.join("metastore.db"))?,
        };
        let metastore = Metastore::open(&url).await?;
        let spill_directory = data.join("spill");
        empty_folder(&spill_directory)?;
        let tables = data.join("tables");
        make_folder(&tables)?;
        let managed_root = Location::parse(&tables.to_string_lossy())?;
        let engine = Engine::new(
            Arc::clone(&metastore),
            EngineOptions {
                limits: config.limits.clone(),
                threads: std::thread::available_parallelism().map_or(2, usize::from),
                managed_root: managed_root.clone(),
                spill_directory,
            },
        )?;
        Ok(Lake { metastore, engine, managed_root })
    }
}

/// `--data` as an absolute path.
fn data_folder(data: &str) -> Result<PathBuf> {
    let path = match data.strip_prefix("file://") {
        Some(path) => path,
        None if data.contains("://") => {
            return Err(Error::unsupported(format!("the data location {data}"))
                .with_hint("Use a folder on a local disk."));
        }
        None => data,
    };
    std::path::absolute(path).map_err(|error| unusable(Path::new(path), error))
}

fn make_folder(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path).map_err(|error| unusable(path, error))
}

/// What an earlier run has spilled is nobody's.
fn empty_folder(path: &Path) -> Result<()> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(unusable(path, error)),
        Ok(()) | Err(_) => make_folder(path),
    }
}

fn unusable(path: &Path, error: std::io::Error) -> Error {
    let kind = match error.kind() {
        std::io::ErrorKind::StorageFull => ErrorKind::DiskFull,
        _ => ErrorKind::IoError,
    };
    Error::new(kind, format!("the folder {} cannot be used: {error}", path.display()))
        .with_hint(
            "Choose another folder with --data, or give the server the right to write there.",
        )
        .caused_by(error)
}
