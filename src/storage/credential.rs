//! Storage credentials: what an object store is opened with, as options that are all known and checked. It
//! opens no store, and shows no secret.

use std::collections::BTreeMap;
use std::fmt;

use super::location::Scheme;
use crate::base::secret::Secret;
use crate::base::{Error, ErrorKind, Result};

/// Whose protocol a store speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Provider {
    /// Amazon S3 and servers compatible with it.
    S3,
    /// Azure Blob Storage and Data Lake Storage.
    Azure,
    /// Google Cloud Storage.
    Gcs,
}

impl Provider {
    const ALL: [Provider; 3] = [Provider::S3, Provider::Azure, Provider::Gcs];

    /// The name in SQL and in the metastore.
    pub const fn name(self) -> &'static str {
        match self {
            Provider::S3 => "s3",
            Provider::Azure => "azure",
            Provider::Gcs => "gcs",
        }
    }

    pub fn from_name(name: &str) -> Option<Provider> {
        Provider::ALL.into_iter().find(|provider| provider.name().eq_ignore_ascii_case(name))
    }

    /// The provider behind URLs of a scheme; `None` for what needs no credential.
    pub const fn of(scheme: Scheme) -> Option<Provider> {
        match scheme {
            Scheme::File | Scheme::Memory => None,
            Scheme::S3 => Some(Provider::S3),
            Scheme::Abfss | Scheme::Az => Some(Provider::Azure),
            Scheme::Gs => Some(Provider::Gcs),
        }
    }
}

/// What values an option takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Values {
    Text,
    /// An `http` or `https` URL.
    Url,
    /// `true` or `false`.
    Switch,
}

/// An option of storage credentials.
struct CredentialOption {
    name: &'static str,
    provider: Provider,
    values: Values,
    is_secret: bool,
}

const fn plain(provider: Provider, name: &'static str, values: Values) -> CredentialOption {
    CredentialOption { name, provider, values, is_secret: false }
}

const fn secret(provider: Provider, name: &'static str) -> CredentialOption {
    CredentialOption { name, provider, values: Values::Text, is_secret: true }
}

/// Every option. Without one that says who asks, the environment and the instance's role are used.
const OPTIONS: &[CredentialOption] = &[
    plain(Provider::S3, "access_key_id", Values::Text),
    secret(Provider::S3, "secret_access_key"),
    secret(Provider::S3, "session_token"),
    plain(Provider::S3, "region", Values::Text),
    plain(Provider::S3, "endpoint", Values::Url),
    plain(Provider::S3, "path_style", Values::Switch),
    plain(Provider::S3, "allow_http", Values::Switch),
    plain(Provider::S3, "anonymous", Values::Switch),
    plain(Provider::Azure, "account_name", Values::Text),
    secret(Provider::Azure, "account_key"),
    secret(Provider::Azure, "sas_token"),
    plain(Provider::Azure, "client_id", Values::Text),
    secret(Provider::Azure, "client_secret"),
    plain(Provider::Azure, "tenant_id", Values::Text),
    plain(Provider::Azure, "endpoint", Values::Url),
    plain(Provider::Azure, "allow_http", Values::Switch),
    plain(Provider::Azure, "anonymous", Values::Switch),
    secret(Provider::Gcs, "service_account_key"),
    plain(Provider::Gcs, "endpoint", Values::Url),
    plain(Provider::Gcs, "allow_http", Values::Switch),
    plain(Provider::Gcs, "anonymous", Values::Switch),
];

/// What one object store is opened with.
#[derive(Clone)]
pub struct Credential {
    provider: Provider,
    options: BTreeMap<&'static str, Secret>,
}

impl Credential {
    /// What the environment and the role of the instance give.
    pub fn from_environment(provider: Provider) -> Self {
        Credential { provider, options: BTreeMap::new() }
    }

    /// A credential with these options: 22023 for one that is unknown, malformed or alone where it needs
    /// another.
    pub fn new(
        provider: Provider,
        options: impl IntoIterator<Item = (String, Secret)>,
    ) -> Result<Self> {
        let mut credential = Credential::from_environment(provider);
        for (name, value) in options {
            let option = find(provider, &name).ok_or_else(|| unknown(provider, &name))?;
            check_value(option, &value)?;
            credential.options.insert(option.name, value);
        }
        credential.check_together()?;
        Ok(credential)
    }

    pub fn provider(&self) -> Provider {
        self.provider
    }

    /// The options that may be shown.
    pub fn plain_options(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.options_where(false)
    }

    /// The options that may not.
    pub fn secret_options(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.options_where(true)
    }

    fn options_where(&self, is_secret: bool) -> impl Iterator<Item = (&'static str, &str)> {
        self.options
            .iter()
            .filter(move |(name, _)| {
                find(self.provider, name).is_some_and(|option| option.is_secret == is_secret)
            })
            .map(|(name, value)| (*name, value.expose()))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.options.get(name).map(Secret::expose)
    }

    /// Whether a switch is on; `None` where the option is not given.
    pub(super) fn switch(&self, name: &str) -> Option<bool> {
        self.get(name).map(|value| value == "true")
    }

    /// Whether an option says who asks, so that the environment is not looked at.
    pub(super) fn names_identity(&self) -> bool {
        ["access_key_id", "account_key", "sas_token", "client_id", "service_account_key"]
            .iter()
            .any(|name| self.options.contains_key(name))
            || self.switch("anonymous") == Some(true)
    }

    fn check_together(&self) -> Result<()> {
        const NEEDED: &[(&str, &str)] = &[
            ("access_key_id", "secret_access_key"),
            ("secret_access_key", "access_key_id"),
            ("session_token", "access_key_id"),
            ("client_id", "client_secret"),
            ("client_secret", "tenant_id"),
            ("tenant_id", "client_id"),
        ];
        for (given, needed) in NEEDED {
            if self.options.contains_key(given) && !self.options.contains_key(needed) {
                return Err(invalid(format!(
                    "option {given} of a storage credential needs option {needed}"
                )));
            }
        }
        let is_http = |url: &str| url.starts_with("http:");
        if self.get("endpoint").is_some_and(is_http) && self.switch("allow_http") != Some(true) {
            return Err(invalid("the endpoint of the storage credential is not encrypted")
                .with_hint("Use an https URL, or set allow_http to true."));
        }
        Ok(())
    }
}

/// As options compare: what differs is another store.
impl PartialEq for Credential {
    fn eq(&self, other: &Self) -> bool {
        let pairs = |credential: &Self| -> Vec<(&'static str, String)> {
            let options = credential.options.iter();
            options.map(|(name, value)| (*name, value.expose().to_owned())).collect()
        };
        self.provider == other.provider && pairs(self) == pairs(other)
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential").field("provider", &self.provider).finish_non_exhaustive()
    }
}

fn find(provider: Provider, name: &str) -> Option<&'static CredentialOption> {
    OPTIONS.iter().find(|option| option.provider == provider && option.name == name)
}

fn check_value(option: &CredentialOption, value: &Secret) -> Result<()> {
    let value = value.expose();
    let is_valid = match option.values {
        Values::Text => !value.is_empty(),
        Values::Url => value.starts_with("https://") || value.starts_with("http://"),
        Values::Switch => matches!(value, "true" | "false"),
    };
    if is_valid {
        return Ok(());
    }
    // The value may be a secret in the wrong place.
    let wanted = match option.values {
        Values::Text => "a text that is not empty",
        Values::Url => "an https or http URL",
        Values::Switch => "true or false",
    };
    Err(invalid(format!("option {} of a storage credential takes {wanted}", option.name)))
}

fn unknown(provider: Provider, name: &str) -> Error {
    let known = OPTIONS.iter().filter(|option| option.provider == provider);
    let known: Vec<_> = known.map(|option| option.name).collect();
    let provider = provider.name();
    invalid(format!("a storage credential of type {provider} has no option \"{name}\""))
        .with_hint(format!("The options are {}.", known.join(", ")))
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidParameterValue, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credential(provider: Provider, options: &[(&str, &str)]) -> Result<Credential> {
        let options = options.iter().map(|(k, v)| ((*k).to_owned(), Secret::new(*v)));
        Credential::new(provider, options)
    }

    #[test]
    fn secrets_are_told_apart_and_never_printed() {
        let options = [("access_key_id", "AKIA"), ("secret_access_key", "hunter2")];
        let credential = credential(Provider::S3, &options).unwrap();
        assert_eq!(credential.plain_options().collect::<Vec<_>>(), [("access_key_id", "AKIA")]);
        let secrets: Vec<_> = credential.secret_options().collect();
        assert_eq!(secrets, [("secret_access_key", "hunter2")]);
        assert!(!format!("{credential:?}").contains("hunter2"));
    }

    #[test]
    fn options_are_checked_by_themselves_and_together() {
        let refused: [&[(&str, &str)]; 7] = [
            &[("account_key", "x")],
            &[("access_key_id", "AKIA")],
            &[("secret_access_key", "hunter2")],
            &[("session_token", "hunter2")],
            &[("path_style", "hunter2")],
            &[("endpoint", "hunter2")],
            &[("endpoint", "http://127.0.0.1:9000")],
        ];
        for options in refused {
            let error = credential(Provider::S3, options).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidParameterValue, "{options:?}");
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
        let plain = [("endpoint", "http://127.0.0.1:9000"), ("allow_http", "true")];
        assert!(credential(Provider::S3, &plain).is_ok());
        assert!(!credential(Provider::S3, &plain).unwrap().names_identity());
    }
}
