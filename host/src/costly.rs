//! Reads that cost much: lists, searches, and whatever else takes more than a moment of a processor.
//!
//! One that is cheap must not wait behind many that are not, so of those only as many run at a time as there are cores; and
//! one client's must not wait behind all of another's, so of the cheap ones, too, only some run at a time. All others wait,
//! without an instance, in bounded queues that are fair between clients. Which paths cost much shows when they are answered:
//! the processor time of one request in some is taken.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::client::Client;
use crate::limits::{COSTLY_READ_PROCESSOR_TIME, COSTLY_READ_SAMPLE, Limits, OTHER_READS_PER_CORE};
use crate::recent::Recent;
use crate::turns::{Full, QueueLimits, Turn, Turns};

/// The paths that cost much, and the turns at them.
pub(crate) struct CostlyReads {
    costly: Arc<Turns>,
    others: Arc<Turns>,
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

impl CostlyReads {
    pub(crate) fn new(limits: &Limits) -> Arc<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let queue = QueueLimits {
            all: limits.requests_waiting,
            per_client: limits.requests_waiting_per_client,
        };
        Arc::new(Self {
            costly: Turns::new(cores, queue),
            others: Turns::new(cores * OTHER_READS_PER_CORE, queue),
            queue_time: limits.queue_time,
            paths: Recent::default(),
            reads: AtomicU32::new(0),
        })
    }

    /// Waits for a turn, among those that cost much or among the others.
    pub(crate) async fn turn(&self, path: &str, client: Option<Client>) -> Result<Turn, Full> {
        let turns = if self.paths.has(path) {
            &self.costly
        } else {
            &self.others
        };
        if let Some(turn) = turns.try_take() {
            return Ok(turn);
        }
        let waiting = turns.queue(client)?;
        tokio::time::timeout(self.queue_time, waiting)
            .await
            .unwrap_or(Err(Full))
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

    /// As many as run at a time.
    fn at_a_time(reads: &Arc<CostlyReads>, path: &str, client: Option<Client>) -> Vec<Turn> {
        let turns = std::iter::from_fn(|| reads.turn(path, client).now_or_never());
        turns.map_while(Result::ok).collect()
    }

    #[tokio::test]
    async fn of_what_has_cost_much_fewer_run_at_a_time() {
        let reads = reads();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        read(&reads, "/list", LONG);
        read(&reads, "/one", LONG / 2);
        let (costly, others) = (
            at_a_time(&reads, "/list", None),
            at_a_time(&reads, "/one", None),
        );
        assert_eq!(
            (costly.len(), others.len()),
            (cores, cores * OTHER_READS_PER_CORE)
        );
        drop(costly);
        assert!(at_a_time(&reads, "/one", client(1)).is_empty());
        assert_eq!(at_a_time(&reads, "/list", client(1)).len(), cores);
    }

    #[tokio::test]
    async fn as_many_run_as_there_are_cores_and_clients_take_turns() {
        let reads = reads();
        read(&reads, "/list", LONG);
        // The one more has left its queue.
        let running = at_a_time(&reads, "/list", client(1));
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
