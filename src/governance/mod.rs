//! The door: what a principal may do. It is the only maker of `Authorized`, and runs nothing itself.

pub mod access;
mod authorize;
mod requirement;

pub use access::Access;
pub use authorize::{Authorized, authorize};
