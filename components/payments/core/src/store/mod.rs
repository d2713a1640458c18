//! The `payments` database.

mod contents;
mod disputes;
mod metrics;
mod outbox;
mod payments;
mod provider_refunds;
mod purge;
mod refunds;
mod sessions;
mod settings;
mod webhooks;

use mercato_kernel::{FromText, Named, Total};
use mercato_money::Currency;
use mercato_platform::log;
use mercato_sql::{Connection, Database, Error, FromValue, Migrations, Row, Value};

use crate::application::locks::Locks;
use crate::application::ports::Store;
use crate::domain::{MinorUnits, PAUSE_LONGEST_MS, PaymentError};

/// What the database answers: the value, or `Unavailable` or `Internal`.
pub type Stored<T> = Result<T, PaymentError>;

/// Most refunds, and as many disputes, kept of charges that no payment has named: they are of other programs that share the
/// provider's account, or of payments that the shop does not know yet.
pub const KEPT_OF_NOBODY_MAX: u32 = 10_000;

const LABEL: &str = "payments";

const MIGRATIONS: Migrations = mercato_sql::migrations!();

pub use outbox::FirstPublication;
pub use payments::{NamedPayment, OrderPayment};
pub use purge::PurgeTimes;
#[cfg(test)]
pub use webhooks::KEPT_CHARGES_MAX;

/// The store over SQLite.
pub struct SqlStore(Database);

impl SqlStore {
    /// The database as the host grants it; opened and migrated at first use.
    #[must_use]
    pub const fn new() -> Self {
        Self(Database::new(LABEL, MIGRATIONS))
    }
}

#[cfg(test)]
use mercato_sql::Dialect;

#[cfg(test)]
impl SqlStore {
    /// On a fresh database.
    pub fn for_test() -> Self {
        Self(Database::for_test(LABEL, MIGRATIONS).unwrap())
    }

    /// On a fresh SQLite, for tests of how that goes about statements.
    pub fn on_sqlite() -> Self {
        Self(Database::in_memory(LABEL, MIGRATIONS.sqlite).unwrap())
    }

    /// How many rows there are.
    pub fn count(&self, from: &str) -> u64 {
        let statement = format!("SELECT COUNT(*) FROM {from} -- of a test");
        let count: Result<u64, Error> = self
            .0
            .read(|connection| connection.query_one(&statement, &[])?.unwrap().get(0));
        count.unwrap()
    }

    /// Changes something as no use case does.
    pub fn execute(&self, statement: &str) {
        let done: Result<(), Error> = self.0.write(Locks::name("test", ""), |connection| {
            connection.execute(&format!("{statement} -- of a test"), &[])
        });
        done.unwrap();
    }

    /// The texts that a statement gives.
    fn texts(&self, statement: &str) -> Vec<String> {
        let texts: Result<Vec<String>, Error> = self.0.read(|connection| {
            let rows = connection.query(statement, &[])?;
            rows.iter().map(|row| row.get(0)).collect()
        });
        texts.unwrap()
    }

    /// How often anything was written since it was opened.
    pub fn writes(&self) -> u64 {
        let writes: Result<u64, Error> = self.0.read(|connection| {
            let statement = match connection.dialect() {
                Dialect::Sqlite => "SELECT total_changes()",
                Dialect::Postgres => {
                    let count = "SELECT 1 FROM pg_stat_force_next_flush()";
                    connection.execute(count, &[])?;
                    "SELECT CAST(SUM(n_tup_ins + n_tup_upd + n_tup_del) AS BIGINT) FROM pg_stat_user_tables"
                }
            };
            connection.query_one(statement, &[])?.unwrap().get(0)
        });
        writes.unwrap()
    }

    /// How many statements have run, those that begin and end transactions included.
    pub fn statements(&self) -> u64 {
        self.0.statements()
    }

    /// How SQLite goes about a statement.
    fn plan(&self, statement: &str) -> Vec<String> {
        let plan = format!("EXPLAIN QUERY PLAN {statement}");
        let numbered = (1..=17)
            .rev()
            .find(|n| statement.contains(&format!("?{n}")));
        let count = numbered.unwrap_or_else(|| statement.matches('?').count());
        let values = vec![Value::from(1_u32); count];
        let steps: Result<Vec<String>, Error> = self.0.read(|connection| {
            let rows = connection.query(&plan, &values)?;
            rows.iter().map(|row| row.get("detail")).collect()
        });
        steps.unwrap()
    }
}

impl Default for SqlStore {
    fn default() -> Self {
        Self::new()
    }
}

impl Store for SqlStore {
    fn read<T>(
        &self,
        work: impl FnOnce(&Records<'_>) -> Result<T, PaymentError>,
    ) -> Result<T, PaymentError> {
        self.0.read(|connection| work(&Records(connection)))
    }

    fn write<T>(
        &self,
        locks: Locks,
        work: impl Fn(&Records<'_>) -> Result<T, PaymentError>,
    ) -> Result<T, PaymentError> {
        self.0.write(locks, |connection| work(&Records(connection)))
    }

    fn write_if_free<T>(
        &self,
        locks: Locks,
        work: impl Fn(&Records<'_>) -> Result<T, PaymentError>,
    ) -> Result<Option<T>, PaymentError> {
        self.0
            .write_if_free(locks, |connection| work(&Records(connection)))
    }
}

/// The records within one read or one transaction. What a function answers is the value, or `Unavailable` or `Internal`.
pub struct Records<'a>(&'a Connection);

impl Records<'_> {
    fn execute(&self, statement: &str, values: &[Value]) -> Stored<()> {
        Ok(self.0.execute(statement, values)?)
    }

    fn execute_counted(&self, statement: &str, values: &[Value]) -> Stored<u64> {
        Ok(self.0.execute_counted(statement, values)?)
    }

    /// The first row.
    fn one<T>(
        &self,
        statement: &str,
        values: &[Value],
        read: impl Fn(&Row) -> Stored<T>,
    ) -> Stored<Option<T>> {
        let row = self.0.query_one(statement, values)?;
        row.as_ref().map(read).transpose()
    }

    /// All rows.
    fn all<T>(
        &self,
        statement: &str,
        values: &[Value],
        read: impl Fn(&Row) -> Stored<T>,
    ) -> Stored<Vec<T>> {
        self.0.query(statement, values)?.iter().map(read).collect()
    }

    /// A column of the first row.
    fn value<T: FromValue>(
        &self,
        statement: &str,
        values: &[Value],
        column: &str,
    ) -> Stored<Option<T>> {
        self.one(statement, values, |row| Ok(row.get(column)?))
    }

    /// How many rows a statement has counted.
    fn total(&self, statement: &str, values: &[Value]) -> Stored<Total> {
        let rows = self.value(statement, values, "counted")?;
        Ok(Total::counted(rows.unwrap_or_default()))
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

fn minor_units(row: &Row, column: &str) -> Stored<MinorUnits> {
    MinorUnits::new(row.get(column)?).ok_or_else(|| Error::not(column, "an amount").into())
}

fn id<T: FromText>(row: &Row, column: &'static str) -> Stored<T> {
    let text: String = row.get(column)?;
    T::from_text(&text).map_err(|_| Error::not(column, "an id").into())
}

fn named<T: Named>(row: &Row, column: &'static str) -> Stored<T> {
    let name: String = row.get(column)?;
    T::from_name(&name).ok_or_else(|| Error::not(column, "a name of its list").into())
}

fn currency(row: &Row) -> Stored<Currency> {
    let code: String = row.get("currency")?;
    code.parse()
        .map_err(|_| Error::not("currency", "a currency").into())
}

#[cfg(test)]
mod tests;
