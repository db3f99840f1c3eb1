//! Password verifiers in PostgreSQL's stored form: made from a password, read, written. A verifier proves
//! a password and does not reveal it. This file never talks to a client and never keeps a password.

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU32;

use aws_lc_rs::{digest, hmac, pbkdf2, rand};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use zeroize::Zeroizing;

use crate::base::secret::Secret;
use crate::base::{Error, ErrorKind, Result};

/// Bytes of a SHA-256 value.
pub const KEY_BYTES: usize = digest::SHA256_OUTPUT_LEN;

/// PBKDF2 rounds of new verifiers: the least that RFC 7677 allows, and PostgreSQL's default. Clients pay
/// them at every login, and some (Npgsql, poolers) log in often.
pub const ITERATIONS: NonZeroU32 = NonZeroU32::MIN.saturating_add(4095);

/// Rounds above this are taken for a mistake: a client would compute for minutes.
const ITERATIONS_MAX: u32 = 10_000_000;

/// Bytes of salt of new verifiers (PostgreSQL's `SCRAM_DEFAULT_SALT_LEN`).
pub const SALT_BYTES: usize = 16;

/// A longer password is refused, so that nobody has the server hash megabytes.
const PASSWORD_BYTES_MAX: usize = 1024;

const SCHEME: &str = "SCRAM-SHA-256";

/// What the server keeps of a password: enough to check a proof of it, not enough to make one.
#[derive(Clone)]
pub struct Verifier {
    pub iterations: NonZeroU32,
    pub salt: Vec<u8>,
    /// `SHA-256(HMAC(SaltedPassword, "Client Key"))`
    pub stored_key: [u8; KEY_BYTES],
    /// `HMAC(SaltedPassword, "Server Key")`
    pub server_key: [u8; KEY_BYTES],
}

/// The stored form for a new password, or the given text itself where that is a verifier already
/// (`CREATE USER … PASSWORD 'SCRAM-SHA-256$…'`, as `pg_dumpall` writes it).
///
/// Costs [`ITERATIONS`] rounds of SHA-256, about a millisecond: only commands of users who are logged in
/// come here, never a login.
///
/// # Errors
/// 22023 for an empty or overlong password, 0A000 for an MD5 hash.
pub fn stored_form(password: &Secret) -> Result<String> {
    let text = password.expose();
    if let Ok(verifier) = Verifier::parse(text) {
        return Ok(verifier.stored_form());
    }
    let md5 = text.strip_prefix("md5");
    if md5.is_some_and(|hash| hash.len() == 32 && hash.bytes().all(|b| b.is_ascii_hexdigit())) {
        return Err(Error::unsupported("an MD5-hashed password")
            .with_hint("Give the password itself or a SCRAM-SHA-256 verifier."));
    }
    Ok(Verifier::from_password(password)?.stored_form())
}

impl Verifier {
    /// The verifier of `password` with a fresh salt.
    ///
    /// # Errors
    /// 22023 for an empty or overlong password.
    pub fn from_password(password: &Secret) -> Result<Self> {
        let mut salt = [0; SALT_BYTES];
        fill_random(&mut salt)?;
        Verifier::with_salt(password, &salt, ITERATIONS)
    }

    fn with_salt(password: &Secret, salt: &[u8], iterations: NonZeroU32) -> Result<Self> {
        let text = password.expose();
        if text.is_empty() {
            return Err(Error::new(ErrorKind::InvalidParameterValue, "the password is empty"));
        }
        if text.len() > PASSWORD_BYTES_MAX {
            return Err(Error::new(ErrorKind::InvalidParameterValue, "the password is too long")
                .with_detail(format!("A password has at most {PASSWORD_BYTES_MAX} bytes.")));
        }
        // A text that SASLprep forbids is used as it is: PostgreSQL and its clients do the same.
        let prepared = match stringprep::saslprep(text) {
            Ok(Cow::Owned(prepared)) => Secret::new(prepared),
            Ok(Cow::Borrowed(_)) | Err(_) => password.clone(),
        };
        let mut salted = Zeroizing::new([0; KEY_BYTES]);
        pbkdf2::derive(
            pbkdf2::PBKDF2_HMAC_SHA256,
            iterations,
            salt,
            prepared.expose().as_bytes(),
            salted.as_mut_slice(),
        );
        let client_key = Zeroizing::new(hmac_sha256(salted.as_slice(), b"Client Key"));
        Ok(Verifier {
            iterations,
            salt: salt.to_vec(),
            stored_key: sha256(client_key.as_slice()),
            server_key: hmac_sha256(salted.as_slice(), b"Server Key"),
        })
    }

    /// Reads `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`.
    ///
    /// # Errors
    /// 22023, without a word of the text, which is a secret.
    pub fn parse(text: &str) -> Result<Self> {
        Verifier::read(text).ok_or_else(|| {
            Error::new(ErrorKind::InvalidParameterValue, "the password verifier is malformed")
                .with_detail("It must be a SCRAM-SHA-256 verifier as PostgreSQL stores it.")
        })
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix(SCHEME)?.strip_prefix('$')?.split('$');
        let (cost, keys) = (parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        let (iterations, salt) = cost.split_once(':')?;
        let (stored_key, server_key) = keys.split_once(':')?;
        let iterations: NonZeroU32 = iterations.parse().ok()?;
        let salt = BASE64.decode(salt).ok()?;
        if iterations.get() > ITERATIONS_MAX || salt.is_empty() {
            return None;
        }
        Some(Verifier {
            iterations,
            salt,
            stored_key: BASE64.decode(stored_key).ok()?.try_into().ok()?,
            server_key: BASE64.decode(server_key).ok()?.try_into().ok()?,
        })
    }

    /// The text that the metastore keeps.
    pub fn stored_form(&self) -> String {
        format!(
            "{SCHEME}${}:{}${}:{}",
            self.iterations,
            BASE64.encode(&self.salt),
            BASE64.encode(self.stored_key),
            BASE64.encode(self.server_key)
        )
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[verifier]")
    }
}

/// HMAC-SHA-256.
pub(super) fn hmac_sha256(key: &[u8], text: &[u8]) -> [u8; KEY_BYTES] {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text);
    fixed(tag.as_ref())
}

/// SHA-256.
pub(super) fn sha256(text: &[u8]) -> [u8; KEY_BYTES] {
    fixed(digest::digest(&digest::SHA256, text).as_ref())
}

/// Bytes from the operating system's generator.
pub(super) fn fill_random(bytes: &mut [u8]) -> Result<()> {
    rand::fill(bytes).map_err(|_| Error::internal("the system's random generator failed"))
}

fn fixed(bytes: &[u8]) -> [u8; KEY_BYTES] {
    let mut out = [0; KEY_BYTES];
    out.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7677, section 3: user `user`, password `pencil`.
    #[test]
    fn agrees_with_the_rfc() {
        let salt = BASE64.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let verifier = Verifier::with_salt(&Secret::new("pencil"), &salt, ITERATIONS).unwrap();
        // As PostgreSQL 15 computes it for this salt.
        assert_eq!(
            verifier.stored_form(),
            "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$\
             WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
        );
    }

    #[test]
    fn a_verifier_survives_writing_and_reading() {
        let made = Verifier::from_password(&Secret::new("pa$$:wörd")).unwrap();
        let read = Verifier::parse(&made.stored_form()).unwrap();
        assert_eq!(made.stored_form(), read.stored_form());
        assert_eq!(read.iterations.get(), 4096);
        assert_eq!(read.salt.len(), SALT_BYTES);
    }

    #[test]
    fn salts_differ() {
        let one = Verifier::from_password(&Secret::new("same")).unwrap();
        let two = Verifier::from_password(&Secret::new("same")).unwrap();
        assert_ne!(one.stored_form(), two.stored_form());
    }

    #[test]
    fn malformed_verifiers_are_refused_without_being_shown() {
        let good = Verifier::from_password(&Secret::new("x")).unwrap().stored_form();
        let cut = &good[..good.len() - 4];
        let more = format!("{good}$x");
        let zero = good.replace("$4096:", "$0:");
        let many = good.replace("$4096:", "$4294967295:");
        for text in ["", "hunter2", "SCRAM-SHA-256$4096:!$a:b", cut, &more, &zero, &many] {
            let error = Verifier::parse(text).unwrap_err();
            assert_eq!(error.sqlstate(), "22023", "{text}");
            assert!(!format!("{error:?}").contains("hunter2"));
        }
    }

    #[test]
    fn a_verifier_is_stored_as_it_is_and_md5_is_refused() {
        let good = Verifier::from_password(&Secret::new("x")).unwrap().stored_form();
        assert_eq!(stored_form(&Secret::new(good.clone())).unwrap(), good);
        let md5 = Secret::new("md5d8578edf8458ce06fbc5bb76a58c5ca4");
        assert_eq!(stored_form(&md5).unwrap_err().sqlstate(), "0A000");
        assert_eq!(stored_form(&Secret::new("")).unwrap_err().sqlstate(), "22023");
        assert_eq!(stored_form(&Secret::new("x".repeat(1025))).unwrap_err().sqlstate(), "22023");
    }
}
