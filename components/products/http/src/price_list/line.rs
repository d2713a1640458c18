//! A row of a file, whatever its format.

use mercato_edge::{FieldError, Fields};
use products::application::commands::import_products::ImportRow;

use crate::body::{ImportRowBody, StockCount};

/// Longest row, in bytes. The longest texts that a product may have fit in, every character escaped.
pub const MAX_ROW_BYTES: usize = 64 * 1024;

/// Most fields at fault that are listed of one row.
const MAX_ROW_ERRORS: usize = 10;

/// The lines of a file that a record takes, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lines {
    /// The line on which it begins.
    pub first: u64,
    /// The line on which it ends.
    pub last: u64,
}

impl Lines {
    /// One line.
    pub fn one(line: u64) -> Self {
        Self {
            first: line,
            last: line,
        }
    }
}

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

    /// Fields break rules; the first [`MAX_ROW_ERRORS`] of them are listed.
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

/// What a row says of its product, where `count` is what its stock counts, unless something in it is wrong.
pub fn row_of(row: ImportRowBody, fields: Fields, count: StockCount) -> Result<ImportRow, Refusal> {
    let is_named = row.is_named();
    let mut errors = fields.into_errors();
    if !is_named
        && errors
            .iter()
            .all(|error| error.field != "sku" && error.field != "slug")
    {
        let message = "sku is required, unless there is a slug";
        errors.insert(0, FieldError::new("sku", "required", message));
    }
    if errors.is_empty() {
        Ok(row.row(count))
    } else {
        Err(Refusal::invalid(errors))
    }
}

/// The bytes before a position, and those from it on; all and none when there are not so many.
pub fn split(bytes: &[u8], position: usize) -> (&[u8], &[u8]) {
    bytes.split_at_checked(position).unwrap_or((bytes, &[]))
}
