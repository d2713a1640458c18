//! `spin:sqlite`: databases by label, connections pooled and returned clean, writers in a queue.
//!
//! Statements run on the thread of the request: for the short statements of a shop that is cheaper than handing them over.
//! What must not happen is that a thread waits in SQLite's own busy timeout while the guest it waits for needs that thread.
//! So a writing statement first takes the database's writer lock, an asynchronous one, and keeps it until its connection is
//! back in autocommit. Against other processes the statement is tried again with pauses.
//!
//! A lock that another process holds for longer than [`crate::limits::BUSY_TIME`] is noted: from then on statements wait
//! only for [`crate::limits::BUSY_TIME_KNOWN`], until one has succeeded. Otherwise every request that writes would keep its
//! instance for the whole time, and soon those that only read would find none.

mod background;
pub(crate) mod connection;
pub(crate) mod database;
mod file_health;
pub(crate) mod host;
pub(crate) mod integrity;
pub(crate) mod known_databases;
mod query;
mod statement;
#[cfg(test)]
mod tests;
mod time_limit;

pub(crate) use background::LongReads;
