//! The server's side of SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, 7677, channel binding of RFC 5929)
//! against a stored verifier. It knows messages of the mechanism, not how they travel, and no users.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::base::{Error, ErrorKind, Result};

use super::password::{KEY_BYTES, Verifier, fill_random, hmac_sha256, sha256};

/// The mechanism names as they travel.
pub const SCRAM_SHA_256: &str = "SCRAM-SHA-256";
pub const SCRAM_SHA_256_PLUS: &str = "SCRAM-SHA-256-PLUS";

/// Random bytes of the server's part of the nonce (PostgreSQL's `SCRAM_RAW_NONCE_LEN`).
const NONCE_BYTES: usize = 18;

/// The one channel binding type that PostgreSQL's clients speak.
const BINDING_TYPE: &str = "tls-server-end-point";

/// The hash of the server's certificate that both ends of a TLS connection know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelBinding(pub Vec<u8>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    ScramSha256,
    ScramSha256Plus,
}

/// One exchange, waiting for the client's first message.
#[derive(Debug)]
pub struct Scram {
    verifier: Verifier,
    mechanism: Mechanism,
    /// What the server offered on this connection; `None` in clear.
    binding: Option<ChannelBinding>,
}

/// One exchange, waiting for the client's final message.
#[derive(Debug)]
pub struct ScramFinal {
    verifier: Verifier,
    /// What the client's `c=` attribute must be.
    expected_binding: Vec<u8>,
    plus: bool,
    client_first_bare: String,
    server_first: String,
    nonce: String,
}

impl Scram {
    pub fn new(verifier: Verifier, mechanism: Mechanism, binding: Option<ChannelBinding>) -> Self {
        Scram { verifier, mechanism, binding }
    }

    /// Answers the client-first-message with the server-first-message.
    ///
    /// # Errors
    /// 08P01 for a malformed message, 28000 for a downgrade, 0A000 for an extension.
    pub fn first(self, client_first: &[u8]) -> Result<(String, ScramFinal)> {
        let mut nonce = [0; NONCE_BYTES];
        fill_random(&mut nonce)?;
        self.first_with_nonce(client_first, &BASE64.encode(nonce))
    }

    fn first_with_nonce(
        self,
        client_first: &[u8],
        server_nonce: &str,
    ) -> Result<(String, ScramFinal)> {
        let message = text(client_first)?;
        let mut fields = message.splitn(3, ',');
        let (Some(flag), Some(authorization), Some(bare)) =
            (fields.next(), fields.next(), fields.next())
        else {
            return Err(malformed("The client-first-message is incomplete."));
        };
        let expected_binding = self.check_binding_flag(flag)?;
        if authorization.starts_with("a=") {
            return Err(Error::unsupported("an authorization identity of the client"));
        }
        if !authorization.is_empty() {
            return Err(malformed("The authorization identity is malformed."));
        }
        let client_nonce = client_nonce(bare)?;

        let nonce = format!("{client_nonce}{server_nonce}");
        let salt = BASE64.encode(&self.verifier.salt);
        let server_first = format!("r={nonce},s={salt},i={}", self.verifier.iterations);
        let next = ScramFinal {
            expected_binding,
            plus: self.mechanism == Mechanism::ScramSha256Plus,
            client_first_bare: bare.to_owned(),
            server_first: server_first.clone(),
            nonce,
            verifier: self.verifier,
        };
        Ok((server_first, next))
    }

    /// Checks the client's channel binding flag against the mechanism it chose and what the server
    /// offered, and gives what its `c=` attribute must carry (RFC 5802, section 6).
    fn check_binding_flag(&self, flag: &str) -> Result<Vec<u8>> {
        match (flag, self.mechanism, &self.binding) {
            ("n", Mechanism::ScramSha256, _) | ("y", Mechanism::ScramSha256, None) => {
                Ok(format!("{flag},,").into_bytes())
            }
            ("y", Mechanism::ScramSha256, Some(_)) => Err(Error::new(
                ErrorKind::InvalidAuthorizationSpecification,
                "SCRAM channel binding negotiation error",
            )
            .with_detail(
                "The client supports SCRAM channel binding but thinks the server does not. However, \
                 this server does support channel binding.",
            )),
            ("n" | "y", Mechanism::ScramSha256Plus, _) => Err(malformed(
                "The client selected SCRAM-SHA-256-PLUS, but the SCRAM message does not include channel \
                 binding data.",
            )),
            (bound, mechanism, binding) => {
                let Some(kind) = bound.strip_prefix("p=") else {
                    return Err(malformed("Unexpected channel-binding flag."));
                };
                let (Mechanism::ScramSha256Plus, Some(binding)) = (mechanism, binding) else {
                    return Err(malformed(
                        "The client selected SCRAM-SHA-256 without channel binding, but the SCRAM \
                         message includes channel binding data.",
                    ));
                };
                if kind != BINDING_TYPE {
                    return Err(Error::new(
                        ErrorKind::ProtocolViolation,
                        "unsupported SCRAM channel-binding type",
                    )
                    .with_hint(format!("Use {BINDING_TYPE}.")));
                }
                let mut expected = format!("{bound},,").into_bytes();
                expected.extend_from_slice(&binding.0);
                Ok(expected)
            }
        }
    }
}

impl ScramFinal {
    /// Checks the client-final-message: the server-final-message when the proof holds, `None` when it
    /// does not. Takes the same time for every wrong proof.
    ///
    /// # Errors
    /// 08P01 for a malformed message, 28000 for a wrong channel binding.
    pub fn finish(self, client_final: &[u8]) -> Result<Option<String>> {
        let message = text(client_final)?;
        let (without_proof, proof) = message
            .rsplit_once(",p=")
            .ok_or_else(|| malformed("The client-final-message has no proof."))?;
        let mut attributes = without_proof.split(',');
        self.check_binding(attributes.next())?;
        let nonce = attributes.next().and_then(|nonce| nonce.strip_prefix("r="));
        if nonce != Some(self.nonce.as_str()) {
            return Err(Error::new(ErrorKind::ProtocolViolation, "invalid SCRAM response")
                .with_detail("Nonce does not match."));
        }
        let proof: [u8; KEY_BYTES] = BASE64
            .decode(proof)
            .ok()
            .and_then(|proof| proof.try_into().ok())
            .ok_or_else(|| malformed("Malformed proof in client-final-message."))?;

        let transcript =
            format!("{},{},{without_proof}", self.client_first_bare, self.server_first);
        let signature = hmac_sha256(&self.verifier.stored_key, transcript.as_bytes());
        let mut client_key = proof;
        client_key.iter_mut().zip(signature).for_each(|(key, mask)| *key ^= mask);
        let server_signature = hmac_sha256(&self.verifier.server_key, transcript.as_bytes());
        let holds = verify_slices_are_equal(&sha256(&client_key), &self.verifier.stored_key);
        Ok(holds.is_ok().then(|| format!("v={}", BASE64.encode(server_signature))))
    }

    fn check_binding(&self, attribute: Option<&str>) -> Result<()> {
        let given = attribute
            .and_then(|binding| binding.strip_prefix("c="))
            .and_then(|binding| BASE64.decode(binding).ok())
            .ok_or_else(|| malformed("The channel-binding attribute is malformed."))?;
        match verify_slices_are_equal(&given, &self.expected_binding) {
            Ok(()) => Ok(()),
            Err(_) if self.plus => Err(Error::new(
                ErrorKind::InvalidAuthorizationSpecification,
                "SCRAM channel binding check failed",
            )),
            Err(_) => Err(Error::new(
                ErrorKind::ProtocolViolation,
                "unexpected SCRAM channel-binding attribute in client-final-message",
            )),
        }
    }
}

/// The nonce of `client-first-message-bare`: `n=<ignored name>,r=<nonce>[,extensions]`.
/// The name is the startup packet's, as PostgreSQL has it, so the one here is not looked at.
fn client_nonce(bare: &str) -> Result<&str> {
    let mut attributes = bare.split(',');
    let name = attributes.next().unwrap_or_default();
    if name.starts_with("m=") {
        return Err(Error::unsupported("the SCRAM extension that the client requires"));
    }
    if !name.starts_with("n=") {
        return Err(malformed("The client-first-message has no user name."));
    }
    let nonce = attributes.next().and_then(|nonce| nonce.strip_prefix("r=")).unwrap_or_default();
    if nonce.is_empty() || !nonce.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(malformed("The nonce of the client is malformed."));
    }
    Ok(nonce)
}

fn text(message: &[u8]) -> Result<&str> {
    std::str::from_utf8(message).map_err(|_| malformed("The message is not UTF-8."))
}

fn malformed(detail: &str) -> Error {
    Error::new(ErrorKind::ProtocolViolation, "malformed SCRAM message").with_detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT_FIRST: &[u8] = b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
    const SERVER_NONCE: &str = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";

    fn pencil() -> Verifier {
        Verifier::parse(
            "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$\
             WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
        )
        .unwrap()
    }

    fn after_first() -> ScramFinal {
        let scram = Scram::new(pencil(), Mechanism::ScramSha256, None);
        let (first, next) = scram.first_with_nonce(CLIENT_FIRST, SERVER_NONCE).unwrap();
        let nonce = format!("rOprNGfwEbeRWgbNEkqO{SERVER_NONCE}");
        assert_eq!(first, format!("r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"));
        next
    }

    fn final_message(proof: &str) -> Vec<u8> {
        format!("c=biws,r=rOprNGfwEbeRWgbNEkqO{SERVER_NONCE},p={proof}").into_bytes()
    }

    /// The whole exchange of RFC 7677, section 3.
    #[test]
    fn agrees_with_the_rfc() {
        let proof = "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
        let answer = after_first().finish(&final_message(proof)).unwrap();
        assert_eq!(answer.unwrap(), "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    }

    #[test]
    fn a_wrong_proof_is_no_error_and_no_success() {
        let proof = "eHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
        assert!(after_first().finish(&final_message(proof)).unwrap().is_none());
    }

    #[test]
    fn malformed_finals_are_refused() {
        let nonce = format!("rOprNGfwEbeRWgbNEkqO{SERVER_NONCE}");
        let proof = "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
        for message in [
            String::new(),
            format!("c=biws,r={nonce}"),
            format!("c=biws,r={nonce},p=short"),
            format!("c=eSws,r={nonce},p={proof}"),
            format!("c=biws,r=other,p={proof}"),
            format!("r={nonce},p={proof}"),
        ] {
            let error = after_first().finish(message.as_bytes()).unwrap_err();
            assert_eq!(error.sqlstate(), "08P01", "{message}");
        }
    }

    #[test]
    fn channel_binding_cannot_be_talked_down() {
        let bound = || Some(ChannelBinding(vec![7; 32]));
        let first = |mechanism, binding, message: &str| {
            let scram = Scram::new(pencil(), mechanism, binding);
            scram.first(message.as_bytes()).map(|_| "").unwrap_or_else(|error| error.sqlstate())
        };
        use Mechanism::{ScramSha256 as Plain, ScramSha256Plus as Plus};
        assert_eq!(first(Plain, None, "n,,n=,r=x"), "");
        assert_eq!(first(Plain, None, "y,,n=,r=x"), "");
        assert_eq!(first(Plain, bound(), "n,,n=,r=x"), "");
        assert_eq!(first(Plain, bound(), "y,,n=,r=x"), "28000");
        assert_eq!(first(Plain, bound(), "p=tls-server-end-point,,n=,r=x"), "08P01");
        assert_eq!(first(Plus, bound(), "p=tls-server-end-point,,n=,r=x"), "");
        assert_eq!(first(Plus, bound(), "p=tls-unique,,n=,r=x"), "08P01");
        assert_eq!(first(Plus, bound(), "n,,n=,r=x"), "08P01");
        assert_eq!(first(Plus, bound(), "y,,n=,r=x"), "08P01");
    }

    #[test]
    fn malformed_firsts_are_refused() {
        let first = |message: &[u8]| {
            let scram = Scram::new(pencil(), Mechanism::ScramSha256, None);
            scram.first(message).unwrap_err().sqlstate()
        };
        assert_eq!(first(b""), "08P01");
        assert_eq!(first(b"n,,"), "08P01");
        assert_eq!(first(b"n,,n=u,r="), "08P01");
        assert_eq!(first(b"n,,n=u,r=\x01"), "08P01");
        assert_eq!(first(b"\xff,,n=u,r=x"), "08P01");
        assert_eq!(first(b"x,,n=u,r=x"), "08P01");
        assert_eq!(first(b"n,a=admin,n=u,r=x"), "0A000");
        assert_eq!(first(b"n,,m=x,n=u,r=x"), "0A000");
    }
}
