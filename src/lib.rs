//! Lakegate: a PostgreSQL endpoint over Delta tables. The rooms stand in the order of the road that a
//! statement takes; ARCHITECTURE.md tells it whole.

mod base;
mod sql;
mod storage;
mod catalog;
mod auth;
mod bind;
mod delta;
mod governance;
mod engine;
mod session;
mod wire;
mod http;
mod server;
pub mod cli;
