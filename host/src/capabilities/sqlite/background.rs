//! Threads for statements that read for long.
//!
//! SQLite cannot move a statement that runs. One that only reads, outside a transaction, can be begun again: it runs for a
//! moment where it is begun, is interrupted, and begins again on a thread of low priority, of which there are at most half as
//! many as cores. Its text is remembered until it has been short for some times, and begins there: first on a thread that
//! finds out whether it is long this time, too, so that short ones do not wait behind long ones. Statements wait in bounded
//! queues, in rotation between clients. A migration, and a statement of a transaction that is known to be long, gets a
//! thread of its own: those hold the writer lock, so there is one for each database at most, and it must not be slowed down.

use std::sync::Arc;

use tokio::runtime::Handle;

use crate::error::Result;
use crate::limits::{LONG_READS_WAITING, PROBED_READS_WAITING};
use crate::observe::metrics::Metrics;
use crate::scheduling::request::CurrentRequest;
use crate::scheduling::semaphore::QueueLimits;
use crate::scheduling::workers::{Workers, half_of_the_cores};

/// The threads for statements that read for long.
pub(crate) struct LongReads {
    pub(super) probes: Arc<Workers>,
    pub(super) longs: Arc<Workers>,
}

/// The request that a statement runs for.
pub(super) struct StatementContext<'a> {
    /// None under a fault plan: every statement runs where it is begun.
    pub reads: Option<&'a LongReads>,
    pub request: &'a CurrentRequest,
    pub metrics: &'a Metrics,
}

/// Where a statement runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thread {
    /// On the thread of its request.
    Request,
    /// Where it is found out whether it is long.
    Probe,
    /// Among the long ones.
    Long,
    /// On a thread of its own.
    Own,
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
