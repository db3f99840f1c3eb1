//! Health and metrics over HTTP, on a port of their own. It serves no data and asks for no login.

pub mod operations;
