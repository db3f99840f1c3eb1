//! Values out: how each type looks as PostgreSQL's text and binary form, column by column over Arrow.
//!
//! [`ColumnWriter`] picks the form once for a column; the other files write one value each. `wire` wraps
//! what is written here in messages, and COPY in rows. It never reads a value from bytes (`base::value`
//! does) and never writes a message.

mod ascii;
mod float;
mod numeric;
mod datetime;
mod interval;
mod bytes;
mod column;
mod source;
mod text_column;
mod binary_column;
mod array;
mod record;
mod json;

pub use column::{ColumnWriter, columns_of};
pub use datetime::write_time;
pub use interval::IntervalValue;

/// The form of a value on the wire; the codes are the protocol's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// What PostgreSQL's output functions give.
    Text,
    /// What PostgreSQL's send functions give.
    Binary,
}

impl Format {}
