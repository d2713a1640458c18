//! Rows that are copied. What the shop has stored for one order, product or customer is read from its tables as they are,
//! and written again as often as is wanted, with other identifiers, names and times. So no table is described here.
//!
//! A copy differs from its original in what its maker gives (*given*: an order's number, a product's name), in every
//! UUID and every long hexadecimal number that stands anywhere in its values (*found*), and in every time.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use rusqlite::{Connection, params_from_iter, types::Value};

use super::ids;

/// A UUID, in characters.
const UUID_CHARS: usize = 36;

/// Shorter hexadecimal numbers may be words.
const HEXADECIMAL_CHARS_MIN: usize = 32;

/// Times are at most so far from their original's, in milliseconds: before, and after it.
const BEFORE_MAX_MS: i64 = 24 * 60 * 60 * 1_000;
const AFTER_MAX_MS: i64 = 400 * BEFORE_MAX_MS;

/// What is to be copied.
#[derive(Debug, Clone, Copy)]
pub struct Original<'a> {
    /// A row belongs to it that has one of these in a column of its own.
    pub owners: &'a [&'a str],
    /// Tables whose rows are not copied although they have: triggers write them.
    pub apart: &'a [&'a str],
    /// Texts that each copy is given anew.
    pub texts: &'a [String],
    /// Tables and columns with numbers that each copy is given.
    pub numbers: &'a [(&'a str, &'a str)],
    /// When it was made, in milliseconds since the Unix epoch.
    pub made_ms: u64,
}

/// The rows of one original.
#[derive(Debug)]
pub struct Template {
    rows: Vec<Row>,
    found: Vec<Found>,
    made_ms: u64,
}

/// What one copy is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// No other copy of this kind has it.
    pub number: u64,
    /// When it was made, in milliseconds since the Unix epoch.
    pub made_ms: u64,
    /// In the order of the original's.
    pub texts: Vec<String>,
    /// In the order of the original's.
    pub numbers: Vec<i64>,
}

/// One copy.
#[derive(Debug)]
pub struct Copy<'a> {
    template: &'a Template,
    given: Given,
    found: Vec<String>,
    shift_ms: i64,
}

/// Writes copies, table by table: that is faster than one after the other.
///
/// # Errors
/// When the database refuses a row.
pub fn write(connection: &Connection, copies: &[Copy<'_>]) -> Result<()> {
    let rows = copies.iter().flat_map(|copy| &copy.template.rows);
    let tables: BTreeMap<_, _> = rows.map(|row| (row.table, row.insert.as_str())).collect();
    for (table, insert) in tables {
        let mut statement = connection.prepare_cached(insert)?;
        for copy in copies {
            let rows = copy.template.rows.iter();
            for row in rows.filter(|row| row.table == table) {
                let values = row.cells.iter().map(|cell| cell.value(copy));
                let written = statement.execute(params_from_iter(values));
                written.with_context(|| insert.to_owned())?;
            }
        }
    }
    Ok(())
}

#[derive(Debug)]
struct Row {
    /// The place of its table among all of the database.
    table: usize,
    insert: String,
    cells: Vec<Cell>,
}

#[derive(Debug, PartialEq)]
enum Cell {
    Kept(Value),
    /// In milliseconds.
    Time(i64),
    Seconds(i64),
    /// One of the numbers that a copy is given.
    Number(usize),
    Text(Vec<Piece>),
    /// A text that is stored as bytes, such as the answer to a request.
    Bytes(Vec<Piece>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Kept(String),
    Given(usize),
    Found(usize),
}

#[derive(Debug, PartialEq, Eq)]
struct Found {
    text: String,
    /// The same in every database that names it.
    salt: u64,
    is_uuid: bool,
}

impl Found {
    fn new(text: &str, is_uuid: bool) -> Self {
        Self {
            text: text.to_owned(),
            salt: ids::salt(text),
            is_uuid,
        }
    }

    /// What stands in its place in a copy.
    fn copied(&self, number: u64, shift_ms: i64) -> String {
        if !self.is_uuid {
            return ids::hexadecimal(self.text.len(), number, self.salt);
        }
        let ms = ids::milliseconds(&self.text).unwrap_or_default();
        ids::uuid(ms.saturating_add_signed(shift_ms), number, self.salt)
    }
}

impl Template {
    /// Reads what a database has of an original; that may be nothing.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn read(connection: &Connection, original: &Original<'_>) -> Result<Self> {
        let mut template = Self {
            rows: Vec::new(),
            found: Vec::new(),
            made_ms: original.made_ms,
        };
        for (place, table) in tables(connection)?.iter().enumerate() {
            if !original.apart.contains(&&*table.name) {
                template.add(connection, (place, table), original)?;
            }
        }
        Ok(template)
    }

    /// How many rows it has.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Makes a copy that is ready to be written.
    pub fn copy(&self, given: Given) -> Copy<'_> {
        let shift_ms = given.made_ms.cast_signed() - self.made_ms.cast_signed();
        let found = self.found.iter();
        let found = found.map(|found| found.copied(given.number, shift_ms));
        Copy {
            found: found.collect(),
            template: self,
            given,
            shift_ms,
        }
    }

    fn add(
        &mut self,
        connection: &Connection,
        (place, table): (usize, &Table),
        original: &Original<'_>,
    ) -> Result<()> {
        let owners = original.owners;
        let marks: Vec<_> = (1..=owners.len())
            .map(|owner| format!("?{owner}"))
            .collect();
        let is_owned = |column: &String| format!("{column} IN ({})", marks.join(", "));
        let conditions: Vec<_> = table.texts.iter().map(is_owned).collect();
        if conditions.is_empty() {
            return Ok(());
        }
        let columns = table.columns.join(", ");
        let name = &table.name;
        let select = format!(
            "SELECT {columns} FROM {name} WHERE {}",
            conditions.join(" OR ")
        );
        let marks = vec!["?"; table.columns.len()].join(", ");
        let insert = format!("INSERT INTO {name} ({columns}) VALUES ({marks})");
        let mut statement = connection.prepare(&select)?;
        let mut rows = statement.query(params_from_iter(owners))?;
        while let Some(row) = rows.next()? {
            let mut cells = Vec::new();
            for (index, column) in table.columns.iter().enumerate() {
                cells.push(self.cell(row.get(index)?, (name, column), original));
            }
            self.rows.push(Row {
                table: place,
                insert: insert.clone(),
                cells,
            });
        }
        Ok(())
    }

    fn cell(&mut self, value: Value, column: (&str, &str), original: &Original<'_>) -> Cell {
        let number = original.numbers.iter().position(|given| *given == column);
        if let Some(index) = number {
            return Cell::Number(index);
        }
        match value {
            Value::Integer(number) if is_time(number, original.made_ms, 1) => Cell::Time(number),
            Value::Integer(number) if is_time(number, original.made_ms, 1_000) => {
                Cell::Seconds(number)
            }
            Value::Text(text) => Cell::Text(self.pieces(&text, original.texts)),
            Value::Blob(bytes) => match String::from_utf8(bytes) {
                Ok(text) => Cell::Bytes(self.pieces(&text, original.texts)),
                Err(error) => Cell::Kept(Value::Blob(error.into_bytes())),
            },
            value => Cell::Kept(value),
        }
    }

    /// Takes a text apart.
    fn pieces(&mut self, text: &str, given: &[String]) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut kept = String::new();
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            let found = self.piece(rest, &kept, given);
            let (piece, length) = found.map_or((None, next.len_utf8()), |(piece, length)| {
                (Some(piece), length)
            });
            let (taken, after) = rest.split_at(length);
            if let Some(piece) = piece {
                if !kept.is_empty() {
                    pieces.push(Piece::Kept(std::mem::take(&mut kept)));
                }
                pieces.push(piece);
            } else {
                kept += taken;
            }
            rest = after;
        }
        if !kept.is_empty() || pieces.is_empty() {
            pieces.push(Piece::Kept(kept));
        }
        pieces
    }

    /// What a text begins with, if that is replaced, and its length in bytes.
    fn piece(&mut self, rest: &str, before: &str, given: &[String]) -> Option<(Piece, usize)> {
        let begins = |(_, text): &(usize, &String)| rest.starts_with(text.as_str());
        let longest = given.iter().enumerate().filter(begins);
        if let Some((index, text)) = longest.max_by_key(|(_, text)| text.len()) {
            return Some((Piece::Given(index), text.len()));
        }
        if before.ends_with(|letter: char| letter.is_ascii_hexdigit()) {
            return None;
        }
        let is_uuid = rest.get(..UUID_CHARS).is_some_and(is_uuid);
        let digits = || rest.bytes().take_while(|byte| is_digit(*byte)).count();
        let length = if is_uuid { UUID_CHARS } else { digits() };
        if !is_uuid && length < HEXADECIMAL_CHARS_MIN {
            return None;
        }
        let found = Found::new(rest.get(..length)?, is_uuid);
        let known = self.found.iter().position(|other| *other == found);
        let index = known.unwrap_or(self.found.len());
        if known.is_none() {
            self.found.push(found);
        }
        Some((Piece::Found(index), length))
    }
}

impl Cell {
    fn value(&self, copy: &Copy<'_>) -> Value {
        match self {
            Self::Kept(value) => value.clone(),
            Self::Time(ms) => Value::Integer(ms + copy.shift_ms),
            Self::Seconds(seconds) => Value::Integer(seconds + copy.shift_ms / 1_000),
            Self::Number(index) => {
                let number = copy.given.numbers.get(*index);
                Value::Integer(number.copied().unwrap_or_default())
            }
            Self::Text(pieces) => Value::Text(joined(pieces, copy)),
            Self::Bytes(pieces) => Value::Blob(joined(pieces, copy).into_bytes()),
        }
    }
}

fn joined(pieces: &[Piece], copy: &Copy<'_>) -> String {
    let texts = pieces.iter().map(|piece| match piece {
        Piece::Kept(text) => text.as_str(),
        Piece::Given(index) => copy.given.texts.get(*index).map_or("", String::as_str),
        Piece::Found(index) => copy.found.get(*index).map_or("", String::as_str),
    });
    texts.collect()
}

fn is_time(number: i64, made_ms: u64, unit_ms: i64) -> bool {
    let Some(ms) = number.checked_mul(unit_ms) else {
        return false;
    };
    let apart = ms - made_ms.cast_signed();
    (-BEFORE_MAX_MS..=AFTER_MAX_MS).contains(&apart)
}

fn is_digit(byte: u8) -> bool {
    byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)
}

fn is_uuid(text: &str) -> bool {
    let fits = |(index, byte): (usize, u8)| match index {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => is_digit(byte),
    };
    text.bytes().enumerate().all(fits)
}

#[derive(Debug)]
struct Table {
    name: String,
    /// All but a number that SQLite gives each row.
    columns: Vec<String>,
    /// Those of texts.
    texts: Vec<String>,
}

/// The tables of a database, in the order in which they were made: a table after those that it refers to.
fn tables(connection: &Connection) -> Result<Vec<Table>> {
    // The tables in which FTS5 keeps its words are none of these.
    const TABLES: &str = "
SELECT list.name, list.wr
FROM pragma_table_list AS list
JOIN sqlite_schema AS made ON made.name = list.name AND made.type = 'table'
WHERE list.schema = 'main' AND list.type = 'table' AND list.name NOT LIKE 'sqlite%'
ORDER BY made.rowid";
    let mut statement = connection.prepare(TABLES)?;
    let names = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let names: Vec<(String, bool)> = names.collect::<rusqlite::Result<_>>()?;
    let tables = names.into_iter();
    tables
        .map(|(name, is_without_rowid)| table(connection, name, is_without_rowid))
        .collect()
}

fn table(connection: &Connection, name: String, is_without_rowid: bool) -> Result<Table> {
    let mut statement = connection.prepare("SELECT name, type, pk FROM pragma_table_info(?)")?;
    let rows = statement.query_map([&name], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let all: Vec<(String, String, u32)> = rows.collect::<rusqlite::Result<_>>()?;
    let keys = all.iter().filter(|(_, _, key)| *key > 0).count();
    let is_rowid =
        |kind: &str, key: u32| !is_without_rowid && keys == 1 && key == 1 && kind == "INTEGER";
    let mut table = Table {
        name,
        columns: Vec::new(),
        texts: Vec::new(),
    };
    for (column, kind, key) in all {
        if is_rowid(&kind, key) {
            continue;
        }
        if kind == "TEXT" {
            table.texts.push(column.clone());
        }
        table.columns.push(column);
    }
    Ok(table)
}
