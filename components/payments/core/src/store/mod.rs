//! The `payments` database.

mod disputes;
mod figures;
mod old;
mod outbox;
mod payments;
mod provider_refunds;
mod refunds;

use mercato_kernel::Total;
use mercato_money::Currency;
use mercato_platform::log;
use mercato_sqlite::{Connection, Database, Error, Migration, Row};

use crate::domain::{MinorUnits, PaymentError};
use crate::ports::{PAUSE_LONGEST_MS, Records, Store, Stored};

const LABEL: &str = "payments";

const MIGRATIONS: &[Migration] = mercato_sqlite::migrations![
    "0001_payments",
    "0002_figures",
    "0003_kept_answers_and_purge",
    "0004_kept_charges",
    "0005_unpaid_payments",
    "0006_sessions_that_end",
    "0007_refunds_that_fail",
    "0008_payments_under_way",
    "0009_money_received",
    "0010_duplicate_charges_and_disputes",
    "0011_order_numbers"
];

const SELECT_SETTING: &str = "SELECT value FROM settings WHERE name = ?";

const INSERT_SETTING: &str = "
    INSERT INTO settings (name, value)
    VALUES (?, ?)
    ON CONFLICT (name) DO NOTHING";

const REPLACE_SETTING: &str = "
    INSERT INTO settings (name, value)
    VALUES (?, ?)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value";

/// The store over SQLite.
pub struct SqliteStore(Database);

impl SqliteStore {
    /// The database as the host grants it; opened and migrated at first use.
    #[must_use]
    pub const fn new() -> Self {
        Self(Database::new(LABEL, MIGRATIONS))
    }
}

#[cfg(test)]
impl SqliteStore {
    /// How many rows there are.
    pub fn count(&self, from: &str) -> u64 {
        let statement = format!("SELECT COUNT(*) FROM {from}");
        let count: Result<u64, Error> = self
            .0
            .read(|connection| connection.query_one(&statement, &[])?.unwrap().get(0));
        count.unwrap()
    }

    /// Changes something as no use case does.
    pub fn execute(&self, statement: &str) {
        let done: Result<u64, Error> = self
            .0
            .write(|connection| connection.execute(statement, &[]));
        done.unwrap();
    }

    /// How often anything was written since it was opened.
    pub fn writes(&self) -> u64 {
        let statement = "SELECT total_changes()";
        let writes: Result<u64, Error> = self
            .0
            .read(|connection| connection.query_one(statement, &[])?.unwrap().get(0));
        writes.unwrap()
    }

    /// How SQLite goes about a statement.
    fn plan(&self, statement: &str) -> Vec<String> {
        let plan = format!("EXPLAIN QUERY PLAN {statement}");
        let numbered = (1..=9).rev().find(|n| statement.contains(&format!("?{n}")));
        let count = numbered.unwrap_or_else(|| statement.matches('?').count());
        let values = vec![mercato_sqlite::Value::from(1_u32); count];
        let steps: Result<Vec<String>, Error> = self.0.read(|connection| {
            let rows = connection.query(&plan, &values)?;
            rows.iter().map(|row| row.get(3)).collect()
        });
        steps.unwrap()
    }
}

impl Default for SqliteStore {
    fn default() -> Self {
        Self::new()
    }
}

impl Store for SqliteStore {
    fn read<T>(
        &self,
        work: impl FnOnce(&dyn Records) -> Result<T, PaymentError>,
    ) -> Result<T, PaymentError> {
        self.0.read(|connection| work(&SqliteRecords(connection)))
    }

    fn write<T>(
        &self,
        work: impl FnOnce(&dyn Records) -> Result<T, PaymentError>,
    ) -> Result<T, PaymentError> {
        self.0.write(|connection| work(&SqliteRecords(connection)))
    }

    fn write_if_free<T>(
        &self,
        work: impl FnOnce(&dyn Records) -> Result<T, PaymentError>,
    ) -> Result<Option<T>, PaymentError> {
        self.0
            .write_if_free(|connection| work(&SqliteRecords(connection)))
    }
}

/// The records within one read or one transaction.
struct SqliteRecords<'a>(&'a Connection);

impl SqliteRecords<'_> {
    fn setting(&self, name: &str) -> Stored<Option<String>> {
        let row = self
            .0
            .query_one(SELECT_SETTING, mercato_sqlite::params![name])?;
        Ok(row.map(|row| row.get(0)).transpose()?)
    }

    fn keep_setting(&self, name: &str, value: &str) -> Stored<()> {
        self.0
            .execute(INSERT_SETTING, mercato_sqlite::params![name, value])?;
        Ok(())
    }

    fn replace_setting(&self, name: &str, value: &str) -> Stored<()> {
        self.0
            .execute(REPLACE_SETTING, mercato_sqlite::params![name, value])?;
        Ok(())
    }
}

/// What the database says goes to the log; callers learn only whether trying again may help.
impl From<Error> for PaymentError {
    fn from(error: Error) -> Self {
        log::error("payments database", &[("cause", &error.to_string())]);
        if error.is_transient() {
            Self::Unavailable
        } else {
            Self::Internal
        }
    }
}

/// What is put off until after that was so before the clock was set back.
fn too_late(now: u64) -> u64 {
    now.saturating_add(PAUSE_LONGEST_MS)
}

fn minor_units(row: &Row, column: usize) -> Stored<MinorUnits> {
    MinorUnits::new(row.get(column)?).ok_or_else(|| Error::not(column, "an amount").into())
}

fn currency(row: &Row, column: usize) -> Stored<Currency> {
    let code: String = row.get(column)?;
    code.parse()
        .map_err(|_| Error::not(column, "a currency").into())
}

/// How many rows were counted.
fn counted(row: Option<Row>) -> Stored<Total> {
    Ok(Total::counted(row.map_or(Ok(0), |row| row.get(0))?))
}

fn all<T>(rows: &[Row], read: impl Fn(&Row) -> Stored<T>) -> Stored<Vec<T>> {
    rows.iter().map(read).collect()
}

#[cfg(test)]
mod tests;
