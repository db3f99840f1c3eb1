//! The server's certificate and key from PEM files to a TLS configuration, loaded again when the files
//! change. Whatever is wrong with them is an error: it never falls back to a connection in clear.

use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use aws_lc_rs::digest;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::NoServerSessionStorage;

use crate::base::{Error, ErrorKind, Result};

use super::password::sha256;
use super::scram::ChannelBinding;

/// The protocol name that direct TLS connections must negotiate.
pub const ALPN_PROTOCOL: &[u8] = b"postgresql";

/// The certificate in use and the files it comes from.
pub struct ServerCertificate {
    certificate_file: PathBuf,
    key_file: PathBuf,
    current: ArcSwap<Loaded>,
}

/// A certificate as one connection uses it, while another may already use the next one.
pub struct Loaded {
    pub config: Arc<ServerConfig>,
    /// `None` where RFC 5929 defines no hash for the certificate's signature (Ed25519): such a server
    /// offers no SCRAM-SHA-256-PLUS.
    pub binding: Option<ChannelBinding>,
    /// Tells whether the files have changed.
    fingerprint: [u8; 32],
}

impl ServerCertificate {
    /// Loads a PEM chain (leaf first) and its PEM key (PKCS #8, PKCS #1 or SEC 1).
    ///
    /// # Errors
    /// F0000 with the file's name and what is wrong with it.
    pub fn load(
        certificate_file: impl Into<PathBuf>,
        key_file: impl Into<PathBuf>,
    ) -> Result<Self> {
        let (certificate_file, key_file) = (certificate_file.into(), key_file.into());
        let loaded = read_files(&certificate_file, &key_file)?;
        let current = ArcSwap::from_pointee(loaded);
        Ok(ServerCertificate { certificate_file, key_file, current })
    }

    /// What a new connection uses.
    pub fn current(&self) -> Arc<Loaded> {
        self.current.load_full()
    }

    /// Looks at the files again; `true` when new connections use a new certificate. It reads two small
    /// files and blocks for as long.
    ///
    /// # Errors
    /// As [`ServerCertificate::load`]; the certificate in use stays in use.
    pub fn reload(&self) -> Result<bool> {
        let loaded = read_files(&self.certificate_file, &self.key_file)?;
        let changed = loaded.fingerprint != self.current.load().fingerprint;
        if changed {
            self.current.store(Arc::new(loaded));
        }
        Ok(changed)
    }
}

fn read_files(certificate_file: &PathBuf, key_file: &PathBuf) -> Result<Loaded> {
    let read = |what: &str, file: &PathBuf| {
        std::fs::read(file).map_err(|error| refuse(what, file, &error.to_string()))
    };
    let certificate_pem = read("certificate", certificate_file)?;
    let key_pem = zeroize::Zeroizing::new(read("private key", key_file)?);

    let chain = CertificateDer::pem_slice_iter(&certificate_pem)
        .collect::<std::result::Result<Vec<_>, _>>()
        .map_err(|error| refuse("certificate", certificate_file, &error.to_string()))?;
    let Some(leaf) = chain.first() else {
        return Err(refuse("certificate", certificate_file, "there is no certificate in it"));
    };
    let binding = channel_binding(leaf);
    let key = PrivateKeyDer::from_pem_slice(&key_pem)
        .map_err(|error| refuse("private key", key_file, &error.to_string()))?;

    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::internal("TLS cannot be set up").caused_by(error))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| refuse("private key", key_file, &error.to_string()))?;
    config.alpn_protocols = vec![ALPN_PROTOCOL.to_vec()];
    // PostgreSQL's clients resume no sessions, so none are kept.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;

    let mut files = sha256(&certificate_pem).to_vec();
    files.extend_from_slice(&sha256(&key_pem));
    Ok(Loaded { config: Arc::new(config), binding, fingerprint: sha256(&files) })
}

fn refuse(what: &str, file: &std::path::Path, reason: &str) -> Error {
    Error::new(
        ErrorKind::ConfigFileError,
        format!("could not load server {what} file \"{}\"", file.display()),
    )
    .with_detail(format!("{}.", reason.trim_end_matches('.')))
}

/// `tls-server-end-point`: the certificate hashed as its signature hashes, with SHA-256 in place of MD5
/// and SHA-1 (RFC 5929, section 4.1).
fn channel_binding(certificate: &[u8]) -> Option<ChannelBinding> {
    let hash = digest::digest(signature_hash(certificate)?, certificate);
    Some(ChannelBinding(hash.as_ref().to_vec()))
}

/// The hash of an X.509 certificate's signature algorithm. Certificates outside of the list below
/// have none defined.
fn signature_hash(certificate: &[u8]) -> Option<&'static digest::Algorithm> {
    let (fields, _) = der_value(certificate, SEQUENCE)?;
    let (_, after_body) = der_value(fields, SEQUENCE)?;
    let (algorithm, _) = der_value(after_body, SEQUENCE)?;
    let (identifier, parameters) = der_value(algorithm, OBJECT_IDENTIFIER)?;
    match identifier {
        // 1.2.840.113549.1.1.x: RSA with MD5 (4), SHA-1 (5), PSS (10), SHA-256, 384 and 512 (11 to 13)
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, algorithm] => match algorithm {
            4 | 5 | 11 => Some(&digest::SHA256),
            10 => pss_hash(parameters),
            12 => Some(&digest::SHA384),
            13 => Some(&digest::SHA512),
            _ => None,
        },
        // 1.2.840.10045.4.1: ECDSA with SHA-1
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1] => Some(&digest::SHA256),
        // 1.2.840.10045.4.3.x: ECDSA with SHA-256, 384 and 512
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, algorithm] => match algorithm {
            2 => Some(&digest::SHA256),
            3 => Some(&digest::SHA384),
            4 => Some(&digest::SHA512),
            _ => None,
        },
        _ => None,
    }
}

/// The hash in the parameters of RSASSA-PSS: their first field, SHA-1 when it is left out.
fn pss_hash(parameters: &[u8]) -> Option<&'static digest::Algorithm> {
    let (fields, _) = der_value(parameters, SEQUENCE)?;
    let Some((explicit, _)) = der_value(fields, CONTEXT_0) else {
        return Some(&digest::SHA256);
    };
    let (algorithm, _) = der_value(explicit, SEQUENCE)?;
    let (identifier, _) = der_value(algorithm, OBJECT_IDENTIFIER)?;
    match identifier {
        // 1.3.14.3.2.26: SHA-1
        [0x2b, 0x0e, 3, 2, 0x1a] => Some(&digest::SHA256),
        // 2.16.840.1.101.3.4.2.x: SHA-256, 384 and 512
        [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, algorithm] => match algorithm {
            1 => Some(&digest::SHA256),
            2 => Some(&digest::SHA384),
            3 => Some(&digest::SHA512),
            _ => None,
        },
        _ => None,
    }
}

const SEQUENCE: u8 = 0x30;
const OBJECT_IDENTIFIER: u8 = 0x06;
const CONTEXT_0: u8 = 0xa0;

/// Splits one DER value with this tag from the front: its content and what follows it.
fn der_value(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[found, first], rest) = bytes.split_first_chunk::<2>()?;
    if found != tag {
        return None;
    }
    if first < 0x80 {
        return rest.split_at_checked(usize::from(first));
    }
    // The long form: so many bytes of length. A certificate has no part beyond four of them.
    let (length_bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
    if length_bytes.len() > 4 {
        return None;
    }
    let length = length_bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair, SignatureAlgorithm};

    fn make(algorithm: &'static SignatureAlgorithm) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        (params.self_signed(&key).unwrap(), key)
    }

    fn write(folder: &std::path::Path, certificate: &str, key: &str) -> (PathBuf, PathBuf) {
        let files = (folder.join("server.crt"), folder.join("server.key"));
        std::fs::write(&files.0, certificate).unwrap();
        std::fs::write(&files.1, key).unwrap();
        files
    }

    #[test]
    fn the_binding_hash_follows_the_signature() {
        let binding = |algorithm| channel_binding(make(algorithm).0.der());
        assert_eq!(binding(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap().0.len(), 32);
        assert_eq!(binding(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap().0.len(), 48);
        assert_eq!(binding(&rcgen::PKCS_RSA_SHA256).unwrap().0.len(), 32);
        assert!(binding(&rcgen::PKCS_ED25519).is_none());
        assert!(channel_binding(b"").is_none());
        assert!(channel_binding(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]).is_none());
    }

    #[test]
    fn changed_files_are_loaded_and_broken_ones_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let (one, key) = make(&rcgen::PKCS_ECDSA_P256_SHA256);
        let (certificate_file, key_file) = write(folder.path(), &one.pem(), &key.serialize_pem());
        let server = ServerCertificate::load(&certificate_file, &key_file).unwrap();
        let first = server.current().binding.clone();
        assert!(!server.reload().unwrap());

        let (two, key) = make(&rcgen::PKCS_ECDSA_P256_SHA256);
        write(folder.path(), &two.pem(), &key.serialize_pem());
        assert!(server.reload().unwrap());
        let second = server.current().binding.clone();
        assert_ne!(first, second);

        write(folder.path(), &one.pem(), &key.serialize_pem());
        let mismatch = server.reload().unwrap_err();
        assert_eq!(mismatch.sqlstate(), "F0000");
        assert!(mismatch.message().contains("server.key"), "{mismatch:?}");
        assert_eq!(server.current().binding, second);
    }

    #[test]
    fn what_is_missing_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = make(&rcgen::PKCS_ECDSA_P256_SHA256);
        let message = |certificate: &str, key: &str| {
            let (certificate_file, key_file) = write(folder.path(), certificate, key);
            ServerCertificate::load(certificate_file, key_file).err().unwrap().to_string()
        };
        assert!(message("", &key.serialize_pem()).contains("server.crt"));
        assert!(message(&certificate.pem(), "").contains("server.key"));
        let absent =
            ServerCertificate::load(folder.path().join("none"), folder.path().join("none"));
        assert_eq!(absent.err().unwrap().sqlstate(), "F0000");
    }
}
