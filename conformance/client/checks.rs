//! Words for clients in Rust: features as functions that assert on values, and the lines that conformance/run reads.

use std::fmt::Debug;
use std::future::Future;
use std::time::Duration;

pub type Outcome = Result<(), Box<dyn std::error::Error + Send + Sync>>;

const FEATURE_SECONDS_MAX: u64 = 60;

/// Fails unless the two are equal.
pub fn equal<T: PartialEq<U> + Debug, U: Debug>(actual: T, expected: U) -> Outcome {
    if actual == expected { Ok(()) } else { Err(format!("expected {expected:?}, got {actual:?}").into()) }
}

/// Prints the outcome of one feature, which may also panic or take too long.
pub async fn feature(name: &str, function: impl Future<Output = Outcome> + Send + 'static) {
    let outcome = tokio::time::timeout(Duration::from_secs(FEATURE_SECONDS_MAX), tokio::spawn(function)).await;
    let error = match outcome {
        Ok(Ok(Ok(()))) => return println!("ok {name}"),
        Ok(Ok(Err(error))) => described(error.as_ref()),
        Ok(Err(panic)) => panic.to_string(),
        Err(_) => format!("not done after {FEATURE_SECONDS_MAX} s"),
    };
    println!("not ok {name}: {}", error.replace('\n', " "));
}

/// An error with its causes, which say more than it does.
fn described(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
