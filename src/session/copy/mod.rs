//! COPY: bulk rows in and out.

pub mod format;
