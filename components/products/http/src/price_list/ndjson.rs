//! Newline-delimited JSON: one object on each line (<https://github.com/ndjson/ndjson-spec>). Empty lines are passed over.

use mercato_edge::{Fields, FromFields as _};
use products::application::commands::import_products::ImportRow;

use super::line::{Line, Lines, MAX_ROW_BYTES, Refusal, row_of, split};
use super::options::Options;
use super::records::MAX_COLUMNS;
use crate::body::{ImportRowBody, StockCount};

/// Takes objects out of the pieces of a file.
#[derive(Debug)]
pub struct NdjsonReader {
    /// The part of the line that came in earlier pieces; nothing of one that is too long.
    line: Vec<u8>,
    /// Length of that part.
    bytes: usize,
    /// Lines that are complete.
    lines: u64,
    ignores_unknown: bool,
    /// Names of members that were passed over, each once and the first [`MAX_COLUMNS`] of them.
    ignored: Vec<String>,
    stock: StockCount,
}

impl NdjsonReader {
    /// A reader at the beginning of a file.
    pub fn new(options: &Options) -> Self {
        Self {
            line: Vec::new(),
            bytes: 0,
            lines: 0,
            ignores_unknown: options.ignores_unknown,
            ignored: Vec::new(),
            stock: options.stock,
        }
    }

    /// The names of the members that were passed over so far, the first [`MAX_COLUMNS`] of them.
    pub fn ignored(&self) -> &[String] {
        &self.ignored
    }

    /// See [`super::Reader::next`].
    pub fn next(&mut self, input: &mut &[u8]) -> Option<Line> {
        while let Some(end) = input.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = split(input, end);
            self.add(line);
            *input = split(rest, 1).1;
            if let Some(line) = self.take() {
                return Some(line);
            }
        }
        self.add(input);
        *input = &[];
        None
    }

    /// See [`super::Reader::finish`].
    pub fn finish(&mut self) -> Option<Line> {
        self.take()
    }

    fn add(&mut self, piece: &[u8]) {
        self.bytes = self.bytes.saturating_add(piece.len());
        if self.bytes > MAX_ROW_BYTES {
            self.line.clear();
        } else {
            self.line.extend_from_slice(piece);
        }
    }

    /// The line that is complete now, unless it is empty.
    fn take(&mut self) -> Option<Line> {
        self.lines += 1;
        let bytes = std::mem::take(&mut self.bytes);
        let text = self.line.trim_ascii();
        let row = if bytes > MAX_ROW_BYTES {
            Err(Refusal::too_long())
        } else if text.is_empty() {
            self.line.clear();
            return None;
        } else {
            let line = std::mem::take(&mut self.line);
            self.row(line.trim_ascii())
        };
        self.line.clear();
        Some(Line {
            lines: Lines::one(self.lines),
            bytes,
            row,
        })
    }

    fn row(&mut self, text: &[u8]) -> Result<ImportRow, Refusal> {
        let mut fields = Fields::object(text).map_err(|error| {
            let message = if error.is_data() {
                "the line must be a JSON object".to_owned()
            } else {
                format!("the line is not valid JSON at column {}", error.column())
            };
            Refusal::malformed("malformed-json", message)
        })?;
        let row = ImportRowBody::from_fields(&mut fields);
        if self.ignores_unknown {
            for name in fields.ignore_others() {
                if self.ignored.len() < MAX_COLUMNS && !self.ignored.contains(&name) {
                    self.ignored.push(name);
                }
            }
        }
        row_of(row, fields, self.stock)
    }
}
