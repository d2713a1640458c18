//! How a statement runs: on which thread, when it may write, and what becomes of one that finds the database busy.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::background::{StatementContext, Thread};
use super::connection::OpenConnection;
use super::database::{BUSY_PAUSES_MS, is_busy, is_full};
use super::query::{QueryError, StatementLimits, io, query, refusal};
use super::time_limit::{StatementTimer, TimeLimit};
use crate::capabilities::bindings::spin::sqlite::sqlite::{Error, QueryResult, RowResult, Value};
use crate::client::Client;
use crate::limits::LONG_READ_QUEUE_TIME;
use crate::scheduling::semaphore::Permit;

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

impl OpenConnection {
    /// Where the statement begins.
    pub(super) fn thread_of(
        &self,
        statement: &str,
        context: &StatementContext<'_>,
    ) -> Result<Thread, Error> {
        if context.reads.is_none() {
            Ok(Thread::Request)
        } else if self.migrates {
            Ok(Thread::Own)
        } else if self.writing.is_some() {
            let is_slow = self.database.slow.has(statement);
            Ok(if is_slow {
                Thread::Own
            } else {
                Thread::Request
            })
        } else if self.database.long.has(statement) && self.sqlite()?.is_autocommit() {
            Ok(Thread::Probe)
        } else {
            Ok(Thread::Request)
        }
    }

    /// What a statement may do and take on the thread of its request, or on one of its own.
    pub(super) fn limits(&self, context: &StatementContext<'_>) -> StatementLimits {
        let (reads, writes) = match (context.reads, self.migrates) {
            (None, _) => (TimeLimit::None, TimeLimit::None),
            (Some(_), true) => (TimeLimit::Inline, TimeLimit::None),
            (Some(_), false) => (TimeLimit::Inline, TimeLimit::Write),
        };
        StatementLimits {
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
        context: &StatementContext<'_>,
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
        let result = self.try_until_free(statement, parameters, context).await;
        if self.sqlite()?.is_autocommit() {
            self.migrates = false;
            if self.writing.take().is_some() {
                self.let_the_next_one_write().await;
            }
        }
        result
    }

    /// Who waited for the permit has it now, and was put into the queue of this thread: it goes first. Otherwise this guest
    /// would go on computing, with nobody writing meanwhile.
    async fn let_the_next_one_write(&mut self) {
        if !self.is_planned && self.database.writer.is_all_taken() {
            tokio::task::yield_now().await;
        }
    }

    /// How long a statement waits for other writers now: never longer than [`BUSY_TIME`].
    fn patience(&self) -> Duration {
        let patience = self.database.patience();
        self.busy_time.map_or(patience, |time| time.min(patience))
    }

    /// Waits for the permit to write. Of several clients each gets it in rotation, however many requests one of them has.
    async fn wait_for_writer(&mut self, client: Option<Client>) -> Result<Permit, Error> {
        let locked = || Error::Io("database is locked".into());
        // A plan counts on first come, first served.
        let client = client.filter(|_| !self.is_planned);
        let waiting = self.database.writer.acquire(client).map_err(|_| locked())?;
        if self.is_planned {
            return waiting.await.map_err(|_| locked());
        }
        let permit = timeout(self.patience(), waiting).await;
        permit.map_err(|_| locked())?.map_err(|_| locked())
    }

    /// While another process holds the database, tries again until [`BUSY_TIME`] is over. A statement that SQLite
    /// refused as busy has changed nothing.
    async fn try_until_free(
        &mut self,
        statement: &str,
        parameters: &[Value],
        context: &StatementContext<'_>,
    ) -> Result<QueryResult, Error> {
        self.migrates |= self.writing.is_some() && is_of_a_migration(statement);
        let mut place = self.thread_of(statement, context)?;
        let started = Instant::now();
        let mut pauses = BUSY_PAUSES_MS.iter();
        let mut pause = Duration::ZERO;
        loop {
            let attempt = match place {
                Thread::Request => {
                    query(self.pooled()?, statement, parameters, self.limits(context))
                }
                Thread::Probe | Thread::Long => {
                    self.read_in_background(place, statement, parameters, context)
                        .await
                }
                Thread::Own => {
                    let limits = self.limits(context);
                    self.run_on_own_thread(statement, parameters, limits, context)
                        .await
                }
            };
            match attempt {
                Err(QueryError::Writes) => {
                    context.request.begin_waiting();
                    self.writing = Some(self.wait_for_writer(context.request.client).await?);
                    self.database.look_briefly().map_err(io)?;
                    if place != Thread::Request {
                        place = Thread::Own;
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
                    context.request.begin_waiting();
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
                    context.metrics.long_reads.inc();
                    place = Thread::Long;
                    continue;
                }
                Err(error) => {
                    if matches!(error, QueryError::TooLong(_) | QueryError::QueueFull) {
                        context.metrics.long_reads_refused.inc();
                        context.request.refuse();
                    }
                    return Err(refusal(&error));
                }
                Ok(result) => {
                    if self.writing.is_some() {
                        if self.pooled()?.timer.was_slow() {
                            self.database.slow.note(statement);
                        }
                        self.database.note_free();
                    } else if place == Thread::Probe {
                        self.database.long.note_exception(statement);
                    }
                    return Ok(result);
                }
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// Runs a statement that reads on a thread of low priority. It ends when the request is abandoned.
    pub(super) async fn read_in_background(
        &mut self,
        place: Thread,
        text: &str,
        parameters: &[Value],
        context: &StatementContext<'_>,
    ) -> Result<QueryResult, QueryError> {
        let reads = context.reads.ok_or(QueryError::Closed)?;
        context.request.cpu.release_permits();
        let (workers, bound) = match place {
            Thread::Probe => (&reads.probes, TimeLimit::Probe),
            _ => (&reads.longs, TimeLimit::Long),
        };
        let waiting = workers
            .permits()
            .acquire(context.request.client)
            .map_err(|_| QueryError::QueueFull)?;
        let permit = tokio::select! {
            biased;
            () = context.request.abandoned() => return Err(QueryError::Abandoned),
            permit = timeout(LONG_READ_QUEUE_TIME, waiting) => permit
                .map_err(|_| QueryError::QueueFull)?
                .map_err(|_| QueryError::QueueFull)?,
        };
        let connection = self.connection.take().ok_or(QueryError::Closed)?;
        let timer = AbandonOnDrop(Arc::clone(&connection.timer));
        timer.0.set_abandoned(false);
        let database = Arc::clone(&self.database);
        let (text, parameters) = (text.to_owned(), parameters.to_vec());
        let (done, mut result) = oneshot::channel();
        workers.run(permit, move |permit| {
            let limits = StatementLimits {
                may_write: false,
                reads: bound,
                writes: TimeLimit::Write,
            };
            let result = query(&connection, &text, &parameters, limits);
            drop(permit);
            if let Err((connection, _)) = done.send((connection, result)) {
                database.give_back(connection);
            }
        });
        let returned = tokio::select! {
            biased;
            returned = &mut result => returned,
            () = context.request.abandoned() => {
                timer.0.set_abandoned(true);
                result.await
            }
        };
        let (connection, result) = returned.map_err(|_| QueryError::Closed)?;
        self.connection = Some(connection);
        result
    }

    /// Runs a statement on a thread of its own.
    pub(super) async fn run_on_own_thread(
        &mut self,
        text: &str,
        parameters: &[Value],
        limits: StatementLimits,
        context: &StatementContext<'_>,
    ) -> Result<QueryResult, QueryError> {
        let started = Instant::now();
        let connection = self.connection.take().ok_or(QueryError::Closed)?;
        let (text, parameters) = (text.to_owned(), parameters.to_vec());
        let running = tokio::task::spawn_blocking(move || {
            let result = query(&connection, &text, &parameters, limits);
            (connection, result)
        });
        let (connection, result) = running.await.map_err(|_| QueryError::Closed)?;
        self.connection = Some(connection);
        if self.migrates {
            context.request.exclude(started.elapsed());
        }
        result
    }
}

/// Interrupts the statement when it is dropped: its request was abandoned.
struct AbandonOnDrop(Arc<StatementTimer>);

impl Drop for AbandonOnDrop {
    fn drop(&mut self) {
        self.0.set_abandoned(true);
    }
}

/// Whether a statement belongs to a migration: it changes the schema, or asks for the version that the schema has.
pub(super) fn is_of_a_migration(text: &str) -> bool {
    const WORDS: [&str; 5] = ["CREATE", "ALTER", "DROP", "REINDEX", "PRAGMA USER_VERSION"];
    let text = text.trim_start();
    WORDS.iter().any(|word| {
        text.get(..word.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(word))
    })
}
