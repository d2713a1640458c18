//! Reads that cost much: lists, searches, and whatever else takes more than a moment of a processor.
//!
//! One that is cheap must not wait behind many that are not, so of those only as many run at a time as there are cores. The
//! others wait, without an instance, in a bounded queue that is fair between clients. Which paths cost much shows when they
//! are answered: the processor time of one request in some is taken.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::client::Client;
use crate::limits::{COSTLY_READ_PROCESSOR_TIME, COSTLY_READ_SAMPLE, Limits};
use crate::recent::Recent;
use crate::turns::{QueueLimits, Turn, Turns};

/// The paths that cost much, and the turns at them.
pub(crate) struct CostlyReads {
    turns: Arc<Turns>,
    queue_time: Duration,
    /// What cost much lately.
    paths: Recent,
    /// Counts the reads.
    reads: AtomicU32,
}

/// A read whose cost will be known.
pub(crate) struct Sampled {
    reads: Arc<CostlyReads>,
    path: String,
}

/// Too many wait already, or it took too long.
#[derive(Debug)]
pub(crate) struct Crowded;

impl CostlyReads {
    pub(crate) fn new(limits: &Limits) -> Arc<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let queue = QueueLimits {
            all: limits.requests_waiting,
            per_client: limits.requests_waiting_per_client,
        };
        Arc::new(Self {
            turns: Turns::new(cores, queue),
            queue_time: limits.queue_time,
            paths: Recent::default(),
            reads: AtomicU32::new(0),
        })
    }

    /// Waits for a turn at a path that costs much; others need none.
    pub(crate) async fn turn(
        &self,
        path: &str,
        client: Option<Client>,
    ) -> Result<Option<Turn>, Crowded> {
        if !self.paths.has(path) {
            return Ok(None);
        }
        let waiting = self.turns.queue(client).map_err(|_| Crowded)?;
        let turn = tokio::time::timeout(self.queue_time, waiting).await;
        turn.map(Some).map_err(|_| Crowded)
    }

    /// One read in some, whose processor time is to be taken.
    pub(crate) fn sample(self: &Arc<Self>, path: &str) -> Option<Sampled> {
        let count = self.reads.fetch_add(1, Ordering::Relaxed);
        count.is_multiple_of(COSTLY_READ_SAMPLE).then(|| Sampled {
            reads: Arc::clone(self),
            path: path.to_owned(),
        })
    }
}

impl Sampled {
    /// The read has used so much processor time.
    pub(crate) fn cost(self, used: Duration) {
        if used >= COSTLY_READ_PROCESSOR_TIME {
            self.reads.paths.note(&self.path);
        } else {
            self.reads.paths.note_exception(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use futures::FutureExt;

    use super::*;

    const LONG: Duration = COSTLY_READ_PROCESSOR_TIME;

    fn reads() -> Arc<CostlyReads> {
        CostlyReads::new(&Limits::default())
    }

    fn client(number: u8) -> Option<Client> {
        Some(Client::from(IpAddr::from([192, 0, 2, number])))
    }

    fn read(reads: &Arc<CostlyReads>, path: &str, used: Duration) {
        for _ in 0..COSTLY_READ_SAMPLE {
            if let Some(sampled) = reads.sample(path) {
                sampled.cost(used);
            }
        }
    }

    fn turn(reads: &Arc<CostlyReads>, path: &str) -> Option<Turn> {
        reads.turn(path, None).now_or_never().unwrap().unwrap()
    }

    #[tokio::test]
    async fn only_what_has_cost_much_needs_a_turn() {
        let reads = reads();
        assert!(turn(&reads, "/list").is_none());
        read(&reads, "/list", LONG);
        read(&reads, "/one", LONG / 2);
        assert!(turn(&reads, "/list").is_some());
        assert!(turn(&reads, "/one").is_none());
    }

    #[tokio::test]
    async fn as_many_run_as_there_are_cores_and_clients_take_turns() {
        let reads = reads();
        read(&reads, "/list", LONG);
        let mut running = Vec::new();
        while let Some(Ok(turn)) = reads.turn("/list", client(1)).now_or_never() {
            running.push(turn);
        }
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        // The one more has left its queue.
        assert_eq!(running.len(), cores);
        let mut flood: Vec<_> = (0..9)
            .map(|_| Box::pin(reads.turn("/list", client(1))))
            .collect();
        for waiting in &mut flood {
            assert!(waiting.now_or_never().is_none());
        }
        let mut other = Box::pin(reads.turn("/list", client(2)));
        assert!((&mut other).now_or_never().is_none());
        drop(running);
        let first = (&mut flood[0]).now_or_never();
        assert!(first.is_some());
        drop(first);
        assert!((&mut other).now_or_never().is_some());
    }
}
