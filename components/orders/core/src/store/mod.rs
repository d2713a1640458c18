//! The store: the orders database. One file per table, or per group of tables that always go together.

mod history;
mod holders;
mod idempotency_keys;
mod inbox;
mod items;
mod listing;
mod metrics;
mod orders;
mod pending_actions;
mod quotes;
mod retention;
mod sagas;
mod sweep_runs;

pub use idempotency_keys::KeyRecord;
pub use metrics::MetricsSnapshot;
pub use pending_actions::{Action, PendingAction};
pub use quotes::Ordered;
pub use retention::PurgeTimes;

use mercato_kernel::{Named, Uuid};
use mercato_platform::log;
use mercato_sql::{Connection, Database, Error, Migrations, Row, Value, migrations};

use crate::application::locks::Locks;
use crate::domain::{OrderError, PAUSE_LONGEST_MS};
use crate::ports::Store;

/// Label of the database in `spin.toml` and `runtime-config.toml`.
pub const LABEL: &str = "orders";

/// The schema.
pub const MIGRATIONS: Migrations = migrations!();

/// The database of this component.
pub const fn open() -> Database {
    Database::new(LABEL, MIGRATIONS)
}

impl Store for Database {
    fn read<T>(
        &self,
        work: impl FnOnce(&Records<'_>) -> Result<T, OrderError>,
    ) -> Result<T, OrderError> {
        Self::read(self, |connection| work(&Records(connection)))
    }

    fn write<T>(
        &self,
        locks: Locks,
        work: impl Fn(&Records<'_>) -> Result<T, OrderError>,
    ) -> Result<T, OrderError> {
        Self::write(self, locks, |connection| work(&Records(connection)))
    }

    fn write_if_free<T>(
        &self,
        locks: Locks,
        work: impl Fn(&Records<'_>) -> Result<T, OrderError>,
    ) -> Result<Option<T>, OrderError> {
        Self::write_if_free(self, locks, |connection| work(&Records(connection)))
    }
}

/// The records of the orders database, inside a read or a transaction. Every function fails when the database does.
pub struct Records<'a>(&'a Connection);

impl From<Error> for OrderError {
    fn from(error: Error) -> Self {
        log::error(
            "the orders database failed",
            &[("error", &error.to_string())],
        );
        let out_of_reach = matches!(
            error,
            Error::Denied(_) | Error::Unknown(_) | Error::Foreign(_) | Error::NewerSchema { .. }
        );
        if error.is_transient() || out_of_reach {
            Self::Unavailable
        } else {
            Self::Internal
        }
    }
}

/// An identifier as it is stored.
fn key(id: impl Into<Uuid>) -> Value {
    id.into().into()
}

/// The identifier in a column.
fn id<I: From<Uuid>>(row: &Row, column: &str) -> Result<I, OrderError> {
    Ok(I::from(row.get(column)?))
}

/// The value in a column that holds its name.
fn named<T: Named>(row: &Row, column: &str) -> Result<T, OrderError> {
    let name: String = row.get(column)?;
    T::from_name(&name).ok_or_else(|| Error::not(column, "a name that this program knows").into())
}

/// A JSON array of identifiers. They hold nothing that JSON would have to escape.
fn json_of(ids: impl Iterator<Item = String>) -> String {
    let ids: Vec<String> = ids.map(|id| format!("\"{id}\"")).collect();
    format!("[{}]", ids.join(","))
}

/// What is put off until after that was so before the clock was set back.
const fn too_late(now: u64) -> u64 {
    now.saturating_add(PAUSE_LONGEST_MS)
}

fn exactly_one(changed: u64, table: &str) -> Result<(), OrderError> {
    if changed == 1 {
        return Ok(());
    }
    log::error("a row that must exist is missing", &[("table", table)]);
    Err(OrderError::Internal)
}

#[cfg(test)]
mod tests;
