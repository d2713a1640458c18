//! The database `checkout`: one file per table, or per group of tables that are written together.

use std::cell::RefCell;
use std::rc::Rc;

use mercato_kernel::{Named, Uuid};
use mercato_sql::{Connection, Database, Dialect, Migrations, Row, Value, migrations};

use crate::application::Error;
use crate::application::locks::Locks;

mod addresses;
mod checkouts;
mod code_uses;
mod codes;
mod counters;
mod settings;
mod shipping;
mod taxes;
#[cfg(test)]
mod tests;

pub use code_uses::{Customer, HoldState};
pub use settings::{Document, Settings};

/// The schema, step by step.
const MIGRATIONS: Migrations = migrations!();

/// Label of the database in `spin.toml` and `runtime-config.toml`.
const LABEL: &str = "checkout";

/// Overwrites what is deleted or replaced with zeros, so that nothing of a person stays in the file
/// (<https://sqlite.org/pragma.html#pragma_secure_delete>). It holds for the connection. PostgreSQL has nothing like it.
const OVERWRITE_WHAT_IS_DELETED: &str = "PRAGMA secure_delete = ON";

/// The database `checkout`.
#[derive(Clone)]
pub struct Store {
    database: Rc<Database>,
    /// What was read last.
    settings: Rc<RefCell<Option<Rc<Settings>>>>,
}

/// The records of a [`Store`], inside a unit of work. Every function fails when the database does.
pub struct Records<'a>(&'a Connection);

impl Store {
    /// The database `checkout`, opened at first use.
    pub fn new() -> Self {
        Self::of(Database::new(LABEL, MIGRATIONS))
    }

    /// A fresh database.
    #[cfg(test)]
    pub fn for_test() -> Self {
        Self::of(Database::for_test(LABEL, MIGRATIONS).unwrap())
    }

    fn of(database: Database) -> Self {
        Self {
            database: Rc::new(database),
            settings: Rc::default(),
        }
    }

    /// Reads.
    ///
    /// # Errors
    /// What the closure returns, or why the database could not be read.
    pub fn read<T>(&self, work: impl FnOnce(&Records<'_>) -> Result<T, Error>) -> Result<T, Error> {
        self.database.read(|connection| work(&Records(connection)))
    }

    /// Reads and writes as one unit, which is about what those [locks](crate::application::locks) name: all of it when the closure returns `Ok`,
    /// nothing when it returns `Err`. The closure may be run again after that.
    ///
    /// # Errors
    /// What the closure returns, or why the database could not be written.
    pub fn write<T>(
        &self,
        locks: Locks,
        work: impl Fn(&Records<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.database.write(locks, |connection| {
            if connection.dialect() == Dialect::Sqlite {
                connection.query(OVERWRITE_WHAT_IS_DELETED, &[])?;
            }
            work(&Records(connection))
        })
    }
}

#[cfg(test)]
impl Store {
    /// How many statements have run, those that begin and end transactions included.
    pub fn statements(&self) -> u64 {
        self.database.statements()
    }

    /// Writes what a test needs.
    pub fn change<T>(&self, work: impl Fn(&Records<'_>) -> Result<T, Error>) -> Result<T, Error> {
        self.write(Locks::name("test", ""), work)
    }
}

impl Records<'_> {
    #[track_caller]
    fn execute(&self, statement: &str, parameters: &[Value]) -> Result<(), Error> {
        Ok(self.0.execute(statement, parameters)?)
    }

    /// Runs a statement; returns how many rows it has changed.
    #[track_caller]
    fn changed(&self, statement: &str, parameters: &[Value]) -> Result<u64, Error> {
        Ok(self.0.execute_counted(statement, parameters)?)
    }

    /// All rows, each read by `read`.
    #[track_caller]
    fn all<T>(
        &self,
        statement: &str,
        parameters: &[Value],
        read: impl Fn(&Row) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let rows = self.0.query(statement, parameters)?;
        rows.iter().map(read).collect()
    }

    /// The first row, read by `read`.
    #[track_caller]
    fn first<T>(
        &self,
        statement: &str,
        parameters: &[Value],
        read: impl FnOnce(&Row) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let row = self.0.query_one(statement, parameters)?;
        row.as_ref().map(read).transpose()
    }

    /// The number in the column `number` of the first row; 0 without a row.
    #[track_caller]
    fn number(&self, statement: &str, parameters: &[Value]) -> Result<u64, Error> {
        let number = self.first(statement, parameters, |row| Ok(row.get("number")?))?;
        Ok(number.unwrap_or_default())
    }
}

/// An identifier as it is stored.
fn key(id: impl Into<Uuid>) -> Value {
    id.into().into()
}

/// The identifier in a column.
fn id<I: From<Uuid>>(row: &Row, column: &str) -> Result<I, Error> {
    Ok(I::from(row.get(column)?))
}

/// The value in a column that holds its name.
fn named<T: Named>(row: &Row, column: &str) -> Result<T, Error> {
    T::from_name(&row.get::<String>(column)?).ok_or_else(|| damaged(column))
}

fn damaged(column: &str) -> Error {
    Error::Internal(format!("the database checkout is damaged: {column}"))
}

/// A list of texts without line breaks, as it is stored.
fn lines_of<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    texts.into_iter().collect::<Vec<_>>().join("\n")
}

/// The texts of such a list.
fn texts_of(lines: &str) -> Vec<String> {
    lines.lines().map(str::to_owned).collect()
}

impl From<mercato_sql::Error> for Error {
    fn from(error: mercato_sql::Error) -> Self {
        use mercato_sql::Error as Cause;
        let is_out_of_reach = matches!(
            error,
            Cause::Denied(_) | Cause::Unknown(_) | Cause::Foreign(_) | Cause::NewerSchema { .. }
        );
        if error.is_transient() || is_out_of_reach {
            Self::Unavailable(error.to_string())
        } else {
            Self::Internal(error.to_string())
        }
    }
}
