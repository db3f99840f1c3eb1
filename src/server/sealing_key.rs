//! The file with the key that secrets of the metastore are sealed with: read, or made at the first start.
//! Nobody but its owner may read it, and its text is in no message.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind as IoErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use aws_lc_rs::rand;
use zeroize::Zeroizing;

use crate::base::seal::{KEY_BYTES, SealingKey};
use crate::base::{Error, ErrorKind, Result};

/// The most that is read of a key file: the digits and an end of line.
const FILE_BYTES_MAX: u64 = 256;

/// The key in the file at `path`, which is made unless secrets depend on one that is gone.
///
/// # Errors
/// F0000 for a file that others may read, or that holds no key; and for one that is missing although
/// secrets were sealed with it.
pub fn load(path: &Path, secrets_exist: bool) -> Result<SealingKey> {
    match File::open(path) {
        Ok(file) => read(file, path),
        Err(error) if error.kind() == IoErrorKind::NotFound && !secrets_exist => make(path),
        Err(error) => {
            let missing = error.kind() == IoErrorKind::NotFound;
            let failed = refused(path, &format!("cannot be read: {error}"));
            Err(match missing {
                true => failed.with_hint(
                    "The secrets of the metastore were sealed with it. Put it back, or start with \
                     secrets.key naming it.",
                ),
                false => failed,
            })
        }
    }
}

fn read(file: File, path: &Path) -> Result<SealingKey> {
    let metadata = file.metadata().map_err(|error| refused(path, &error.to_string()))?;
    if metadata.mode() & 0o077 != 0 {
        return Err(refused(path, "can be read by others than its owner")
            .with_hint("Take the rights of group and others away: chmod 600."));
    }
    let mut text = Zeroizing::new(String::new());
    file.take(FILE_BYTES_MAX)
        .read_to_string(&mut text)
        .map_err(|error| refused(path, &format!("cannot be read: {error}")))?;
    let key = key_of(text.trim()).ok_or_else(|| {
        refused(path, "holds no key").with_hint("It has 64 hexadecimal digits on one line.")
    })?;
    SealingKey::new(&key)
}

fn key_of(text: &str) -> Option<Zeroizing<[u8; KEY_BYTES]>> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    if text.len() != 2 * KEY_BYTES {
        return None;
    }
    for (at, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(key)
}

fn make(path: &Path) -> Result<SealingKey> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    rand::fill(&mut *key).map_err(|_| Error::internal("the system's random generator failed"))?;
    let mut text = Zeroizing::new(String::with_capacity(2 * KEY_BYTES + 1));
    for byte in key.iter() {
        text.push_str(&format!("{byte:02x}"));
    }
    text.push('\n');
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .map_err(|error| refused(path, &format!("cannot be made: {error}")))?;
    SealingKey::new(&key)
}

fn refused(path: &Path, why: &str) -> Error {
    let message = format!("the key file {} {why}", path.display());
    Error::new(ErrorKind::ConfigFileError, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_key_is_made_once_and_kept_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets.key");
        let missing = load(&path, true).err().unwrap();
        assert_eq!(missing.kind(), ErrorKind::ConfigFileError);
        let sealed = load(&path, false).unwrap().seal(b"text", "context").unwrap();
        let mode = std::fs::metadata(&path).unwrap().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(&**load(&path, true).unwrap().open(&sealed, "context").unwrap(), b"text");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(load(&path, true).is_err());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(&path, "no key\n").unwrap();
        assert!(load(&path, true).is_err());
    }
}
