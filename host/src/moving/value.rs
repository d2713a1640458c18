//! Values of rows: as a line of a file, and as PostgreSQL's COPY reads them.

use std::fmt::Write as _;
use std::io::Write as _;

use serde::{Deserialize, Serialize};

/// What a column holds.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    /// Whole numbers of 64 bits: INTEGER in SQLite, BIGINT in PostgreSQL. What is true or false is 1 or 0.
    Integer,
    /// Unicode: TEXT in both.
    Text,
    /// BLOB in SQLite, BYTEA in PostgreSQL; in lines as hexadecimal digits.
    Bytes,
}

impl Kind {
    /// The kind of a type of SQLite's strict tables, if it is one that can be moved.
    pub(super) fn of_sqlite(name: &str) -> Option<Self> {
        match name {
            "INTEGER" | "INT" => Some(Self::Integer),
            "TEXT" => Some(Self::Text),
            "BLOB" => Some(Self::Bytes),
            _ => None,
        }
    }

    /// The kind of a type of PostgreSQL, if it is one that can be moved.
    pub(super) fn of_postgres(name: &str) -> Option<Self> {
        match name {
            "bigint" => Some(Self::Integer),
            "text" => Some(Self::Text),
            "bytea" => Some(Self::Bytes),
            _ => None,
        }
    }
}

/// A value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Value {
    Null,
    Integer(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// Appends a row as one line of JSON, its end included.
///
/// # Errors
/// When a text cannot be written, which does not happen.
pub(super) fn write_line(row: &[Value], line: &mut Vec<u8>) -> std::io::Result<()> {
    for (index, value) in row.iter().enumerate() {
        line.push(if index == 0 { b'[' } else { b',' });
        match value {
            Value::Null => line.extend_from_slice(b"null"),
            Value::Integer(number) => write!(line, "{number}")?,
            Value::Text(text) => serde_json::to_writer(&mut *line, text)?,
            Value::Bytes(bytes) => write!(line, "\"{}\"", hexadecimal(bytes))?,
        }
    }
    line.extend_from_slice(b"]\n");
    Ok(())
}

/// Reads a row from a line; says what is wrong with it, without its values.
///
/// # Errors
/// When it is no row of these columns, or PostgreSQL could not keep it.
pub(super) fn read_line(line: &[u8], kinds: &[Kind]) -> Result<Vec<Value>, String> {
    let values: Vec<serde_json::Value> =
        serde_json::from_slice(line).map_err(|_| "is no row".to_owned())?;
    if values.len() != kinds.len() {
        return Err(format!(
            "has {} values for {} columns",
            values.len(),
            kinds.len()
        ));
    }
    let columns = values.into_iter().zip(kinds).enumerate();
    let value = |(index, (value, kind)): (usize, (serde_json::Value, &Kind))| {
        let place = index + 1;
        read_value(value, *kind).map_err(|why| format!("has {why} in column {place}"))
    };
    columns.map(value).collect()
}

fn read_value(value: serde_json::Value, kind: Kind) -> Result<Value, &'static str> {
    match (value, kind) {
        (serde_json::Value::Null, _) => Ok(Value::Null),
        (serde_json::Value::Number(number), Kind::Integer) => {
            let number = number.as_i64().ok_or("a number that is too large")?;
            Ok(Value::Integer(number))
        }
        (serde_json::Value::String(text), Kind::Text) => {
            if text.contains('\0') {
                return Err("a text with a character NUL");
            }
            Ok(Value::Text(text))
        }
        (serde_json::Value::String(digits), Kind::Bytes) => {
            bytes_of(&digits).map(Value::Bytes).ok_or("no bytes")
        }
        _ => Err("a value of another kind"),
    }
}

/// The digits of bytes, two for each.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Nothing can keep a String from growing.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

fn bytes_of(digits: &str) -> Option<Vec<u8>> {
    let digit = |digit: &u8| char::from(*digit).to_digit(16);
    let byte = |pair: &[u8]| match pair {
        [high, low] => u8::try_from(digit(high)? << 4 | digit(low)?).ok(),
        _ => None,
    };
    digits.as_bytes().chunks(2).map(byte).collect()
}

/// Appends a row in the text format of COPY
/// (<https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.2>).
pub(super) fn write_copy(row: &[Value], text: &mut Vec<u8>) {
    for (index, value) in row.iter().enumerate() {
        if index > 0 {
            text.push(b'\t');
        }
        match value {
            Value::Null => text.extend_from_slice(b"\\N"),
            Value::Integer(number) => text.extend_from_slice(number.to_string().as_bytes()),
            Value::Bytes(bytes) => {
                text.extend_from_slice(b"\\\\x");
                text.extend_from_slice(hexadecimal(bytes).as_bytes());
            }
            Value::Text(value) => {
                for byte in value.bytes() {
                    match byte {
                        b'\\' => text.extend_from_slice(b"\\\\"),
                        b'\n' => text.extend_from_slice(b"\\n"),
                        b'\r' => text.extend_from_slice(b"\\r"),
                        b'\t' => text.extend_from_slice(b"\\t"),
                        other => text.push(other),
                    }
                }
            }
        }
    }
    text.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [Kind; 4] = [Kind::Integer, Kind::Text, Kind::Bytes, Kind::Text];

    fn row() -> Vec<Value> {
        vec![
            Value::Integer(i64::MIN),
            Value::Text("a\tb\\N\n\r\"é\u{1f375}\u{2028}".to_owned()),
            Value::Bytes(vec![0, 0xff, 0x10]),
            Value::Null,
        ]
    }

    #[test]
    fn a_row_is_one_line_and_comes_back() {
        let mut line = Vec::new();
        write_line(&row(), &mut line).unwrap();
        assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
        assert_eq!(read_line(&line, &KINDS), Ok(row()));
    }

    #[test]
    fn copy_sees_where_values_and_rows_end() {
        let mut text = Vec::new();
        write_copy(&row(), &mut text);
        let expected =
            "-9223372036854775808\ta\\tb\\\\N\\n\\r\"é\u{1f375}\u{2028}\t\\\\x00ff10\t\\N\n";
        assert_eq!(String::from_utf8(text).unwrap(), expected);
    }

    #[test]
    fn a_line_that_is_no_such_row_says_why() {
        for (line, why) in [
            ("[1,\"a\",\"00\"", "is no row"),
            ("[1,\"a\",\"00\"]", "3 values for 4 columns"),
            ("[1.5,\"a\",\"00\",null]", "column 1"),
            (
                "[9223372036854775808,\"a\",\"00\",null]",
                "too large in column 1",
            ),
            ("[1,2,\"00\",null]", "another kind in column 2"),
            ("[1,\"secret\\u0000\",\"00\",null]", "NUL in column 2"),
            ("[1,\"a\",\"0\",null]", "no bytes in column 3"),
            ("[1,\"a\",\"+1\",null]", "no bytes in column 3"),
        ] {
            let message = read_line(line.as_bytes(), &KINDS).unwrap_err();
            assert!(message.contains(why), "{line}: {message}");
            assert!(!message.contains("secret"), "{message}");
        }
    }
}
