//! Comma-separated values (RFC 4180), the first record naming the columns. Semicolons and tabs separate as well.

use std::fmt;

use mercato_edge::{FieldError, Fields, FromFields as _, Problem};
use products::application::commands::import_products::ImportRow;

use super::line::{Line, Lines, MAX_ROW_BYTES, Refusal, row_of, split};
use super::options::{COLUMNS, ColumnNames, MALFORMED_CSV, Options, header_rule, no_header};
use super::records::{Fault, MAX_COLUMNS, Record, Records};
use super::shopify::{self, ShopifyColumn};
use crate::body::{ImportRowBody, StockCount};

/// What may set fields apart. Of those that are equally frequent in a header, the first one does.
const SEPARATORS: [u8; 3] = *b",;\t";

/// Takes rows out of the pieces of a file.
pub struct CsvReader {
    records: Records,
    names: ColumnNames,
    ignores_unknown: bool,
    stock: StockCount,
    header: Header,
    /// Names of columns that are passed over.
    ignored: Vec<String>,
    /// What each field of a row is, once the header has said so; `None` for those that are passed over.
    columns: Option<Columns>,
}

/// What the fields of the rows are.
#[derive(Debug)]
enum Columns {
    /// What the API names so.
    Ours(Vec<Option<&'static str>>),
    /// Those of Shopify's product CSV.
    Shopify(Vec<Option<ShopifyColumn>>, shopify::Sheet),
}

impl Columns {
    fn len(&self) -> usize {
        match self {
            Self::Ours(columns) => columns.len(),
            Self::Shopify(columns, _) => columns.len(),
        }
    }
}

impl fmt::Debug for CsvReader {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("CsvReader")
            .field("columns", &self.columns)
            .finish_non_exhaustive()
    }
}

impl CsvReader {
    /// A reader at the beginning of a file.
    pub fn new(options: &Options) -> Self {
        let [comma, ..] = SEPARATORS;
        Self {
            records: Records::new(comma),
            names: options.columns.clone(),
            ignores_unknown: options.ignores_unknown,
            stock: options.stock,
            header: Header::default(),
            ignored: Vec::new(),
            columns: None,
        }
    }

    /// The names of the columns that are passed over.
    pub fn ignored(&self) -> &[String] {
        &self.ignored
    }

    /// See [`super::Reader::next`].
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<Line>, Problem> {
        while self.columns.is_none() {
            if self.header.is_empty() {
                self.records.pass_over_line_ends(input);
            }
            if !self.header.take(input)? {
                return Ok(None);
            }
            let record = self.header.read(&mut self.records);
            self.take_header(record)?;
        }
        while let Some(record) = self.records.next(input) {
            if let Some(line) = self.line(&record) {
                return Ok(Some(line));
            }
        }
        Ok(None)
    }

    /// See [`super::Reader::finish`].
    pub fn finish(&mut self) -> Result<Option<Line>, Problem> {
        if self.columns.is_none() {
            let begun = self.header.read(&mut self.records);
            let record = begun.or_else(|| self.records.finish());
            self.take_header(record)?;
            return match self.columns {
                Some(_) => Ok(None),
                None => Err(no_header("the file is empty")),
            };
        }
        let record = self.records.finish();
        Ok(record.and_then(|record| self.line(&record)))
    }

    /// Takes the columns from the header, unless it is an empty row.
    fn take_header(&mut self, record: Option<Record>) -> Result<(), Problem> {
        let Some(record) = record else {
            return Ok(());
        };
        if let Some(refusal) = refusal(&record) {
            return Err(no_header(&refusal.message));
        }
        if !self.records.fields().all(is_blank) {
            self.columns = Some(self.columns(&record)?);
        }
        Ok(())
    }

    fn columns(&mut self, record: &Record) -> Result<Columns, Problem> {
        if record.fields > MAX_COLUMNS {
            let why = format!(
                "the header has {} columns, and a file must not have more than {MAX_COLUMNS}",
                record.fields
            );
            return Err(no_header(&why));
        }
        let names = self
            .records
            .fields()
            .map(|name| text(name).map(str::to_owned));
        let names: Vec<String> = names
            .collect::<Result<_, Refusal>>()
            .map_err(|refusal| no_header(&refusal.message))?;
        let theirs: Vec<_> = names
            .iter()
            .map(|name| ShopifyColumn::named(name))
            .collect();
        let columns = if self.names.is_empty() && shopify::is_header(&theirs) {
            check_shopify(&theirs)?;
            Columns::Shopify(theirs, shopify::Sheet::default())
        } else {
            Columns::Ours(self.our_columns(&names)?)
        };
        let is_ignored = |place: usize| match &columns {
            Columns::Ours(columns) => columns.get(place).is_none_or(Option::is_none),
            Columns::Shopify(columns, _) => columns.get(place).is_none_or(Option::is_none),
        };
        let names = names.into_iter().enumerate();
        self.ignored = names
            .filter(|(place, _)| is_ignored(*place))
            .map(|(_, name)| name)
            .collect();
        Ok(columns)
    }

    /// The columns of a file that has those of the API, perhaps under names that the query gives.
    fn our_columns(&self, names: &[String]) -> Result<Vec<Option<&'static str>>, Problem> {
        let mut errors = Vec::new();
        let mut columns: Vec<Option<&str>> = Vec::new();
        for (index, name) in names.iter().enumerate() {
            let column = self.names.column(name);
            if let Some(known) = column
                && columns.contains(&column)
            {
                errors.push(error(known, "repeated", "is there more than once"));
            }
            if column.is_none() && !self.ignores_unknown {
                errors.push(unknown(index, name));
            }
            columns.push(column);
        }
        for column in COLUMNS.iter().copied() {
            if columns.contains(&Some(column)) {
                continue;
            }
            if let Some(name) = self.names.given(column) {
                let rest = format!("is to be the column \"{name}\", which is not there");
                errors.push(error(column, "required", &rest));
            } else if column == "sku" && !columns.contains(&Some("slug")) {
                errors.push(error(column, "required", "must be one of the columns"));
            }
        }
        if errors.is_empty() {
            Ok(columns)
        } else {
            Err(Problem::validation(errors).with_hint(&header_rule()))
        }
    }

    /// What a record says; `None` when it is an empty row.
    fn line(&mut self, record: &Record) -> Option<Line> {
        let row = match refusal(record) {
            Some(refusal) => {
                self.forget_product();
                Err(refusal)
            }
            None => self.row(record).transpose()?,
        };
        Some(Line {
            lines: record.lines,
            bytes: record.bytes,
            row,
        })
    }

    /// The row that a record is; `None` when nothing of what is read stands in it.
    fn row(&mut self, record: &Record) -> Result<Option<ImportRow>, Refusal> {
        let expected = self.columns.as_ref().map_or(0, Columns::len);
        if record.fields <= MAX_COLUMNS && self.records.fields().all(is_blank) {
            return Ok(None);
        }
        if record.fields != expected {
            self.forget_product();
            let message = format!(
                "the row has {} fields and the header {expected}",
                record.fields
            );
            return Err(Refusal::malformed(MALFORMED_CSV, message));
        }
        let cells = match &mut self.columns {
            None => return Ok(None),
            Some(Columns::Ours(columns)) => {
                let cells = cells(&self.records, columns)?;
                let owned = |(column, text): (&'static str, &str)| (column, text.to_owned());
                cells.into_iter().map(owned).collect()
            }
            Some(Columns::Shopify(columns, sheet)) => match cells(&self.records, columns) {
                Ok(cells) => sheet.row(&cells)?.unwrap_or_default(),
                Err(refusal) => {
                    sheet.forget();
                    return Err(refusal);
                }
            },
        };
        if cells.is_empty() {
            return Ok(None);
        }
        let cells = cells.iter().map(|(column, text)| (*column, &**text));
        // What an empty cell is about stays as it is.
        let mut fields = Fields::cells(cells.filter(|(_, text)| !text.is_empty()));
        let row = ImportRowBody::from_fields(&mut fields);
        row_of(row, fields, self.stock).map(Some)
    }

    fn forget_product(&mut self) {
        if let Some(Columns::Shopify(_, sheet)) = &mut self.columns {
            sheet.forget();
        }
    }
}

/// What stands in the columns that are read, where it is not blank.
fn cells<'a, C: Copy>(
    records: &'a Records,
    columns: &[Option<C>],
) -> Result<Vec<(C, &'a str)>, Refusal> {
    let known = columns.iter().zip(records.fields());
    let known = known.filter_map(|(column, field)| Some(((*column)?, field)));
    let mut cells = Vec::new();
    for (column, field) in known.filter(|(_, field)| !is_blank(field)) {
        cells.push((column, text(field)?));
    }
    Ok(cells)
}

/// A column that is there twice could mean either.
fn check_shopify(columns: &[Option<ShopifyColumn>]) -> Result<(), Problem> {
    let mut errors = Vec::new();
    for (place, column) in columns.iter().enumerate() {
        let before = columns.iter().take(place);
        if let Some(known) = column
            && before.into_iter().any(|other| other == column)
        {
            errors.push(error(known.name(), "repeated", "is there more than once"));
        }
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Problem::validation(errors))
    }
}

/// The header as it came: only when it is complete, it is clear what separates its fields.
#[derive(Default)]
struct Header {
    text: Vec<u8>,
    is_quoted: bool,
    /// How often each of [`SEPARATORS`] stands in it outside of quotes.
    counts: [usize; SEPARATORS.len()],
}

impl Header {
    fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Takes from the input up to the line end behind the header, and says whether that was there. When the quotes are
    /// as they have to be, a line end is outside of them behind an even number of them.
    fn take(&mut self, input: &mut &[u8]) -> Result<bool, Problem> {
        let end = input.iter().position(|byte| self.ends_with(*byte));
        let length = end.map_or(input.len(), |end| end.saturating_add(1));
        let (text, rest) = split(input, length);
        *input = rest;
        self.text.extend_from_slice(text);
        if self.text.len() > MAX_ROW_BYTES {
            let hint = if self.is_quoted {
                ": is a quote not closed?"
            } else {
                ""
            };
            let why = format!("the header is longer than {MAX_ROW_BYTES} bytes{hint}");
            return Err(no_header(&why));
        }
        Ok(end.is_some())
    }

    fn ends_with(&mut self, byte: u8) -> bool {
        if byte == b'"' {
            self.is_quoted = !self.is_quoted;
        }
        if self.is_quoted {
            return false;
        }
        for (separator, count) in SEPARATORS.iter().zip(&mut self.counts) {
            *count = count.saturating_add(usize::from(byte == *separator));
        }
        matches!(byte, b'\r' | b'\n')
    }

    /// Reads what has come, which is forgotten then, with the separator that is the most frequent in it.
    fn read(&mut self, records: &mut Records) -> Option<Record> {
        let header = std::mem::take(self);
        let counted = SEPARATORS.into_iter().zip(header.counts).rev();
        if let Some((separator, _)) = counted.max_by_key(|(_, count)| *count) {
            records.set_separator(separator);
        }
        records.next(&mut header.text.as_slice())
    }
}

/// A column breaks a rule; `rest` continues the sentence after its name.
fn error(column: &str, code: &'static str, rest: &str) -> FieldError {
    FieldError::new(column, code, format!("{column} {rest}"))
}

/// A column that is not known, by its name or, when it has none, by its number from 1.
fn unknown(index: usize, name: &str) -> FieldError {
    if name.is_empty() {
        let number = index.saturating_add(1);
        return FieldError::new("", "unknown", format!("column {number} has no name"));
    }
    FieldError::new(name, "unknown", format!("{name} is not a known column"))
}

fn is_blank(field: &[u8]) -> bool {
    field.trim_ascii().is_empty()
}

fn text(field: &[u8]) -> Result<&str, Refusal> {
    std::str::from_utf8(field)
        .map(str::trim)
        .map_err(|_| Refusal::malformed(MALFORMED_CSV, "the row is not UTF-8"))
}

/// Why a record is no row.
fn refusal(record: &Record) -> Option<Refusal> {
    let Lines { first, last } = record.lines;
    let fault = record.fault.map(|fault| match fault {
        Fault::QuoteInside(line) => {
            format!("on line {line}, a quote stands inside a field that does not begin with one")
        }
        Fault::TextAfterQuote { opened, line } if opened == line => {
            format!("on line {line}, text follows the quote that closes a field")
        }
        Fault::TextAfterQuote { opened, line } => format!(
            "line {opened} opens a quote, and on line {line} text follows the quote that closes it"
        ),
        Fault::NeverClosed(line) => format!("the quote that line {line} opens is not closed"),
    });
    let taken = (last > first).then(|| format!("lines {first} to {last} are not imported"));
    if record.is_too_long() {
        let too_long = Refusal::too_long();
        let parts = [Some(too_long.message), fault, taken];
        let message = parts.into_iter().flatten().collect::<Vec<_>>().join("; ");
        return Some(Refusal::malformed(too_long.code, message));
    }
    let parts = [Some(fault?), taken];
    let message = parts.into_iter().flatten().collect::<Vec<_>>().join("; ");
    Some(Refusal::malformed(MALFORMED_CSV, message))
}
