//! Statements that run on another thread than the one that their request has begun on.
//!
//! SQLite cannot move a statement that runs. One that only reads, outside a transaction, can be begun again: it runs for a
//! moment where it is begun, is interrupted, and begins again on a thread of low priority, of which there are at most half as
//! many as cores. Its text is remembered until it has been short for some times, and begins there: first on a thread where it is found out whether
//! it is long this time, too, so that short ones do not wait behind long ones. Those who wait do so in bounded queues, in
//! rotation between clients. A migration, and a statement of a transaction that is known to be long, gets a thread of its
//! own: those hold the writer lock, so there is one for each database at most, and it must not be slowed down.

use std::sync::Arc;
use std::time::Instant;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::held::Held;
use super::query::{QueryError, Terms, query};
use super::watch::{Bound, Watch};
use crate::bindings::spin::sqlite::sqlite::{QueryResult, Value};
use crate::client::Client;
use crate::error::Result;
use crate::limits::{LONG_READ_QUEUE_TIME, LONG_READS_WAITING, PROBED_READS_WAITING};
use crate::metrics::Metrics;
use crate::pace::Pace;
use crate::presence::Presence;
use crate::turns::QueueLimits;
use crate::workers::{Workers, half_of_the_cores};

/// The threads for statements that read for long.
pub(crate) struct LongReads {
    probes: Arc<Workers>,
    longs: Arc<Workers>,
}

/// Whom a statement runs for.
pub(super) struct Caller<'a> {
    /// None under a fault plan: every statement runs where it is begun.
    pub reads: Option<&'a LongReads>,
    pub presence: &'a Presence,
    pub pace: &'a Pace,
    pub client: Option<Client>,
    pub metrics: &'a Metrics,
}

/// Where a statement runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// On the thread of its request.
    Here,
    /// Where it is found out whether it is long.
    Probe,
    /// Among the long ones.
    Long,
    /// On a thread of its own.
    Apart,
}

impl LongReads {
    /// Starts the threads.
    pub(crate) fn start(runtime: &Handle) -> Result<Self> {
        let start = |name, (all, per_client)| {
            let limits = QueueLimits { all, per_client };
            Workers::start(name, half_of_the_cores(), limits, runtime)
        };
        Ok(Self {
            probes: start("probe-read", PROBED_READS_WAITING)?,
            longs: start("long-read", LONG_READS_WAITING)?,
        })
    }

    /// Ends the threads; blocks until what they do now is done.
    pub(crate) fn close(&self) {
        self.probes.close();
        self.longs.close();
    }
}

impl Held {
    /// Runs a statement that reads on a thread of low priority. Whoever has left is not waited for.
    pub(super) async fn read_elsewhere(
        &mut self,
        place: Place,
        text: &str,
        parameters: &[Value],
        caller: &Caller<'_>,
    ) -> Result<QueryResult, QueryError> {
        let reads = caller.reads.ok_or(QueryError::Closed)?;
        caller.pace.let_go();
        let (workers, bound) = match place {
            Place::Probe => (&reads.probes, Bound::Probe),
            _ => (&reads.longs, Bound::Long),
        };
        let waiting = workers
            .turns()
            .queue(caller.client)
            .map_err(|_| QueryError::Crowded)?;
        let turn = tokio::select! {
            biased;
            () = caller.presence.left() => return Err(QueryError::Deserted),
            turn = timeout(LONG_READ_QUEUE_TIME, waiting) => turn
                .map_err(|_| QueryError::Crowded)?
                .map_err(|_| QueryError::Crowded)?,
        };
        let connection = self.connection.take().ok_or(QueryError::Closed)?;
        let watch = Deserting(Arc::clone(&connection.watch));
        watch.0.set_deserted(false);
        let database = Arc::clone(&self.database);
        let (text, parameters) = (text.to_owned(), parameters.to_vec());
        let (done, mut result) = oneshot::channel();
        workers.run(turn, move |turn| {
            let terms = Terms {
                may_write: false,
                reads: bound,
                writes: Bound::Write,
            };
            let result = query(&connection, &text, &parameters, terms);
            drop(turn);
            if let Err((connection, _)) = done.send((connection, result)) {
                database.give_back(connection);
            }
        });
        let returned = tokio::select! {
            biased;
            returned = &mut result => returned,
            () = caller.presence.left() => {
                watch.0.set_deserted(true);
                result.await
            }
        };
        let (connection, result) = returned.map_err(|_| QueryError::Closed)?;
        self.connection = Some(connection);
        result
    }

    /// Runs a statement on a thread of its own.
    pub(super) async fn run_apart(
        &mut self,
        text: &str,
        parameters: &[Value],
        terms: Terms,
        caller: &Caller<'_>,
    ) -> Result<QueryResult, QueryError> {
        let started = Instant::now();
        let connection = self.connection.take().ok_or(QueryError::Closed)?;
        let (text, parameters) = (text.to_owned(), parameters.to_vec());
        let running = tokio::task::spawn_blocking(move || {
            let result = query(&connection, &text, &parameters, terms);
            (connection, result)
        });
        let (connection, result) = running.await.map_err(|_| QueryError::Closed)?;
        self.connection = Some(connection);
        if self.migrates {
            caller.presence.excuse(started.elapsed());
        }
        result
    }
}

/// Says so when nobody waits for a statement's rows any more.
struct Deserting(Arc<Watch>);

impl Drop for Deserting {
    fn drop(&mut self) {
        self.0.set_deserted(true);
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
