//! What it means when a request to an object store fails: found once, where it happens, so that every crate
//! above carries the answer on. It never shows a path, a bucket or a key; those go to the log.

use std::error::Error as StdError;

use object_store::client::{HttpError, HttpErrorKind};

use crate::base::{Error, ErrorKind};

/// The name under which described errors travel as errors of object_store.
const STORE: &str = "storage";

/// Codes that S3, Azure and Google give when they do not believe who asks.
const IDENTITY_CODES: &[&str] = &[
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "InvalidClientTokenId",
    "InvalidSecurity",
    "InvalidToken",
    "AuthFailure",
    "AuthenticationFailed",
    "InvalidAuthenticationInfo",
    "NoAuthenticationInformation",
    "RequestTimeTooSkewed",
    "UnauthorizedAccess",
];

/// Codes for an identity whose time is over.
const EXPIRED_CODES: &[&str] =
    &["ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired"];

/// Codes for a bucket or container that is not there.
const BUCKET_CODES: &[&str] =
    &["NoSuchBucket", "ContainerNotFound", "ContainerBeingDeleted", "FilesystemNotFound"];

/// Codes for requests that went to the wrong region.
const REGION_CODES: &[&str] =
    &["PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"];

/// An error of ours as one of object_store's, to travel through crates that know only those.
pub fn carried(error: Error) -> object_store::Error {
    object_store::Error::Generic { store: STORE, source: Box::new(error) }
}

/// The first error of ours among the causes.
pub fn carried_in<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Error> {
    causes(error).find_map(|cause| cause.downcast_ref::<Error>())
}

/// A failed request, with what it means among its causes. What says something of one object, such as that
/// it is not there or was there before, stays as it is.
pub fn described(error: object_store::Error) -> object_store::Error {
    use object_store::Error as Store;
    if carried_in(&error).is_some() {
        return error;
    }
    let told = told_by(&error);
    match &error {
        Store::AlreadyExists { .. } | Store::Precondition { .. } | Store::NotModified { .. } => {
            return error;
        }
        // A list of nothing is empty: only a bucket can be missing there.
        Store::NotFound { .. } if !told.any(BUCKET_CODES) => return error,
        _ => {}
    }
    match meaning(&error, &told) {
        Some(meaning) => {
            // Who reads the answer may not see what is behind it; who runs the server must.
            let sqlstate = meaning.sqlstate();
            tracing::warn!(error = told.text, sqlstate, "a request to a storage failed");
            carried(meaning.caused_by(error))
        }
        None => error,
    }
}

/// What a store said, in whatever words.
struct Told {
    text: String,
    status: Option<u16>,
}

impl Told {
    /// Whether it gave one of the codes, as XML or JSON has them.
    fn any(&self, codes: &[&str]) -> bool {
        codes.iter().any(|code| {
            self.text.contains(&format!("<Code>{code}</Code>"))
                || self.text.contains(&format!("\"{code}\""))
        })
    }
}

fn told_by(error: &object_store::Error) -> Told {
    let mut text = error.to_string();
    for cause in causes(error).skip(1) {
        text.push_str(": ");
        text.push_str(&cause.to_string());
    }
    // object_store keeps its own type of failed requests to itself.
    let status = text.split("status code: ").nth(1).and_then(|rest| rest.get(..3)?.parse().ok());
    Told { text, status }
}

fn meaning(error: &object_store::Error, told: &Told) -> Option<Error> {
    use object_store::Error as Store;
    if is_about_identity(told) {
        return Some(no_identity());
    }
    let http = causes(error).find_map(|cause| cause.downcast_ref::<HttpError>());
    if let Some(http) = http {
        return Some(unanswered(http, told));
    }
    Some(match told.status {
        _ if told.any(EXPIRED_CODES) => expired(),
        _ if told.any(IDENTITY_CODES) => wrong_identity(),
        _ if told.any(BUCKET_CODES) => no_bucket(),
        _ if told.any(REGION_CODES) => other_region(),
        _ if told.text.contains("redirect without LOCATION") => other_region(),
        Some(401) => wrong_identity(),
        Some(403) => denied(),
        Some(404) => no_bucket(),
        Some(429 | 503) => overloaded(),
        Some(status) => failed(&format!("It answered with the HTTP status {status}.")),
        None if matches!(error, Store::PermissionDenied { .. }) => denied(),
        None if matches!(error, Store::Unauthenticated { .. }) => wrong_identity(),
        None => return None,
    })
}

/// Whether the request that failed asked for an identity, not for an object.
fn is_about_identity(told: &Told) -> bool {
    ["169.254.169.254", "169.254.170.2", "metadata.google.internal", "token request", "GetToken"]
        .iter()
        .any(|sign| told.text.contains(sign))
}

/// No answer came, or it broke off.
fn unanswered(http: &HttpError, told: &Told) -> Error {
    let is_tls = ["certificate", "Certificate", "HandshakeFailure", "corrupt message", "TLS"]
        .iter()
        .any(|sign| told.text.contains(sign));
    match http.kind() {
        _ if is_tls => Error::new(
            ErrorKind::SystemError,
            "the storage cannot be trusted: the TLS handshake with it fails",
        )
        .with_hint("Check the endpoint of the storage credential and the storage's certificate."),
        HttpErrorKind::Timeout => Error::new(
            ErrorKind::FdwUnableToEstablishConnection,
            "the storage does not answer in time",
        )
        .with_hint("Try again later, or look at limits.storage_request_timeout."),
        HttpErrorKind::Connect => {
            Error::new(ErrorKind::FdwUnableToEstablishConnection, "the storage cannot be reached")
                .with_hint("Check the network and the endpoint of the storage credential.")
        }
        _ => Error::new(
            ErrorKind::FdwUnableToEstablishConnection,
            "the connection to the storage broke off",
        )
        .with_hint("Try again."),
    }
}

fn no_identity() -> Error {
    Error::new(
        ErrorKind::InvalidAuthorizationSpecification,
        "there is nobody to ask the storage as",
    )
    .with_detail(
        "The storage credential names no key, the environment has none, and the instance has no role.",
    )
    .with_hint("Give the storage credential a key, or the server's environment.")
}

fn wrong_identity() -> Error {
    Error::new(
        ErrorKind::InvalidAuthorizationSpecification,
        "the storage does not accept the storage credential",
    )
    .with_hint("Check the keys with ALTER STORAGE CREDENTIAL.")
}

fn expired() -> Error {
    Error::new(ErrorKind::InvalidAuthorizationSpecification, "the storage credential has expired")
        .with_hint("Set a new key or token with ALTER STORAGE CREDENTIAL.")
}

fn no_bucket() -> Error {
    Error::new(
        ErrorKind::FdwSchemaNotFound,
        "the bucket or container of the storage does not exist",
    )
    .with_hint("Make it, or check the URL of the external location.")
}

fn other_region() -> Error {
    Error::new(ErrorKind::InvalidParameterValue, "the bucket is in another region")
        .with_hint("Set the option region of the storage credential.")
}

fn denied() -> Error {
    Error::new(ErrorKind::InsufficientPrivilege, "the storage denies access with this credential")
        .with_hint("Check what the storage lets the storage credential do.")
}

fn overloaded() -> Error {
    Error::new(ErrorKind::InsufficientResources, "the storage is overloaded")
        .with_hint("Try again later.")
}

fn failed(detail: &str) -> Error {
    Error::new(ErrorKind::IoError, "the storage failed").with_detail(detail)
}

fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let cause = next?;
        next = cause.source();
        Some(cause)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> object_store::Error {
        object_store::Error::Generic { store: "S3", source: text.to_owned().into() }
    }

    #[test]
    fn answers_have_their_meaning() {
        let status = |status: &str, code: &str| {
            said(&format!(
                "Server returned non-2xx status code: {status}: <Error><Code>{code}</Code>"
            ))
        };
        let cases = [
            (status("403 Forbidden", "SignatureDoesNotMatch"), "28000"),
            (status("400 Bad Request", "ExpiredToken"), "28000"),
            (status("403 Forbidden", "AccessDenied"), "42501"),
            (status("404 Not Found", "NoSuchBucket"), "HV00Q"),
            (status("301 Moved", "PermanentRedirect"), "22023"),
            (status("503 Slow", "SlowDown"), "53000"),
            (status("500 Internal", "InternalError"), "58030"),
            (said("Error performing PUT http://169.254.169.254/latest/api/token"), "28000"),
        ];
        for (error, sqlstate) in cases {
            let text = error.to_string();
            let described = described(error);
            let found = carried_in(&described).unwrap();
            assert_eq!(found.sqlstate(), sqlstate, "{text}");
        }
    }

    #[test]
    fn what_is_said_of_an_object_stays() {
        let missing = object_store::Error::NotFound {
            path: "t/f".to_owned(),
            source: "status code: 404 Not Found: <Code>NoSuchKey</Code>".into(),
        };
        assert!(matches!(described(missing), object_store::Error::NotFound { .. }));
    }
}
