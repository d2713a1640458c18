//! Moving a shop from SQLite files to PostgreSQL: `mercato export` and `mercato import`.
//!
//! An export is a folder: a file of rows for each table, and `contents.json`, which is written last and says what there is, with
//! counts and checksums ([`archive`]). Which tables and columns there are is read from the databases. Where the two schemas
//! differ stands in [`differences`], with reasons.

mod archive;
mod catalogue;
mod differences;
mod export;
mod import;
mod load;
mod progress;
mod sqlite;
mod target;
#[cfg(test)]
mod tests;
mod value;

pub(crate) use export::export;
pub(crate) use import::import;

use crate::error::Error;

/// A shop that cannot be moved, and what to do about it.
fn fault(message: impl Into<String>) -> Error {
    Error::Move(message.into())
}
