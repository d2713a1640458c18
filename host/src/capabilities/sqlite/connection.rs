//! A connection as a guest holds it, and the transactions that an instance leaves open.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::Mutex;

use super::database::{Database, PooledConnection, abandon};
use super::query::{QueryError, io};
use crate::capabilities::bindings::spin::sqlite::sqlite::Error;
use crate::scheduling::semaphore::Permit;

/// A connection as a guest holds it.
pub(crate) struct OpenConnection {
    pub(super) database: Arc<Database>,
    /// SQLite's own: there while a statement runs and while a transaction is open, and from then on when the guest has
    /// changed something in it that others must not find.
    connection: Option<PooledConnection>,
    /// Whether a statement runs in it on another thread.
    is_away: bool,
    /// Present from the first writing statement to the end of its transaction.
    pub(super) writing: Option<Permit>,
    /// What the last statement that wrote has left behind.
    last_write: LastWrite,
    /// How long the guest wants its statements to wait for other writers, if it has said so.
    pub(super) busy_time: Option<Duration>,
    /// Under a fault plan nothing depends on how long things take: the plan says which statement finds a writer in its way.
    pub(super) is_planned: bool,
    /// Whether the transaction that is open is a migration.
    pub(super) migrates: bool,
}

/// What SQLite remembers of a connection's last statement that wrote.
#[derive(Clone, Copy, Default)]
struct LastWrite {
    rowid: i64,
    changes: u64,
}

impl LastWrite {
    fn of(sqlite: &Connection) -> Self {
        Self {
            rowid: sqlite.last_insert_rowid(),
            changes: sqlite.changes(),
        }
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.roll_back();
        if let Some(connection) = self.connection.take() {
            self.database.give_back(connection);
        }
    }
}

/// Connections of an instance that are inside a transaction.
#[derive(Default)]
pub(crate) struct OpenTransactions(Vec<Arc<Mutex<OpenConnection>>>);

impl OpenTransactions {
    pub(super) fn note(&mut self, connection: &Arc<Mutex<OpenConnection>>, open: bool) {
        let known = self
            .0
            .iter()
            .position(|other| Arc::ptr_eq(other, connection));
        match (open, known) {
            (true, None) => self.0.push(Arc::clone(connection)),
            (false, Some(index)) => {
                self.0.swap_remove(index);
            }
            _ => {}
        }
    }

    /// Whether there are any.
    pub(crate) fn are_any(&self) -> bool {
        !self.0.is_empty()
    }

    /// Rolls back what a request left open; says whether there was anything.
    pub(crate) fn roll_back(&mut self) -> bool {
        let mut any = false;
        for connection in self.0.drain(..) {
            if let Ok(mut connection) = connection.try_lock() {
                connection.roll_back();
                any = true;
            }
        }
        any
    }
}

impl OpenConnection {
    /// Opens a connection of a database; under a fault plan statements wait in the plan's own order.
    pub(super) fn new(database: &Arc<Database>, is_planned: bool) -> Result<Self, rusqlite::Error> {
        let mut opened = Self {
            // Whether there can be one is found out now.
            connection: Some(database.take()?),
            database: Arc::clone(database),
            is_away: false,
            writing: None,
            last_write: LastWrite::default(),
            busy_time: None,
            is_planned,
            migrates: false,
        };
        opened.rest();
        Ok(opened)
    }

    fn roll_back(&mut self) {
        if let Some(connection) = &self.connection
            && !connection.sqlite.is_autocommit()
            && let Err(cause) = connection.sqlite.execute_batch("ROLLBACK")
        {
            tracing::error!(database = %self.database.label, "rollback failed: {cause}");
        }
        self.end_statement();
    }

    /// Whether a transaction is open.
    pub(super) fn has_transaction(&self) -> bool {
        let connection = self.connection.as_ref();
        connection.is_some_and(|connection| !connection.sqlite.is_autocommit())
    }

    /// SQLite's `last_insert_rowid`.
    pub(super) fn last_insert_rowid(&self) -> i64 {
        self.last_write().rowid
    }

    /// SQLite's `changes`.
    pub(super) fn changes(&self) -> u64 {
        self.last_write().changes
    }

    fn last_write(&self) -> LastWrite {
        match &self.connection {
            Some(connection) if self.writing.is_some() => LastWrite::of(&connection.sqlite),
            _ => self.last_write,
        }
    }

    /// The connection that [`Self::begin_statement`] has taken.
    pub(super) fn pooled(&self) -> Result<&PooledConnection, Error> {
        self.connection.as_ref().ok_or(Error::InvalidConnection)
    }

    /// Takes a connection of SQLite, unless there is one; another one after the database was closed for a while. Fails while
    /// it is closed.
    pub(super) fn begin_statement(&mut self) -> Result<(), Error> {
        if self.is_away {
            return Err(Error::InvalidConnection);
        }
        let health = &self.database.health;
        if let Some(damage) = health.damage() {
            return Err(io(self.database.closed(&damage)));
        }
        let is_old = |connection: &PooledConnection| connection.generation != health.generation();
        if self.connection.as_ref().is_some_and(is_old) {
            self.roll_back();
            if let Some(old) = self.connection.take() {
                abandon(old);
            }
        }
        if self.connection.is_none() {
            self.connection = Some(self.database.take().map_err(io)?);
        }
        Ok(())
    }

    /// Outside of a transaction gives the connection back, and the permit to write; says whether there was one.
    pub(super) fn end_statement(&mut self) -> bool {
        if self.has_transaction() || self.is_away {
            return false;
        }
        self.last_write = self.last_write();
        self.migrates = false;
        self.rest();
        // The next one to write finds the connection that is kept for it.
        self.writing.take().is_some()
    }

    /// Gives the connection back while nothing of the guest is in it.
    fn rest(&mut self) {
        if let Some(connection) = &self.connection
            && connection.sqlite.is_autocommit()
            && self.database.can_be_lent(connection)
            && let Some(connection) = self.connection.take()
        {
            self.database.give_back(connection);
        }
    }

    /// Goes on with the connection that is kept for writing, unless the guest needs the one that it has.
    pub(super) fn write_with(&mut self, permit: Permit) -> Result<(), Error> {
        self.rest();
        self.writing = Some(permit);
        if self.connection.is_none() {
            self.connection = Some(self.database.take_writer().map_err(io)?);
        }
        Ok(())
    }

    /// Hands the connection over to another thread, until [`Self::bring_back`].
    pub(super) fn send_away(&mut self) -> Result<PooledConnection, QueryError> {
        let connection = self.connection.take().ok_or(QueryError::Closed)?;
        self.is_away = true;
        Ok(connection)
    }

    /// Takes it back.
    pub(super) fn bring_back(&mut self, connection: PooledConnection) {
        self.is_away = false;
        self.connection = Some(connection);
    }

    /// Runs statements that a fault plan has put here, in the same transaction if there is one.
    pub(super) fn run_batch(&mut self, statements: &str) -> Result<(), Error> {
        self.begin_statement()?;
        let result = self.pooled()?.sqlite.execute_batch(statements);
        self.end_statement();
        result.map_err(io)
    }
}
