//! Records out of the pieces of a file, as strict as RFC 4180.
//!
//! A quote inside a field that does not begin with one, text after the quote that closes a field, and a quote that is
//! never closed are faults. After a fault it is not certain which quotes open a field and which stand for themselves, so
//! a fault takes all lines with it from the beginning of its record up to the first line end that is outside of quotes
//! in every one of the [`Readings`]. None of these lines becomes a record.

use super::line::{Lines, MAX_ROW_BYTES, split};

/// Most columns of a file. Exports of Shopify, WooCommerce and Magento have up to about eighty.
pub const MAX_COLUMNS: usize = 256;

/// What RFC 4180 does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// On that line, a quote inside a field that does not begin with one.
    QuoteInside(u64),
    /// A quoted field has text after the quote that closes it.
    TextAfterQuote {
        /// The line with the quote that opens the field.
        opened: u64,
        /// The line with the text.
        line: u64,
    },
    /// The quote that is opened on that line is not closed.
    NeverClosed(u64),
}

/// A record, or the lines that a fault has taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// Where it stands.
    pub lines: Lines,
    /// Its length in the file without the line end behind it, in bytes.
    pub bytes: usize,
    /// Number of its fields; [`Records::fields`] has the first [`MAX_COLUMNS`] of them.
    pub fields: usize,
    /// What is wrong with it. Its fields mean nothing then.
    pub fault: Option<Fault>,
}

impl Record {
    /// Whether it is longer than [`MAX_ROW_BYTES`]. Its fields are not kept then.
    pub fn is_too_long(&self) -> bool {
        self.bytes > MAX_ROW_BYTES
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Between two records.
    Between,
    /// At the beginning of a field.
    FieldStart,
    /// In a field without quotes.
    Plain,
    /// Inside of quotes.
    Quoted,
    /// Behind a quote that stood inside of quotes: it closes the field, or is the first half of a quote in it.
    QuoteSeen,
    /// Behind a fault.
    Doubtful(Fault),
}

/// Takes records out of the pieces of a file.
#[derive(Debug)]
pub struct Records {
    separator: u8,
    state: State,
    readings: Readings,
    /// The fields of the record, one behind the other, and where each of the first [`MAX_COLUMNS`] ends.
    text: Vec<u8>,
    ends: Vec<usize>,
    fields: usize,
    /// Length of the record so far.
    bytes: usize,
    /// The line that the next byte is on.
    line: u64,
    /// The line on which the record begins, and the one with the quote that opened its last quoted field.
    first: u64,
    opened: u64,
    /// Whether the field that is under way has nothing but blanks so far.
    is_blank: bool,
    last_byte: Option<u8>,
}

impl Records {
    /// For a file whose fields are set apart by that byte.
    pub fn new(separator: u8) -> Self {
        Self {
            separator,
            state: State::Between,
            readings: Readings::NONE,
            text: Vec::new(),
            ends: Vec::new(),
            fields: 0,
            bytes: 0,
            line: 1,
            first: 1,
            opened: 1,
            is_blank: true,
            last_byte: None,
        }
    }

    /// Sets the fields of all further records apart by another byte.
    pub fn set_separator(&mut self, separator: u8) {
        self.separator = separator;
    }

    /// The next record that ends in `input`, which is taken up to its end; `None` when all of `input` is taken. Empty
    /// lines are passed over.
    pub fn next(&mut self, input: &mut &[u8]) -> Option<Record> {
        if self.state == State::Between {
            self.pass_over_line_ends(input);
        }
        while let Some((byte, rest)) = input.split_first() {
            if self.state == State::Between {
                self.begin();
            }
            let text = input.iter().position(|byte| self.is_special(*byte));
            let record = match text.unwrap_or(input.len()) {
                0 => {
                    *input = rest;
                    self.take_special(*byte)
                }
                length => {
                    let (text, rest) = split(input, length);
                    *input = rest;
                    self.take_text(text);
                    None
                }
            };
            if record.is_some() {
                return record;
            }
        }
        None
    }

    /// Takes the line ends that stand between two records.
    pub fn pass_over_line_ends(&mut self, input: &mut &[u8]) {
        while let Some((byte, rest)) = input.split_first() {
            if !is_line_end(*byte) {
                return;
            }
            self.count(*byte);
            *input = rest;
        }
    }

    /// The file is over: its last record, if that has no line end.
    pub fn finish(&mut self) -> Option<Record> {
        match self.state {
            State::Between => None,
            State::FieldStart | State::Plain | State::QuoteSeen => {
                self.end_field();
                Some(self.end(self.line, None))
            }
            State::Quoted => {
                let fault = Fault::NeverClosed(self.opened);
                Some(self.end(self.last_line(), Some(fault)))
            }
            State::Doubtful(fault) => Some(self.end(self.last_line(), Some(fault))),
        }
    }

    /// The first [`MAX_COLUMNS`] fields of the record that [`Records::next`] or [`Records::finish`] has given last; of
    /// one that is too long or at fault they mean nothing.
    pub fn fields(&self) -> impl Iterator<Item = &[u8]> {
        let begins = std::iter::once(&0).chain(&self.ends);
        let field = |(begin, end): (&usize, &usize)| self.text.get(*begin..*end);
        let fields = begins.zip(&self.ends).map(field);
        fields.map(Option::unwrap_or_default)
    }

    fn is_special(&self, byte: u8) -> bool {
        byte == b'"' || byte == self.separator || is_line_end(byte)
    }

    fn begin(&mut self) {
        self.state = State::FieldStart;
        self.readings = Readings::NONE;
        self.text.clear();
        self.ends.clear();
        (self.fields, self.bytes) = (0, 0);
        self.first = self.line;
        self.is_blank = true;
    }

    /// Takes bytes of which none is special.
    fn take_text(&mut self, text: &[u8]) {
        self.last_byte = text.last().copied();
        self.bytes = self.bytes.saturating_add(text.len());
        self.readings.take_text(text);
        self.is_blank &= text.iter().all(|byte| is_blank(*byte));
        match self.state {
            State::Between | State::Doubtful(_) => {}
            State::FieldStart | State::Plain => {
                self.state = State::Plain;
                self.keep(text);
            }
            State::Quoted => self.keep(text),
            State::QuoteSeen => self.doubt(Fault::TextAfterQuote {
                opened: self.opened,
                line: self.line,
            }),
        }
    }

    /// Takes a quote, a separator or a line end; the record, when it ends with it.
    fn take_special(&mut self, byte: u8) -> Option<Record> {
        let record = if is_line_end(byte) {
            self.take_line_end(byte)
        } else {
            self.bytes = self.bytes.saturating_add(1);
            if byte == b'"' {
                self.take_quote();
            } else {
                self.take_separator(byte);
            }
            None
        };
        self.count(byte);
        record
    }

    fn take_quote(&mut self) {
        if self.readings == Readings::NONE {
            self.readings = Readings::before_quote(self.is_blank);
        }
        self.readings.take_quote();
        match self.state {
            State::Between | State::Doubtful(_) => {}
            State::FieldStart => {
                self.opened = self.line;
                self.state = State::Quoted;
            }
            State::Plain => self.doubt(Fault::QuoteInside(self.line)),
            State::Quoted => self.state = State::QuoteSeen,
            State::QuoteSeen => {
                self.keep(b"\"");
                self.state = State::Quoted;
            }
        }
    }

    fn take_separator(&mut self, byte: u8) {
        self.readings.take_separator();
        match self.state {
            State::Between | State::Doubtful(_) => {}
            State::FieldStart | State::Plain | State::QuoteSeen => {
                self.end_field();
                self.state = State::FieldStart;
            }
            State::Quoted => self.keep(&[byte]),
        }
    }

    fn take_line_end(&mut self, byte: u8) -> Option<Record> {
        self.readings.take_line_end();
        match self.state {
            State::FieldStart | State::Plain | State::QuoteSeen => {
                self.end_field();
                return Some(self.end(self.line, None));
            }
            State::Doubtful(fault) if self.readings.agree_on_outside() => {
                return Some(self.end(self.line, Some(fault)));
            }
            State::Between | State::Doubtful(_) => {}
            State::Quoted => self.keep(&[byte]),
        }
        self.bytes = self.bytes.saturating_add(1);
        None
    }

    /// Keeps text of the field that is under way, unless the record is too long or has too many fields.
    fn keep(&mut self, text: &[u8]) {
        if self.bytes > MAX_ROW_BYTES {
            self.text.clear();
        } else if self.fields < MAX_COLUMNS {
            self.text.extend_from_slice(text);
        }
    }

    fn end_field(&mut self) {
        if self.fields < MAX_COLUMNS {
            self.ends.push(self.text.len());
        }
        self.fields = self.fields.saturating_add(1);
        self.is_blank = true;
    }

    fn doubt(&mut self, fault: Fault) {
        self.state = State::Doubtful(fault);
    }

    fn end(&mut self, last: u64, fault: Option<Fault>) -> Record {
        self.state = State::Between;
        Record {
            lines: Lines {
                first: self.first,
                last,
            },
            bytes: self.bytes,
            fields: self.fields,
            fault,
        }
    }

    /// The last line of the file: behind the last line end there is none.
    fn last_line(&self) -> u64 {
        let is_behind = self.last_byte.is_some_and(is_line_end);
        self.line.saturating_sub(u64::from(is_behind))
    }

    /// Counts lines as an editor does: they end with a line feed, a carriage return, or both.
    fn count(&mut self, byte: u8) {
        let is_second = byte == b'\n' && self.last_byte == Some(b'\r');
        self.line = self
            .line
            .saturating_add(u64::from(is_line_end(byte) && !is_second));
        self.last_byte = Some(byte);
    }
}

fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Every place in a record at which the reader may be when some quotes in it are not what RFC 4180 takes them for.
///
/// A quote at the beginning of a field, blanks before it included, opens the field or stands for itself. One inside of
/// quotes closes them, or stands for itself because nobody has doubled it; in front of a separator or a line end, blanks before
/// these included, it closes them. All others stand for themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Readings(u8);

impl Readings {
    const FIELD_START: u8 = 1;
    const PLAIN: u8 = 2;
    const QUOTED: u8 = 4;
    const QUOTE_SEEN: u8 = 8;
    /// Behind blanks that follow such a quote.
    const BLANK_SEEN: u8 = 16;

    /// Without a quote there is one reading, which needs no watching.
    const NONE: Self = Self(0);

    /// In front of the first quote of a record.
    fn before_quote(is_field_start: bool) -> Self {
        Self(if is_field_start {
            Self::FIELD_START
        } else {
            Self::PLAIN
        })
    }

    /// Whether a record ends with a line that ends here, whatever the quotes in it are.
    fn agree_on_outside(self) -> bool {
        self.0 == Self::FIELD_START
    }

    fn take_quote(&mut self) {
        self.step(|place| match place {
            Self::FIELD_START => Self::QUOTED | Self::PLAIN,
            Self::QUOTED => Self::QUOTE_SEEN,
            Self::QUOTE_SEEN => Self::QUOTED,
            Self::BLANK_SEEN => Self::QUOTE_SEEN | Self::PLAIN,
            other => other,
        });
    }

    fn take_separator(&mut self) {
        self.step(|place| match place {
            Self::QUOTED => Self::QUOTED,
            _ => Self::FIELD_START,
        });
    }

    fn take_line_end(&mut self) {
        self.take_separator();
    }

    fn take_text(&mut self, text: &[u8]) {
        for byte in text {
            // Text changes nothing once every reading is inside of a field.
            if self.0 & !(Self::PLAIN | Self::QUOTED) == 0 {
                return;
            }
            let is_blank = is_blank(*byte);
            self.step(|place| match place {
                Self::FIELD_START if !is_blank => Self::PLAIN,
                Self::QUOTE_SEEN if is_blank => Self::BLANK_SEEN,
                Self::QUOTE_SEEN | Self::BLANK_SEEN if !is_blank => Self::QUOTED | Self::PLAIN,
                other => other,
            });
        }
    }

    fn step(&mut self, next: impl Fn(u8) -> u8) {
        let places = [
            Self::FIELD_START,
            Self::PLAIN,
            Self::QUOTED,
            Self::QUOTE_SEEN,
            Self::BLANK_SEEN,
        ];
        let are_reached = |place: &u8| self.0 & place != 0;
        let reached = places.into_iter().filter(are_reached);
        self.0 = reached.map(next).fold(0, |all, place| all | place);
    }
}
