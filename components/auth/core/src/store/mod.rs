//! The database `auth`: one file per table, or per group of tables that are written together.

use std::rc::Rc;

use mercato_sql::{Connection, Database, Dialect, Migrations, Row, migrations};

use crate::application::Error;
use crate::application::locks::Locks;

mod accounts;
mod address_books;
mod attempts;
mod refresh_tokens;
mod revocations;
mod signing_key;
#[cfg(test)]
pub(crate) mod testing;
mod turns;

/// The schema, step by step.
const MIGRATIONS: Migrations = migrations!();

/// Overwrites what is deleted or replaced with zeros, so that nothing of a person stays in the file
/// (<https://sqlite.org/pragma.html#pragma_secure_delete>). It holds for the connection. PostgreSQL has nothing like it.
const OVERWRITE_WHAT_IS_DELETED: &str = "PRAGMA secure_delete = ON";

/// Rows of one table forgotten at a time, so that no login pays for all of them.
const FORGET_MAX_ROWS: u32 = 100;

/// The database `auth`.
#[derive(Clone)]
pub struct Store(Rc<Database>);

/// The records of a [`Store`], inside a unit of work. Every function fails when the database does.
pub struct Records<'a>(&'a Connection);

impl Store {
    /// The database `auth`, opened at first use.
    pub fn new() -> Self {
        Self(Rc::new(Database::new("auth", MIGRATIONS)))
    }

    /// A fresh database.
    #[cfg(test)]
    pub fn for_test() -> Self {
        Self(Rc::new(Database::for_test("auth", MIGRATIONS).unwrap()))
    }

    /// A fresh SQLite, for tests of how that goes about statements.
    #[cfg(test)]
    pub fn on_sqlite() -> Self {
        let database = Database::in_memory("auth", MIGRATIONS.sqlite);
        Self(Rc::new(database.unwrap()))
    }

    /// Reads.
    ///
    /// # Errors
    /// What the closure returns, or why the database could not be read.
    pub fn read<T>(&self, work: impl FnOnce(&Records<'_>) -> Result<T, Error>) -> Result<T, Error> {
        self.0.read(|connection| work(&Records(connection)))
    }

    /// Reads and writes as one unit, which is about what those [locks](crate::application::locks) name: all of it when the closure returns `Ok`, nothing
    /// when it returns `Err`. The closure may be run again after that.
    ///
    /// # Errors
    /// What the closure returns, or why the database could not be written.
    pub fn write<T>(
        &self,
        locks: Locks,
        work: impl Fn(&Records<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.0.write(locks, |connection| {
            if connection.dialect() == Dialect::Sqlite {
                connection.query(OVERWRITE_WHAT_IS_DELETED, &[])?;
            }
            work(&Records(connection))
        })
    }

    /// Writes what a test needs.
    #[cfg(test)]
    pub fn change<T>(&self, work: impl Fn(&Records<'_>) -> Result<T, Error>) -> Result<T, Error> {
        self.write(Locks::name("test", ""), work)
    }
}

impl Records<'_> {
    #[track_caller]
    fn execute(&self, statement: &str, parameters: &[mercato_sql::Value]) -> Result<(), Error> {
        self.0.execute(statement, parameters)?;
        Ok(())
    }

    /// All rows, each read by `read`.
    #[track_caller]
    fn all<T>(
        &self,
        statement: &str,
        parameters: &[mercato_sql::Value],
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
        parameters: &[mercato_sql::Value],
        read: impl FnOnce(&Row) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let row = self.0.query_one(statement, parameters)?;
        row.as_ref().map(read).transpose()
    }

    /// The number in that column of the first row; 0 without a row.
    #[track_caller]
    fn number(
        &self,
        statement: &str,
        parameters: &[mercato_sql::Value],
        column: &str,
    ) -> Result<u64, Error> {
        let number = self.first(statement, parameters, |row| Ok(row.get(column)?))?;
        Ok(number.unwrap_or_default())
    }
}

fn damaged(column: &str, rule: &str) -> Error {
    Error::Internal(format!("the database auth is damaged: {column} {rule}"))
}

impl From<mercato_sql::Error> for Error {
    fn from(error: mercato_sql::Error) -> Self {
        use mercato_sql::Error as Cause;
        match error {
            Cause::Denied(_)
            | Cause::Unknown(_)
            | Cause::Foreign(_)
            | Cause::NewerSchema { .. } => Self::Unavailable(error.to_string()),
            _ if error.is_transient() => Self::Unavailable(error.to_string()),
            _ => Self::Internal(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use mercato_sql::params;

    use super::*;

    #[test]
    fn what_is_deleted_is_overwritten_wherever_something_is_written() {
        let store = Store::on_sqlite();
        store.change(|_| Ok(())).unwrap();
        let mode = store.read(|records| {
            let row = records.0.query_one("PRAGMA secure_delete", params![])?;
            Ok(row.map(|row| row.get::<u32>(0_usize)).transpose()?)
        });
        assert_eq!(mode, Ok(Some(1)));
    }

    #[test]
    fn what_may_pass_is_unavailable_and_the_rest_is_a_fault() {
        use mercato_sql::{Error as Cause, Rule, Violation};
        for cause in [
            Cause::Busy("locked".to_owned()),
            Cause::Denied("auth".to_owned()),
            Cause::Full,
            Cause::Interrupted("interrupted: the statement took longer than 2000 ms".to_owned()),
        ] {
            assert!(
                matches!(Error::from(cause.clone()), Error::Unavailable(_)),
                "{cause}"
            );
        }
        for cause in [
            Cause::Constraint(Violation {
                rule: Rule::Check,
                on: "x".to_owned(),
                may_pass: false,
            }),
            Cause::Storage("no such table".to_owned()),
        ] {
            assert!(
                matches!(Error::from(cause.clone()), Error::Internal(_)),
                "{cause}"
            );
        }
    }
}
