//! The door: what a principal may do. It is the only maker of `Authorized`, and runs nothing itself.

pub mod access;

pub use access::Access;
