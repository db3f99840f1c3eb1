//! The data folder opened: its metastore and the engine over it. It serves nobody.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::{Error, ErrorKind, Result};
use crate::catalog::{Metastore, url_of};
use crate::engine::{Engine, EngineOptions};
use crate::storage::{Location, Scheme};

use super::config::DEFAULT_FOLDER;
use super::{Config, sealing_key};

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
        let place = data_place(&config.data)?;
        let local = local_folder(config, &place)?;
        make_folder(&local)?;
        let url = match &config.metastore {
            Some(url) => url.clone(),
            None => url_of(&local.join("metastore.db"))?,
        };
        let metastore = Metastore::open(&url).await?;
        let spill_directory = local.join("spill");
        empty_folder(&spill_directory)?;
        let managed_root = place.join("tables")?;
        if managed_root.scheme() == Scheme::File {
            make_folder(&local_path(&managed_root)?)?;
        }
        let key_file = config.secrets_key.clone().unwrap_or_else(|| local.join("secrets.key"));
        let secrets_exist = metastore.snapshot().storage_credentials().next().is_some();
        let engine = Engine::new(
            Arc::clone(&metastore),
            EngineOptions {
                limits: config.limits.clone(),
                key: sealing_key::load(&key_file, secrets_exist)?,
                threads: std::thread::available_parallelism().map_or(2, usize::from),
                managed_root: managed_root.clone(),
                spill_directory,
            },
        )?;
        Ok(Lake { metastore, engine, managed_root })
    }
}

/// `--data` as a location: a URL, or a folder that need not be absolute.
fn data_place(data: &str) -> Result<Location> {
    let path = match data.strip_prefix("file://") {
        Some(path) => path,
        None if data.contains("://") => return Location::parse(data),
        None => data,
    };
    let path = std::path::absolute(path).map_err(|error| unusable(Path::new(path), error))?;
    Location::parse(path.to_string_lossy().trim_end_matches('/'))
}

/// Where the metastore, its key and spilled rows lie: never in an object store.
fn local_folder(config: &Config, place: &Location) -> Result<PathBuf> {
    let path = match &config.local {
        Some(local) => local.clone(),
        None if place.scheme() == Scheme::File => return local_path(place),
        None => PathBuf::from(DEFAULT_FOLDER),
    };
    std::path::absolute(&path).map_err(|error| unusable(&path, error))
}

fn local_path(location: &Location) -> Result<PathBuf> {
    location.url().to_file_path().map_err(|()| Error::internal("a file URL without a path"))
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
