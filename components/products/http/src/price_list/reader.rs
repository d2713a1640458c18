//! Rows out of bytes, whatever pieces these come in.

use mercato_edge::Problem;

use super::csv::CsvReader;
use super::line::Line;
use super::ndjson::NdjsonReader;
use super::options::Options;

/// What a file of Unicode text may begin with.
const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

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

    /// The names of columns and members that were passed over so far.
    pub fn ignored(&self) -> &[String] {
        match &self.format {
            Format::Ndjson(reader) => reader.ignored(),
            Format::Csv(reader) => reader.ignored(),
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
