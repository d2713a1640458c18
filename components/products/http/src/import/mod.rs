//! Price lists as files: rows out of bytes, whatever pieces these come in.
//!
//! Nothing here holds more than one row and the batch that is under way, so a file of any length takes the same memory.

mod columns;
mod csv;
mod ndjson;
mod options;
mod records;
mod report;
mod upload;

use mercato_edge::{FieldError, Problem};

use crate::bindings::mercato::products::catalogue::ImportRow;

#[cfg(not(target_family = "wasm"))]
pub use csv::no_header;
pub use options::{ImportQuery, Options};
pub use records::Lines;
pub use report::ImportReport;
#[cfg(not(target_family = "wasm"))]
pub use upload::one_part;
pub use upload::{MEDIA_TYPES, Upload};

use csv::CsvReader;
use ndjson::NdjsonReader;

/// Largest file, in bytes.
pub const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// Most rows of a file, the header of a CSV file and empty lines left out.
pub const MAX_FILE_ROWS: u64 = 100_000;

/// Longest row, in bytes. The longest texts that a product may have fit in, every character escaped.
pub const MAX_ROW_BYTES: usize = 64 * 1024;

/// Most fields at fault that are told of one row.
pub const MAX_ROW_ERRORS: usize = 10;

/// Most rows that the catalogue takes at once, as its contract says.
pub const MAX_BATCH_ROWS: usize = 250;

/// Rows are handed over at the latest when they have, together, this many bytes in the file.
pub const MAX_BATCH_BYTES: usize = 1024 * 1024;

/// What a file of Unicode text may begin with.
const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// A row of a file.
#[derive(Debug, Clone)]
pub struct Line {
    /// The lines that it takes.
    pub lines: Lines,
    /// Its length in the file, in bytes.
    pub bytes: usize,
    /// What it says.
    pub row: Result<ImportRow, Refusal>,
}

/// Why a row is not imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Stable code.
    pub code: &'static str,
    /// A sentence for people.
    pub message: String,
    /// The fields at fault, when the row could be read.
    pub errors: Vec<FieldError>,
}

impl Refusal {
    /// The row cannot be read at all.
    pub fn malformed(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            errors: Vec::new(),
        }
    }

    /// The row is longer than [`MAX_ROW_BYTES`].
    pub fn too_long() -> Self {
        Self::malformed(
            "row-too-long",
            format!("the row is longer than {MAX_ROW_BYTES} bytes"),
        )
    }

    /// Fields break rules; the first [`MAX_ROW_ERRORS`] of them are told.
    pub fn invalid(mut errors: Vec<FieldError>) -> Self {
        errors.truncate(MAX_ROW_ERRORS);
        let messages: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
        Self {
            code: "validation",
            message: messages.join("; "),
            errors,
        }
    }
}

/// Takes rows out of the pieces of a file.
#[derive(Debug)]
pub struct Reader {
    format: Format,
    /// The first bytes, until it is clear whether they are a byte order mark; then those that are still to be read.
    head: Vec<u8>,
    has_begun: bool,
}

#[derive(Debug)]
enum Format {
    Ndjson(NdjsonReader),
    Csv(Box<CsvReader>),
}

impl Reader {
    /// For newline-delimited JSON.
    pub fn ndjson(options: &Options) -> Self {
        Self::new(Format::Ndjson(NdjsonReader::new(options)))
    }

    /// For CSV.
    pub fn csv(options: &Options) -> Self {
        Self::new(Format::Csv(Box::new(CsvReader::new(options))))
    }

    fn new(format: Format) -> Self {
        Self {
            format,
            head: Vec::new(),
            has_begun: false,
        }
    }

    /// The next row that ends in `input`, which is taken up to its end; `None` when all of `input` is taken.
    ///
    /// # Errors
    /// When the header of a CSV file cannot be used.
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<Line>, Problem> {
        while !self.has_begun {
            let Some((byte, rest)) = input.split_first() else {
                return Ok(None);
            };
            self.head.push(*byte);
            *input = rest;
            if !BYTE_ORDER_MARK.starts_with(&self.head) {
                self.has_begun = true;
            } else if self.head.len() == BYTE_ORDER_MARK.len() {
                self.head.clear();
                self.has_begun = true;
            }
        }
        match self.next_of_head()? {
            Some(line) => Ok(Some(line)),
            None => self.format.next(input),
        }
    }

    /// The file is over: its last row, if that has no line end.
    ///
    /// # Errors
    /// As [`Reader::next`], and when a CSV file has no header.
    pub fn finish(&mut self) -> Result<Option<Line>, Problem> {
        match self.next_of_head()? {
            Some(line) => Ok(Some(line)),
            None => self.format.finish(),
        }
    }

    fn next_of_head(&mut self) -> Result<Option<Line>, Problem> {
        let head = std::mem::take(&mut self.head);
        let mut rest = head.as_slice();
        let line = self.format.next(&mut rest)?;
        self.head = rest.to_vec();
        Ok(line)
    }
}

impl Format {
    fn next(&mut self, input: &mut &[u8]) -> Result<Option<Line>, Problem> {
        match self {
            Self::Ndjson(reader) => Ok(reader.next(input)),
            Self::Csv(reader) => reader.next(input),
        }
    }

    fn finish(&mut self) -> Result<Option<Line>, Problem> {
        match self {
            Self::Ndjson(reader) => Ok(reader.finish()),
            Self::Csv(reader) => reader.finish(),
        }
    }
}

/// The bytes before a position, and those from it on; all and none when there are not so many.
fn split(bytes: &[u8], position: usize) -> (&[u8], &[u8]) {
    bytes.split_at_checked(position).unwrap_or((bytes, &[]))
}

#[cfg(test)]
mod tests;
