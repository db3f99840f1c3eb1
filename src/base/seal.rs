//! Sealing: texts that are kept where others may read, and that only the holder of the key can open or
//! change. It never reads or writes a key file, and never says what a sealed text was.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use zeroize::Zeroizing;

use super::{Error, ErrorKind, Result};

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;

/// The first byte of everything sealed: AES-256-GCM, then the nonce, then the text with its tag.
const FORMAT: u8 = 1;

/// The key that secrets of the metastore are sealed with.
pub struct SealingKey(RandomizedNonceKey);

impl SealingKey {
    pub fn new(key: &[u8; KEY_BYTES]) -> Result<Self> {
        let key = RandomizedNonceKey::new(&AES_256_GCM, key);
        key.map(SealingKey).map_err(|_| Error::internal("a sealing key of a wrong length"))
    }

    /// Seals a text. `context` says what it belongs to; the text opens for the same context only.
    pub fn seal(&self, text: &[u8], context: &str) -> Result<Vec<u8>> {
        let mut sealed = text.to_vec();
        let aad = Aad::from(context.as_bytes());
        let nonce = self
            .0
            .seal_in_place_append_tag(aad, &mut sealed)
            .map_err(|_| Error::internal("a secret could not be sealed"))?;
        let mut framed = Vec::with_capacity(1 + NONCE_LEN + sealed.len());
        framed.push(FORMAT);
        framed.extend_from_slice(nonce.as_ref());
        framed.append(&mut sealed);
        Ok(framed)
    }

    /// Opens what [`SealingKey::seal`] made: F0000 for another key or context, or a damaged text.
    pub fn open(&self, sealed: &[u8], context: &str) -> Result<Zeroizing<Vec<u8>>> {
        let (nonce, text) = match sealed.split_first() {
            Some((&FORMAT, rest)) => rest.split_first_chunk::<NONCE_LEN>().ok_or_else(closed)?,
            _ => return Err(closed()),
        };
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let mut text = Zeroizing::new(text.to_vec());
        let length = self
            .0
            .open_in_place(nonce, Aad::from(context.as_bytes()), &mut text)
            .map_err(|_| closed())?
            .len();
        text.truncate(length);
        Ok(text)
    }
}

fn closed() -> Error {
    Error::new(ErrorKind::ConfigFileError, "the key does not open the secrets of the metastore")
        .with_hint("Start with the key file that the secrets were sealed with.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_key_and_context_open() {
        let key = SealingKey::new(&[7; KEY_BYTES]).unwrap();
        let sealed = key.seal(b"hunter2", "credential 1").unwrap();
        assert!(!sealed.windows(7).any(|window| window == b"hunter2"));
        assert_ne!(sealed, key.seal(b"hunter2", "credential 1").unwrap());
        assert_eq!(&**key.open(&sealed, "credential 1").unwrap(), b"hunter2");
        assert!(key.open(&sealed, "credential 2").is_err());
        assert!(SealingKey::new(&[8; KEY_BYTES]).unwrap().open(&sealed, "credential 1").is_err());
        let mut damaged = sealed.clone();
        *damaged.last_mut().unwrap() ^= 1;
        assert!(key.open(&damaged, "credential 1").is_err());
        assert!(key.open(&[], "credential 1").is_err());
    }
}
