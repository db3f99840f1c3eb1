//! One client's state: settings, transaction, prepared statements, portals, COPY. It holds no socket and
//! names no protocol.

pub mod copy;
