//! Price lists as files: rows out of bytes, whatever pieces these come in.
//!
//! Nothing here holds more than one row and the batch that is under way, so a file of any length takes the same memory.

mod csv;
mod line;
mod ndjson;
mod options;
mod reader;
mod records;
mod report;
mod shopify;
#[cfg(test)]
mod tests;
mod upload;
mod writer;

pub use line::Line;
#[cfg(not(target_family = "wasm"))]
pub use line::Lines;
#[cfg(not(target_family = "wasm"))]
pub use options::no_header;
pub use options::{ImportQuery, Options};
pub use report::{ImportProgress, ImportReport};
#[cfg(not(target_family = "wasm"))]
pub use upload::one_part;
pub use upload::{MEDIA_TYPES, Upload};
pub use writer::ExportFormat;
#[cfg(not(target_family = "wasm"))]
pub use writer::ExportRow;

/// Largest file, in bytes.
pub const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// Most rows of a file, the header of a CSV file and empty lines left out.
pub const MAX_FILE_ROWS: u64 = 100_000;

/// Rows are handed over at the latest when they have, together, this many bytes in the file.
pub const MAX_BATCH_BYTES: usize = 1024 * 1024;
