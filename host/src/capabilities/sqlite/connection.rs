//! A connection while a guest holds it, and the transactions that an instance leaves open.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::Mutex;

use super::database::{Database, PooledConnection, abandon};
use crate::capabilities::bindings::spin::sqlite::sqlite::Error;
use crate::scheduling::semaphore::Permit;

/// A connection while a guest holds it.
pub(crate) struct OpenConnection {
    pub(super) database: Arc<Database>,
    /// Away while a statement runs on another thread.
    pub(super) connection: Option<PooledConnection>,
    /// Present from the first writing statement to the end of its transaction.
    pub(super) writing: Option<Permit>,
    /// How long the guest wants its statements to wait for other writers, if it has said so.
    pub(super) busy_time: Option<Duration>,
    /// Under a fault plan nothing depends on how long things take: the plan says which statement finds a writer in its way.
    pub(super) is_planned: bool,
    /// Whether the transaction that is open is a migration.
    pub(super) migrates: bool,
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
    /// Takes a connection of a database; under a fault plan statements wait in the plan's own order.
    pub(super) fn new(database: &Arc<Database>, is_planned: bool) -> Result<Self, rusqlite::Error> {
        Ok(Self {
            connection: Some(database.take()?),
            database: Arc::clone(database),
            writing: None,
            busy_time: None,
            is_planned,
            migrates: false,
        })
    }

    fn roll_back(&mut self) {
        if let Some(connection) = &self.connection
            && !connection.sqlite.is_autocommit()
            && let Err(cause) = connection.sqlite.execute_batch("ROLLBACK")
        {
            tracing::error!(database = %self.database.label, "rollback failed: {cause}");
        }
        self.writing = None;
    }

    pub(super) fn sqlite(&self) -> Result<&Connection, Error> {
        self.pooled().map(|connection| &connection.sqlite)
    }

    pub(super) fn pooled(&self) -> Result<&PooledConnection, Error> {
        self.connection.as_ref().ok_or(Error::InvalidConnection)
    }

    /// Takes another connection after the database was closed for a while; fails while it is.
    pub(super) fn renew(&mut self) -> Result<(), rusqlite::Error> {
        let health = &self.database.health;
        if let Some(damage) = health.damage() {
            return Err(self.database.closed(&damage));
        }
        let is_old = |connection: &PooledConnection| connection.generation != health.generation();
        if self.connection.as_ref().is_some_and(is_old) {
            self.roll_back();
            if let Some(old) = self.connection.take() {
                abandon(old);
            }
            self.connection = Some(self.database.take()?);
        }
        Ok(())
    }
}
