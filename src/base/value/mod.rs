//! Values in: PostgreSQL's text and binary forms read into Arrow, by type and by column.
//!
//! [`parse_text`] and [`parse_binary`] read one parameter; [`ColumnBuilder`] reads a column for COPY; both
//! share the readers in the other files. It writes no value (`base::render` does) and knows no message.

mod syntax;
mod number;
mod network;
mod numeric;
mod bytes;
mod clock;
mod datetime;
mod datetime_tokens;
mod datetime_words;
mod interval;
mod json;
mod array;
mod column;
mod sink;
mod zoned_time;
mod scalar;

pub use bytes::parse_uuid;
pub use clock::parse_offset;
pub use column::ColumnBuilder;
pub use interval::parse_interval;
pub use json::{Json, JsonValue, sorted as sorted_members, write_string as write_json_string};
pub use network::{Network, parse_macaddr};
pub use numeric::too_many_digits;
pub use scalar::{Parameter, arrow_type_of, parse_binary, parse_text};
pub use syntax::{invalid_binary, invalid_text};
pub use zoned_time::ZonedTime;
