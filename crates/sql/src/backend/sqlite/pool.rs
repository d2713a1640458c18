//! Databases in memory that are used again and again.
//!
//! Tests make thousands of databases of few kinds. Most of the time of a new one would go into parsing its schema and preparing
//! its statements. A database of a pool is put back to its first content by a second connection, under a first one that has
//! done all that: to the first it looks as if another program had changed the rows and left the schema as it was.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::backup::{Backup, StepResult};

use super::native::{connect, from_native};
use crate::Error;

/// Databases with the same first content.
pub struct Pool(Mutex<Content>);

struct Content {
    first: rusqlite::Connection,
    /// SQLite's number for the schema of the first content.
    schema_version: i64,
    free: Vec<Pair>,
}

/// Two connections to one database.
struct Pair {
    connection: rusqlite::Connection,
    restorer: rusqlite::Connection,
}

/// A connection that goes back to its pool, if it has one.
pub struct Lent {
    /// None once it is gone.
    connection: Option<rusqlite::Connection>,
    home: Option<(&'static Pool, rusqlite::Connection)>,
}

impl Pool {
    /// A pool of databases like this one.
    pub fn new(first: rusqlite::Connection) -> Result<Self, Error> {
        let schema_version = first
            .pragma_query_value(None, "schema_version", |row| row.get(0))
            .map_err(from_native)?;
        let free = Vec::new();
        Ok(Self(Mutex::new(Content {
            first,
            schema_version,
            free,
        })))
    }

    /// A database with the first content.
    pub fn lend(&'static self) -> Result<Lent, Error> {
        let mut content = self.content();
        let mut pair = content.free.pop().map_or_else(Pair::new, Ok)?;
        content.restore(&mut pair)?;
        Ok(Lent {
            connection: Some(pair.connection),
            home: Some((self, pair.restorer)),
        })
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Content {
    fn restore(&self, pair: &mut Pair) -> Result<(), Error> {
        let done = Backup::new(&self.first, &mut pair.restorer)
            .and_then(|copy| copy.step(-1))
            .map_err(from_native)?;
        if done != StepResult::Done {
            return Err(Error::Busy("a connection still uses it".to_owned()));
        }
        // A copy has a number of its own, which would make the other connection begin anew.
        pair.restorer
            .pragma_update(None, "schema_version", self.schema_version)
            .map_err(from_native)
    }
}

impl Pair {
    fn new() -> Result<Self, Error> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        // The name is known in this process only.
        let path = format!("file:/mercato-{number}?vfs=memdb");
        Ok(Self {
            connection: connect(&path)?,
            restorer: connect(&path)?,
        })
    }
}

impl Lent {
    /// A connection without a pool.
    pub fn forever(connection: rusqlite::Connection) -> Self {
        Self {
            connection: Some(connection),
            home: None,
        }
    }

    /// The connection.
    pub fn connection(&self) -> Result<&rusqlite::Connection, Error> {
        let closed = || Error::Storage("the connection is closed".to_owned());
        self.connection.as_ref().ok_or_else(closed)
    }

    /// The connection, which does not go back.
    pub fn keep(mut self) -> Option<rusqlite::Connection> {
        self.connection.take()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let home = self.home.take();
        if let (Some(connection), Some((pool, restorer))) = (self.connection.take(), home)
            // One that has a transaction open holds a lock.
            && connection.is_autocommit()
        {
            pool.content().free.push(Pair {
                connection,
                restorer,
            });
        }
    }
}
