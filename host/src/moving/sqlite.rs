//! A shop's SQLite file, read while nobody else has it open.

use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, ffi};

use super::catalogue::{Column, quoted};
use super::value::{Kind, Value};
use crate::error::{Error, Result};

/// Tables of the shop. What belongs to an index of words, and what SQLite keeps for itself, is none.
const TABLES: &str = "
SELECT name
FROM pragma_table_list
WHERE schema = 'main' AND type = 'table' AND substr(name, 1, 7) <> 'sqlite_'
ORDER BY name";

const COLUMNS: &str = "
SELECT name, type
FROM pragma_table_info(?1)
ORDER BY cid";

const HAS_LAST_NUMBERS: &str = "
SELECT COUNT(*)
FROM sqlite_schema
WHERE name = 'sqlite_sequence'";

const LAST_NUMBER: &str = "
SELECT MAX(seq)
FROM sqlite_sequence
WHERE name = ?1";

/// A database that nobody else can open meanwhile.
pub(super) struct Source {
    label: String,
    path: std::path::PathBuf,
    sqlite: Connection,
}

impl Source {
    /// Takes a database for this process alone, until this is dropped.
    ///
    /// # Errors
    /// When somebody else has it open, or it cannot be used.
    pub(super) fn open(label: &str, path: &Path) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let fail = |message: String| Error::Database {
            label: label.to_owned(),
            path: path.to_path_buf(),
            message,
        };
        if !path.is_file() {
            return Err(fail(
                "the file is missing: put it back, or let `mercato migrate` make it if this version of the shop is the first to have it"
                    .to_owned(),
            ));
        }
        let open = || {
            let sqlite = Connection::open_with_flags(path, flags)?;
            // A connection to a write-ahead log holds its file open for others. In this mode SQLite wants it for itself, and fails when
            // there is any other connection, of a shop that does nothing too.
            sqlite.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
            sqlite.execute_batch("BEGIN EXCLUSIVE")?;
            Ok(sqlite)
        };
        let sqlite = open().map_err(|cause: rusqlite::Error| {
            fail(match cause.sqlite_error_code() {
                Some(ffi::ErrorCode::DatabaseBusy | ffi::ErrorCode::DatabaseLocked) => {
                    "it is in use: stop the shop, and whatever else has it open, then export again"
                        .to_owned()
                }
                _ => cause.to_string(),
            })
        })?;
        Ok(Self {
            label: label.to_owned(),
            path: path.to_path_buf(),
            sqlite,
        })
    }

    /// Its label.
    pub(super) fn label(&self) -> &str {
        &self.label
    }

    /// Why it cannot be exported.
    pub(super) fn fail(&self, message: impl Into<String>) -> Error {
        Error::Database {
            label: self.label.clone(),
            path: self.path.clone(),
            message: message.into(),
        }
    }

    fn said(&self, cause: &rusqlite::Error) -> Error {
        self.fail(cause.to_string())
    }

    /// The version of its schema; 0 when there is none.
    ///
    /// # Errors
    /// What SQLite says.
    pub(super) fn version(&self) -> Result<u32> {
        let version = self
            .sqlite
            .query_row("PRAGMA user_version", [], |row| row.get(0));
        version.map_err(|cause| self.said(&cause))
    }

    /// Lets SQLite read all of it.
    ///
    /// # Errors
    /// When it is damaged, or rows refer to others that are not there.
    pub(super) fn check(&self) -> Result<()> {
        let answer: String = self
            .sqlite
            .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
            .map_err(|cause| self.said(&cause))?;
        if answer != "ok" {
            return Err(self.fail(format!(
                "it is damaged ({answer}): restore it from a backup"
            )));
        }
        let broken = self
            .sqlite
            .query_row("PRAGMA foreign_key_check", [], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, String>(2)?))
            });
        match broken {
            Err(rusqlite::Error::QueryReturnedNoRows) => Ok(()),
            Err(cause) => Err(self.said(&cause)),
            Ok((child, parent)) => Err(self.fail(format!(
                "a row of `{child}` refers to one of `{parent}` that is not there: restore the database from a backup"
            ))),
        }
    }

    /// The names of its tables.
    ///
    /// # Errors
    /// What SQLite says.
    pub(super) fn tables(&self) -> Result<Vec<String>> {
        let names = || -> rusqlite::Result<Vec<String>> {
            let mut statement = self.sqlite.prepare(TABLES)?;
            let names = statement.query_map([], |row| row.get(0))?;
            names.collect()
        };
        names().map_err(|cause| self.said(&cause))
    }

    /// The columns of a table.
    ///
    /// # Errors
    /// When one has a type that cannot be moved.
    pub(super) fn columns(&self, table: &str) -> Result<Vec<Column>> {
        let columns = || -> rusqlite::Result<Vec<(String, String)>> {
            let mut statement = self.sqlite.prepare(COLUMNS)?;
            let columns = statement.query_map([table], |row| Ok((row.get(0)?, row.get(1)?)))?;
            columns.collect()
        };
        let columns = columns().map_err(|cause| self.said(&cause))?;
        let column = |(name, kind): (String, String)| match Kind::of_sqlite(&kind) {
            Some(kind) => Ok(Column { name, kind }),
            None => Err(self.fail(format!(
                "the column `{name}` of `{table}` has the type {kind}, which cannot be moved"
            ))),
        };
        columns.into_iter().map(column).collect()
    }

    /// How many rows a table has.
    ///
    /// # Errors
    /// What SQLite says.
    pub(super) fn count(&self, table: &str) -> Result<u64> {
        let statement = format!("SELECT COUNT(*) FROM {}", quoted(table));
        let count = self
            .sqlite
            .query_row(&statement, [], |row| row.get::<_, i64>(0))
            .map_err(|cause| self.said(&cause))?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// The last number that was given to a row of a table, where SQLite keeps that.
    ///
    /// # Errors
    /// What SQLite says.
    pub(super) fn last_number(&self, table: &str) -> Result<Option<i64>> {
        let number = || -> rusqlite::Result<Option<i64>> {
            let has: bool = self
                .sqlite
                .query_row(HAS_LAST_NUMBERS, [], |row| row.get(0))?;
            if !has {
                return Ok(None);
            }
            self.sqlite
                .query_row(LAST_NUMBER, [table], |row| row.get(0))
        };
        number().map_err(|cause| self.said(&cause))
    }

    /// Hands on every row of a table.
    ///
    /// # Errors
    /// What SQLite or the receiver says, or when a value is one that PostgreSQL cannot keep.
    pub(super) fn rows(
        &self,
        table: &str,
        columns: &[Column],
        mut take: impl FnMut(&[Value]) -> Result<()>,
    ) -> Result<()> {
        let said = |cause: rusqlite::Error| self.said(&cause);
        let names: Vec<String> = columns.iter().map(|column| quoted(&column.name)).collect();
        let statement = format!("SELECT {} FROM {}", names.join(", "), quoted(table));
        let mut statement = self.sqlite.prepare(&statement).map_err(said)?;
        let mut rows = statement.query([]).map_err(said)?;
        let (mut values, mut number) = (Vec::with_capacity(columns.len()), 0_u64);
        while let Some(row) = rows.next().map_err(said)? {
            number += 1;
            values.clear();
            for (index, column) in columns.iter().enumerate() {
                let found = row.get_ref(index).map_err(said)?;
                let value = value(found, column.kind).map_err(|why| {
                    let name = &column.name;
                    self.fail(format!("the row {number} of `{table}` has {why} in the column `{name}`, which PostgreSQL cannot keep: correct it, then export again"))
                })?;
                values.push(value);
            }
            take(&values)?;
        }
        Ok(())
    }
}

fn value(found: ValueRef<'_>, kind: Kind) -> Result<Value, &'static str> {
    match (found, kind) {
        (ValueRef::Null, _) => Ok(Value::Null),
        (ValueRef::Integer(number), Kind::Integer) => Ok(Value::Integer(number)),
        (ValueRef::Blob(bytes), Kind::Bytes) => Ok(Value::Bytes(bytes.to_vec())),
        (ValueRef::Text(bytes), Kind::Text) => {
            let text = std::str::from_utf8(bytes).map_err(|_| "a text that is not UTF-8")?;
            if text.contains('\0') {
                return Err("a text with a character NUL");
            }
            Ok(Value::Text(text.to_owned()))
        }
        _ => Err("a value of another kind"),
    }
}
