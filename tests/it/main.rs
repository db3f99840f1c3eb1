//! The tests that are no data, one file a concern. `tidy` comes first: it is quick and says what is out of
//! place.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails; clippy knows tests, but not the functions that they share"
)]

mod tidy;
