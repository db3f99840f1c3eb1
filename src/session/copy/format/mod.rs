//! The file formats of COPY over Arrow batches: text, CSV and binary, in both directions, row by row and in
//! bounded memory. How a value looks is `base`'s business; this is what stands between the values.

mod options;
mod writer;
mod reader;
mod line_end;
mod text_rows;
mod csv_rows;
mod binary_rows;

pub use options::{CopyFormat, CopyOptions, ForceColumns, Header, one_byte};
pub use reader::CopyReader;
pub use writer::CopyWriter;

#[cfg(test)]
mod tests;
