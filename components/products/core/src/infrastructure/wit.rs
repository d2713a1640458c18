//! The exports of the world `products`: from WIT's types to the use cases and back.

mod catalogue;
mod inventory;

use mercato_platform::log;
use mercato_sqlite::Database;

use crate::infrastructure::sqlite::{DATABASE_LABEL, MIGRATIONS, SqliteStore};
use crate::ports::StoreError;

thread_local! {
    static DATABASE: Database = const { Database::new(DATABASE_LABEL, MIGRATIONS) };
}

/// Uses the connection that this instance keeps.
fn with_store<T>(work: impl FnOnce(&SqliteStore<'_>) -> T) -> T {
    DATABASE.with(|database| work(&SqliteStore(database)))
}

/// Writes the cause into the log: what is answered does not tell it.
fn log_cause(error: &StoreError) {
    let text = error.to_string();
    let fields = [("database", DATABASE_LABEL), ("error", text.as_str())];
    match error {
        StoreError::Unavailable(_) => log::warn("the products database did not answer", &fields),
        StoreError::TooExpensive(_) => log::warn("reading the products took too long", &fields),
        StoreError::Fault(_) => log::error("the products database failed", &fields),
    }
}
