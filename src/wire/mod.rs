//! The PostgreSQL protocol: listener, startup, the connection loop, encoders, decoders. It never plans and
//! never decides.

pub mod listener;
pub mod startup;
pub mod startup_packet;
pub mod startup_options;
pub mod tls;
pub mod login;
pub mod socket;
pub mod message;
pub mod error;
pub mod decode;
pub mod encode;
mod charset;
pub mod connection;
mod copy;
mod describe;
mod extended;
mod guard;
mod rows;
mod strangers;
