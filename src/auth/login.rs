//! An attempt to log in: a user name and a SCRAM exchange to a principal. A stranger cannot tell whether a
//! user exists, has a password or is a group. It decides nothing beyond who the client is.

use crate::base::{Error, ErrorKind, PrincipalId, Result};
use crate::catalog::Snapshot;
use crate::catalog::principal::PrincipalKind;

use super::password::{ITERATIONS, SALT_BYTES, Verifier, hmac_sha256};
use super::scram::{
    ChannelBinding, Mechanism, SCRAM_SHA_256, SCRAM_SHA_256_PLUS, Scram, ScramFinal,
};

/// The door for passwords. Checking one costs a handful of HMACs whoever asks: with stored keys there is
/// no PBKDF2 on the server's side, so a flood of attempts does not take the processor from queries.
pub struct Login {
    /// From which the answers to unknown users are made: the same name gets the same salt every time.
    mock_key: [u8; 32],
}

/// An attempt whose client has chosen a mechanism.
pub struct Attempt {
    user: String,
    principal: Option<PrincipalId>,
    scram: Scram,
}

/// An attempt that waits for the proof.
pub struct FinalAttempt {
    user: String,
    principal: Option<PrincipalId>,
    scram: ScramFinal,
}

impl Login {
    /// `mock_key` should outlive the process, or a restart shows which users do not exist: only their
    /// salts change.
    pub fn new(mock_key: [u8; 32]) -> Self {
        Login { mock_key }
    }

    /// The mechanisms to offer, best first. Only a TLS connection with a certificate whose hash is
    /// defined has a `binding`.
    pub fn mechanisms(binding: Option<&ChannelBinding>) -> &'static [&'static str] {
        match binding {
            Some(_) => &[SCRAM_SHA_256_PLUS, SCRAM_SHA_256],
            None => &[SCRAM_SHA_256],
        }
    }

    /// Begins an attempt of `user` with the mechanism that the client chose.
    ///
    /// # Errors
    /// 08P01 when the mechanism was not offered.
    pub fn attempt(
        &self,
        snapshot: &Snapshot,
        user: &str,
        mechanism: &str,
        binding: Option<ChannelBinding>,
    ) -> Result<Attempt> {
        let mechanism = match (mechanism, &binding) {
            (SCRAM_SHA_256, _) => Mechanism::ScramSha256,
            (SCRAM_SHA_256_PLUS, Some(_)) => Mechanism::ScramSha256Plus,
            _ => {
                return Err(Error::new(
                    ErrorKind::ProtocolViolation,
                    "client selected an invalid SASL authentication mechanism",
                ));
            }
        };
        // Made for everybody, so that the time tells nothing.
        let mock = self.mock_verifier(user);
        let known = snapshot
            .principal(user)
            .filter(|principal| principal.kind == PrincipalKind::User)
            .and_then(|user| Some((user.id, Verifier::parse(user.verifier.as_deref()?).ok()?)));
        let (principal, verifier) = match known {
            Some((id, verifier)) => (Some(id), verifier),
            None => (None, mock),
        };
        Ok(Attempt {
            user: user.to_owned(),
            principal,
            scram: Scram::new(verifier, mechanism, binding),
        })
    }

    /// A verifier that no password fits, with a salt that looks like any other.
    fn mock_verifier(&self, user: &str) -> Verifier {
        let derive =
            |purpose: &str| hmac_sha256(&self.mock_key, format!("{purpose}\0{user}").as_bytes());
        Verifier {
            iterations: ITERATIONS,
            salt: derive("salt").into_iter().take(SALT_BYTES).collect(),
            stored_key: derive("stored key"),
            server_key: derive("server key"),
        }
    }
}

impl Attempt {
    /// Takes the client-first-message, gives the server-first-message.
    pub fn first(self, client_first: &[u8]) -> Result<(String, FinalAttempt)> {
        let (message, scram) = self.scram.first(client_first)?;
        Ok((message, FinalAttempt { user: self.user, principal: self.principal, scram }))
    }
}

impl FinalAttempt {
    /// Takes the client-final-message, gives the server-final-message and who has logged in.
    ///
    /// # Errors
    /// 28P01, the same for a wrong password, no password, an unknown user and a group.
    pub fn finish(self, client_final: &[u8]) -> Result<(String, PrincipalId)> {
        match (self.scram.finish(client_final)?, self.principal) {
            (Some(message), Some(principal)) => Ok((message, principal)),
            (Some(_) | None, _) => Err(Error::new(
                ErrorKind::InvalidPassword,
                format!("password authentication failed for user \"{}\"", self.user),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Oid;
    use crate::base::secret::Secret;
    use crate::catalog::principal::Principal;
    use crate::catalog::snapshot::Facts;

    fn snapshot() -> Snapshot {
        let principal = |oid, name: &str, kind, password: Option<&str>| Principal {
            id: PrincipalId::generate(),
            oid: Oid(oid),
            name: name.to_owned(),
            kind,
            admin: false,
            verifier: password.map(|password| {
                Verifier::from_password(&Secret::new(password)).unwrap().stored_form()
            }),
            member_of: Default::default(),
        };
        Snapshot::new(Facts {
            principals: vec![
                principal(1, "ada", PrincipalKind::User, Some("secret")),
                principal(2, "nobody", PrincipalKind::User, None),
                principal(3, "staff", PrincipalKind::Group, Some("secret")),
            ],
            ..Facts::default()
        })
    }

    fn salt_of(login: &Login, user: &str) -> String {
        let attempt = login.attempt(&snapshot(), user, SCRAM_SHA_256, None).unwrap();
        let (message, _) = attempt.first(b"n,,n=,r=abc").unwrap();
        message.split(',').nth(1).unwrap().to_owned()
    }

    #[test]
    fn strangers_get_the_same_salt_every_time_and_different_ones_each() {
        let login = Login::new([1; 32]);
        assert_eq!(salt_of(&login, "mallory"), salt_of(&login, "mallory"));
        assert_eq!(salt_of(&login, "staff"), salt_of(&login, "staff"));
        assert_ne!(salt_of(&login, "mallory"), salt_of(&login, "nobody"));
        assert_ne!(salt_of(&login, "mallory"), salt_of(&Login::new([2; 32]), "mallory"));
        assert_eq!(salt_of(&login, "mallory").len(), salt_of(&login, "ada").len());
    }

    #[test]
    fn plus_needs_a_binding() {
        let login = Login::new([1; 32]);
        let refused = login.attempt(&snapshot(), "ada", SCRAM_SHA_256_PLUS, None).err().unwrap();
        assert_eq!(refused.sqlstate(), "08P01");
        assert!(login.attempt(&snapshot(), "ada", "PLAIN", None).is_err());
        assert_eq!(Login::mechanisms(None), [SCRAM_SHA_256]);
    }

    #[test]
    fn a_wrong_proof_sounds_alike_for_all() {
        let login = Login::new([1; 32]);
        for user in ["ada", "nobody", "staff", "mallory"] {
            let attempt = login.attempt(&snapshot(), user, SCRAM_SHA_256, None).unwrap();
            let (message, last) = attempt.first(b"n,,n=,r=abc").unwrap();
            let nonce = message.split(',').next().unwrap().to_owned();
            let proof = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
            let error = last.finish(format!("c=biws,{nonce},p={proof}").as_bytes()).unwrap_err();
            assert_eq!(error.sqlstate(), "28P01");
            let expected = format!("password authentication failed for user \"{user}\"");
            assert_eq!(error.message(), expected);
        }
    }
}
