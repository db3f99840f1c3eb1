//! Authorized statements to streams of rows: planning, execution, memory. It owns no names and no sockets.

pub mod facts;
pub mod function;
pub mod system;
