//! A connection while a guest holds it, and the transactions it leaves open.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::damage::abandon;
use super::database::{BUSY_PAUSES_MS, Database, PooledConnection};
use super::elsewhere::{Caller, Place, is_of_a_migration};
use super::query::{QueryError, Terms, io, is_busy, is_full, query, refusal};
use super::watch::Bound;
use crate::bindings::spin::sqlite::sqlite::{Error, QueryResult, RowResult, Value};
use crate::client::Client;
use crate::turns::Turn;

/// A pragma whose effect the runner already provides, with the row that SQLite would answer.
fn answered_here(statement: &str) -> Option<(&'static str, Value)> {
    const PRAGMA: &str = "pragma";
    let statement = statement.trim();
    if !statement.get(..PRAGMA.len())?.eq_ignore_ascii_case(PRAGMA) {
        return None;
    }
    let statement = statement.trim_end_matches(';').to_ascii_lowercase();
    let (name, value) = statement.get(PRAGMA.len()..)?.split_once(['=', '('])?;
    let value = value.trim().trim_end_matches(')').trim().trim_matches('\'');
    match name.trim() {
        "busy_timeout" => Some(("timeout", Value::Integer(value.parse().ok()?))),
        "journal_mode" if value == "wal" => Some(("journal_mode", Value::Text("wal".into()))),
        _ => None,
    }
}

/// A connection while a guest holds it.
pub(super) struct Held {
    pub(super) database: Arc<Database>,
    pub(super) connection: Option<PooledConnection>,
    /// Present from the first writing statement to the end of its transaction.
    pub(super) writing: Option<Turn>,
    /// How long the guest wants its statements to wait for other writers, if it has said so.
    pub(super) busy_time: Option<Duration>,
    /// Under a fault plan nothing depends on how long things take: the plan says which statement finds a writer in its way.
    pub(super) is_planned: bool,
    /// Whether the transaction that is open is a migration.
    pub(super) migrates: bool,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.roll_back();
        if let Some(connection) = self.connection.take() {
            self.database.give_back(connection);
        }
    }
}

/// Connections of an instance that are inside a transaction.
#[derive(Default)]
pub(crate) struct OpenTransactions(Vec<Arc<tokio::sync::Mutex<Held>>>);

impl OpenTransactions {
    pub(super) fn note(&mut self, connection: &Arc<tokio::sync::Mutex<Held>>, open: bool) {
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
            if let Ok(mut held) = connection.try_lock() {
                held.roll_back();
                any = true;
            }
        }
        any
    }
}

impl Held {
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

    fn pooled(&self) -> Result<&PooledConnection, Error> {
        self.connection.as_ref().ok_or(Error::InvalidConnection)
    }

    /// Where the statement begins.
    pub(super) fn place_of(&self, statement: &str, caller: &Caller<'_>) -> Result<Place, Error> {
        if caller.reads.is_none() {
            Ok(Place::Here)
        } else if self.migrates {
            Ok(Place::Apart)
        } else if self.writing.is_some() {
            let is_slow = self.database.slow.has(statement);
            Ok(if is_slow { Place::Apart } else { Place::Here })
        } else if self.database.long.has(statement) && self.sqlite()?.is_autocommit() {
            Ok(Place::Probe)
        } else {
            Ok(Place::Here)
        }
    }

    /// What a statement may do and take on the thread of its request, or on one of its own.
    pub(super) fn terms(&self, caller: &Caller<'_>) -> Terms {
        let (reads, writes) = match (caller.reads, self.migrates) {
            (None, _) => (Bound::None, Bound::None),
            (Some(_), true) => (Bound::Inline, Bound::None),
            (Some(_), false) => (Bound::Inline, Bound::Write),
        };
        Terms {
            may_write: self.writing.is_some(),
            reads,
            writes,
        }
    }

    /// Runs the first statement of the text.
    pub(super) async fn run(
        &mut self,
        statement: &str,
        parameters: &[Value],
        caller: &Caller<'_>,
    ) -> Result<QueryResult, Error> {
        if let Some((column, value)) = answered_here(statement) {
            if let ("timeout", Value::Integer(ms)) = (column, &value) {
                self.busy_time = Some(Duration::from_millis(u64::try_from(*ms).unwrap_or(0)));
            }
            return Ok(QueryResult {
                columns: vec![column.into()],
                rows: vec![RowResult {
                    values: vec![value],
                }],
            });
        }
        self.renew().map_err(io)?;
        let result = self.try_until_free(statement, parameters, caller).await;
        if self.sqlite()?.is_autocommit() {
            self.writing = None;
            self.migrates = false;
        }
        result
    }

    /// Takes another connection after the database was closed for a while; fails while it is.
    fn renew(&mut self) -> Result<(), rusqlite::Error> {
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

    /// How long a statement waits for other writers now: never longer than [`BUSY_TIME`].
    fn patience(&self) -> Duration {
        let patience = self.database.patience();
        self.busy_time.map_or(patience, |time| time.min(patience))
    }

    /// Of several clients that write, each has its turn, however many requests one of them has.
    async fn wait_for_writer(&mut self, client: Option<Client>) -> Result<Turn, Error> {
        let locked = || Error::Io("database is locked".into());
        // A plan counts on first come, first served.
        let client = client.filter(|_| !self.is_planned);
        let waiting = self.database.writer.queue(client).map_err(|_| locked())?;
        if self.is_planned {
            return waiting.await.map_err(|_| locked());
        }
        let turn = tokio::time::timeout(self.patience(), waiting).await;
        turn.map_err(|_| locked())?.map_err(|_| locked())
    }

    /// While another process holds the database, tries again until [`BUSY_TIME`] is over. A statement that SQLite
    /// refused as busy has changed nothing.
    async fn try_until_free(
        &mut self,
        statement: &str,
        parameters: &[Value],
        caller: &Caller<'_>,
    ) -> Result<QueryResult, Error> {
        self.migrates |= self.writing.is_some() && is_of_a_migration(statement);
        let mut place = self.place_of(statement, caller)?;
        let started = Instant::now();
        let mut pauses = BUSY_PAUSES_MS.iter();
        let mut pause = Duration::ZERO;
        loop {
            let attempt = match place {
                Place::Here => query(self.pooled()?, statement, parameters, self.terms(caller)),
                Place::Probe | Place::Long => {
                    self.read_elsewhere(place, statement, parameters, caller)
                        .await
                }
                Place::Apart => {
                    let terms = self.terms(caller);
                    self.run_apart(statement, parameters, terms, caller).await
                }
            };
            match attempt {
                Err(QueryError::Writes) => {
                    caller.pace.let_go_of_processor();
                    self.writing = Some(self.wait_for_writer(caller.client).await?);
                    self.database.look_briefly().map_err(io)?;
                    if place != Place::Here {
                        place = Place::Apart;
                    }
                    continue;
                }
                Err(QueryError::Sqlite(cause)) if is_busy(&cause) => {
                    let waited = started.elapsed();
                    if waited >= self.patience() {
                        if waited >= self.database.patience() {
                            self.database.note_stuck();
                        }
                        return Err(io(cause));
                    }
                    pause = pauses.next().map_or(pause, |ms| Duration::from_millis(*ms));
                }
                Err(QueryError::Sqlite(cause)) => {
                    if is_full(&cause) {
                        self.database.report_full();
                    }
                    self.database.note_failure(&cause);
                    return Err(io(cause));
                }
                Err(QueryError::Long) => {
                    self.database.long.note(statement);
                    caller.metrics.long_read();
                    place = Place::Long;
                    continue;
                }
                Err(error) => {
                    if matches!(error, QueryError::TooLong(_) | QueryError::Crowded) {
                        caller.metrics.long_read_refused();
                        caller.presence.refuse();
                    }
                    return Err(refusal(&error));
                }
                Ok(result) => {
                    if self.writing.is_some() {
                        if self.pooled()?.watch.was_slow() {
                            self.database.slow.note(statement);
                        }
                        self.database.note_free();
                    } else if place == Place::Probe {
                        self.database.long.note_exception(statement);
                    }
                    return Ok(result);
                }
            }
            tokio::time::sleep(pause).await;
        }
    }
}
