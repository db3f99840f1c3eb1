//! COPY: bulk rows in and out of tables. It holds no socket and opens no table.

pub mod format;
mod options;

pub use options::options_of;
