//! Comma-separated values (RFC 4180), the first record naming the columns.

use std::fmt;

use csv_core::ReadRecordResult;
use mercato_edge::{FieldError, FromJson, Problem};
use mercato_money::Money;

use super::{Line, MAX_ROW_BYTES, Refusal, split};
use crate::bindings::mercato::products::catalogue::ImportRow;

/// Most fields of a record that are looked at; more than there are columns, to tell how many there are.
const MAX_FIELDS: usize = 32;

/// A column that a file may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Sku,
    Name,
    Description,
    Price,
    Stock,
}

impl Column {
    const ALL: [Self; 5] = [
        Self::Sku,
        Self::Name,
        Self::Description,
        Self::Price,
        Self::Stock,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Sku => "sku",
            Self::Name => "name",
            Self::Description => "description",
            Self::Price => "price",
            Self::Stock => "stock",
        }
    }
}

/// Takes records out of the pieces of a file.
pub struct CsvReader {
    parser: csv_core::Reader,
    /// The fields of the record, one behind the other.
    text: Vec<u8>,
    text_len: usize,
    /// Where each of them ends.
    ends: Vec<usize>,
    fields: usize,
    /// Length of the record so far, in the file.
    bytes: usize,
    /// Line on which the parser is, and the one on which the record has begun, from 1.
    line: u64,
    begin: u64,
    is_inside: bool,
    has_overflowed: bool,
    columns: Option<Vec<Column>>,
}

impl Default for CsvReader {
    fn default() -> Self {
        let mut parser = csv_core::Reader::new();
        // The parser looks for a byte order mark only at its very beginning; that is over before the file begins.
        parser.read_record(b"\n", &mut [], &mut []);
        Self {
            parser,
            text: vec![0; MAX_ROW_BYTES],
            text_len: 0,
            ends: vec![0; MAX_FIELDS],
            fields: 0,
            bytes: 0,
            line: 1,
            begin: 1,
            is_inside: false,
            has_overflowed: false,
            columns: None,
        }
    }
}

impl fmt::Debug for CsvReader {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("CsvReader")
            .field("line", &self.line)
            .field("columns", &self.columns)
            .finish_non_exhaustive()
    }
}

impl CsvReader {
    /// See [`super::Reader::next`].
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<Line>, Problem> {
        loop {
            if !self.is_inside {
                self.pass_over_line_ends(input);
            }
            // To the parser, no input means that the file is over.
            if input.is_empty() {
                return Ok(None);
            }
            if !self.is_inside {
                self.begin_record();
            }
            if self.parse(input)
                && let Some(line) = self.take()?
            {
                return Ok(Some(line));
            }
        }
    }

    /// See [`super::Reader::finish`].
    pub fn finish(&mut self) -> Result<Option<Line>, Problem> {
        if !self.is_inside {
            return match self.columns {
                Some(_) => Ok(None),
                None => Err(no_header("the file is empty")),
            };
        }
        // A line end ends the last record, unless it is inside of quotes.
        if self.parse(&mut &b"\n"[..]) {
            return self.take();
        }
        self.is_inside = false;
        let refusal = if self.has_overflowed {
            Refusal::too_long()
        } else {
            Refusal::malformed("malformed-csv", "a quote that is opened here is not closed")
        };
        match self.columns {
            Some(_) => Ok(Some(self.line(Err(refusal)))),
            None => Err(no_header(&refusal.message)),
        }
    }

    /// Line ends between records; the one of the record before is among them where it is of two bytes.
    fn pass_over_line_ends(&mut self, input: &mut &[u8]) {
        while let Some((byte @ (b'\r' | b'\n'), rest)) = input.split_first() {
            self.line += u64::from(*byte == b'\n');
            *input = rest;
        }
    }

    fn begin_record(&mut self) {
        self.is_inside = true;
        self.has_overflowed = false;
        self.begin = self.line;
        (self.text_len, self.fields, self.bytes) = (0, 0, 0);
    }

    /// Takes from the input up to the end of the record; says whether it is there.
    fn parse(&mut self, input: &mut &[u8]) -> bool {
        let text = self.text.get_mut(self.text_len..).unwrap_or_default();
        let ends = self.ends.get_mut(self.fields..).unwrap_or_default();
        let (result, taken, written, ended) = self.parser.read_record(input, text, ends);
        let (record, rest) = split(input, taken);
        self.line += record
            .iter()
            .map(|byte| u64::from(*byte == b'\n'))
            .sum::<u64>();
        self.bytes = self.bytes.saturating_add(taken);
        *input = rest;
        self.text_len += written;
        self.fields += ended;
        match result {
            ReadRecordResult::Record => return true,
            // What is too long is read to its end and forgotten.
            ReadRecordResult::OutputFull => (self.has_overflowed, self.text_len) = (true, 0),
            ReadRecordResult::OutputEndsFull => (self.has_overflowed, self.fields) = (true, 0),
            ReadRecordResult::InputEmpty | ReadRecordResult::End => {}
        }
        false
    }

    /// The record that is complete now; `None` for the header.
    fn take(&mut self) -> Result<Option<Line>, Problem> {
        self.is_inside = false;
        let Some(columns) = &self.columns else {
            self.columns = Some(self.header()?);
            return Ok(None);
        };
        let row = self.row(columns);
        Ok(Some(self.line(row)))
    }

    fn line(&self, row: Result<ImportRow, Refusal>) -> Line {
        Line {
            number: self.begin,
            bytes: self.bytes,
            row,
        }
    }

    /// The fields of the record as text.
    fn fields(&self) -> Result<Vec<&str>, Refusal> {
        if self.has_overflowed || self.bytes > MAX_ROW_BYTES {
            return Err(Refusal::too_long());
        }
        let ends = self.ends.get(..self.fields).unwrap_or_default();
        let begins = std::iter::once(&0).chain(ends);
        let field = |(begin, end): (&usize, &usize)| {
            let bytes = self.text.get(*begin..*end).unwrap_or_default();
            std::str::from_utf8(bytes)
                .map_err(|_| Refusal::malformed("malformed-csv", "the row is not UTF-8"))
        };
        begins.zip(ends).map(field).collect()
    }

    fn header(&self) -> Result<Vec<Column>, Problem> {
        let names = self
            .fields()
            .map_err(|refusal| no_header(&refusal.message))?;
        let mut errors = Vec::new();
        let mut columns: Vec<Column> = Vec::new();
        for name in names {
            let name = name.trim();
            let known = Column::ALL
                .into_iter()
                .find(|column| column.name().eq_ignore_ascii_case(name));
            match known {
                Some(column) if columns.contains(&column) => {
                    errors.push(error(column.name(), "repeated", "is there more than once"));
                }
                Some(column) => columns.push(column),
                None => errors.push(error(name, "unknown", "is not a known column")),
            }
        }
        if !columns.contains(&Column::Sku) {
            errors.push(error("sku", "required", "must be one of the columns"));
        }
        if errors.is_empty() {
            Ok(columns)
        } else {
            Err(Problem::validation(errors).with_hint(HEADER_RULE))
        }
    }

    fn row(&self, columns: &[Column]) -> Result<ImportRow, Refusal> {
        let cells = self.fields()?;
        if cells.len() != columns.len() {
            let message = format!(
                "the row has {} fields and the header {}",
                cells.len(),
                columns.len()
            );
            return Err(Refusal::malformed("malformed-csv", message));
        }
        let mut cells = Cells {
            cells: columns.iter().copied().zip(cells).collect(),
            errors: Vec::new(),
        };
        let row = ImportRow {
            sku: cells.text(Column::Sku).unwrap_or_default(),
            name: cells.text(Column::Name),
            description: cells.text(Column::Description),
            price: cells.json(Column::Price).map(Money::units),
            stock: cells.stock(),
        };
        if row.sku.is_empty() {
            cells.reject(Column::Sku, "required", "is required");
        }
        if cells.errors.is_empty() {
            Ok(row)
        } else {
            Err(Refusal::invalid(cells.errors))
        }
    }
}

/// The cells of a row. An empty one says nothing: what it is about stays as it is.
struct Cells<'a> {
    cells: Vec<(Column, &'a str)>,
    errors: Vec<FieldError>,
}

impl Cells<'_> {
    fn get(&self, wanted: Column) -> Option<&str> {
        let cell = self.cells.iter().find(|(column, _)| *column == wanted);
        cell.map(|(_, text)| text.trim())
            .filter(|text| !text.is_empty())
    }

    fn text(&self, column: Column) -> Option<String> {
        self.get(column).map(str::to_owned)
    }

    /// A number, read as it would be in JSON.
    fn json<T: FromJson>(&mut self, column: Column) -> Option<T> {
        let read = self.get(column).map(T::from_json)?;
        read.map_err(|(code, rest)| self.reject(column, code, &rest))
            .ok()
    }

    fn stock(&mut self) -> Option<u64> {
        let units: i64 = self.json(Column::Stock)?;
        let stock = u64::try_from(units);
        stock
            .map_err(|_| self.reject(Column::Stock, "min", "must not be less than 0"))
            .ok()
    }

    fn reject(&mut self, column: Column, code: &str, rest: &str) {
        self.errors.push(error(column.name(), code, rest));
    }
}

const HEADER_RULE: &str =
    "the first row must name the columns: sku, and any of name, description, price, stock";

fn no_header(why: &str) -> Problem {
    Problem::bad_request("malformed-csv", why).with_hint(HEADER_RULE)
}

fn error(field: &str, code: &str, rest: &str) -> FieldError {
    FieldError::new(field, code, format!("{field} {rest}"))
}
