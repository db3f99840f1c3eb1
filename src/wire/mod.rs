//! The PostgreSQL protocol: listener, startup, the connection loop, encoders, decoders. It never plans and
//! never decides.

pub mod decode;
pub mod encode;
