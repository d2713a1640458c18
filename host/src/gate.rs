//! The gate before the instances: which requests run now, and which wait for a turn.
//!
//! A request that is cheap must not wait behind many that are not, and nobody's must wait behind all of another's. So of
//! each kind only some run at a time: fewest of the reads that cost much (lists, searches, and whatever else takes more
//! than a moment of a processor), more of the other reads, and some that write; one account's leave others half of the
//! cores, and one client's are no more than there are cores while others want something. All others wait, without an instance, in bounded queues that are fair between clients. Which paths cost much
//! shows when they are answered: the processor time of one request in some is taken.

use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use http::{HeaderValue, Method, Request, header};
use tokio::time::timeout;

use crate::client::Client;
use crate::limits::{
    COSTLY_READ_PROCESSOR_TIME, COSTLY_READ_SAMPLE, Limits, OTHER_READS_PER_CORE, WRITES_PER_CORE,
};
use crate::recent::Recent;
use crate::shares::{Entered, Most, Running, Shares};
use crate::turns::{Full, QueueLimits, Turn, Turns};
use crate::workers::half_of_the_cores;

/// Of what there are only so many turns, and which paths cost much.
pub(crate) struct Gate {
    costly_reads: Arc<Turns>,
    other_reads: Arc<Turns>,
    writes: Arc<Turns>,
    accounts: Arc<Shares>,
    clients: Arc<Shares>,
    queue_time: Duration,
    /// What cost much lately.
    costly_paths: Recent,
    /// Counts the reads.
    reads: AtomicU32,
}

/// What the gate looks at.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'r> {
    method: &'r Method,
    path: &'r str,
    /// What says whose request it is.
    credentials: Option<&'r HeaderValue>,
}

impl<'r, B> From<&'r Request<B>> for Asked<'r> {
    fn from(request: &'r Request<B>) -> Self {
        Self {
            method: request.method(),
            path: request.uri().path(),
            credentials: request.headers().get(header::AUTHORIZATION),
        }
    }
}

/// A request's turns.
pub(crate) struct Admitted {
    /// Among all that want a processor, and among those of its client.
    processor: Option<(Turn, Running)>,
    /// Among those of its account.
    _account: Running,
}

impl Admitted {
    /// Lets others have the processor, but not others of the same account.
    pub(crate) fn let_go_of_processor(&mut self) {
        self.processor = None;
    }
}

/// A read whose cost will be known.
pub(crate) struct Sampled {
    gate: Arc<Gate>,
    path: String,
}

impl Gate {
    pub(crate) fn new(limits: &Limits) -> Arc<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let queue = QueueLimits {
            all: limits.requests_waiting,
            per_client: limits.requests_waiting_per_client,
        };
        Arc::new(Self {
            costly_reads: Turns::new(cores, queue),
            other_reads: Turns::new(cores * OTHER_READS_PER_CORE, queue),
            writes: Turns::new(cores * WRITES_PER_CORE, queue),
            accounts: Shares::new(Most {
                alone: cores,
                beside_others: half_of_the_cores(),
                waiting: limits.requests_waiting_per_client,
            }),
            clients: Shares::new(Most {
                alone: usize::MAX,
                beside_others: cores,
                waiting: limits.requests_waiting_per_client,
            }),
            queue_time: limits.queue_time,
            costly_paths: Recent::default(),
            reads: AtomicU32::new(0),
        })
    }

    /// Waits until the request may run.
    pub(crate) async fn admit(
        &self,
        asked: Asked<'_>,
        client: Option<Client>,
    ) -> Result<Admitted, Full> {
        let turns = if !is_safe(asked.method) {
            &self.writes
        } else if self.costly_paths.has(asked.path) {
            &self.costly_reads
        } else {
            &self.other_reads
        };
        // Whoever waits for others of the same account keeps no place among those of the client.
        let credentials = asked.credentials.map(HeaderValue::as_bytes);
        let account = self.share(&self.accounts, credentials).await?;
        let of_client = self.share(&self.clients, client).await?;
        let turn = match turns.try_take() {
            Some(turn) => turn,
            None => self.in_time(turns.queue(client)?).await.ok_or(Full)??,
        };
        Ok(Admitted {
            processor: Some((turn, of_client)),
            _account: account,
        })
    }

    async fn share(&self, shares: &Arc<Shares>, owner: Option<impl Hash>) -> Result<Running, Full> {
        match shares.enter(owner)? {
            Entered::Runs(running) => Ok(running),
            Entered::Waits(waiting) => self.in_time(waiting).await.ok_or(Full),
        }
    }

    async fn in_time<T>(&self, waiting: impl Future<Output = T>) -> Option<T> {
        timeout(self.queue_time, waiting).await.ok()
    }

    /// One read in some, whose processor time is to be taken.
    pub(crate) fn sample(self: &Arc<Self>, asked: Asked<'_>) -> Option<Sampled> {
        if !is_safe(asked.method) {
            return None;
        }
        let count = self.reads.fetch_add(1, Ordering::Relaxed);
        count.is_multiple_of(COSTLY_READ_SAMPLE).then(|| Sampled {
            gate: Arc::clone(self),
            path: asked.path.to_owned(),
        })
    }
}

impl Sampled {
    /// The read has used so much processor time.
    pub(crate) fn cost(self, used: Duration) {
        if used >= COSTLY_READ_PROCESSOR_TIME {
            self.gate.costly_paths.note(&self.path);
        } else {
            self.gate.costly_paths.note_exception(&self.path);
        }
    }
}

/// Whether a request asks for nothing but its answer (RFC 9110 section 9.2.1).
pub(crate) fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use futures::FutureExt;

    use super::*;

    const LONG: Duration = COSTLY_READ_PROCESSOR_TIME;

    fn gate() -> Arc<Gate> {
        Gate::new(&Limits::default())
    }

    fn client(number: u8) -> Option<Client> {
        Some(Client::from(IpAddr::from([192, 0, 2, number])))
    }

    fn cores() -> usize {
        std::thread::available_parallelism().map_or(1, usize::from)
    }

    fn get(path: &'static str) -> Request<()> {
        let mut request = Request::new(());
        *request.uri_mut() = path.parse().unwrap();
        request
    }

    fn post(account: Option<&'static str>) -> Request<()> {
        let mut request = get("/orders");
        *request.method_mut() = Method::POST;
        if let Some(account) = account {
            let credentials = HeaderValue::from_static(account);
            request
                .headers_mut()
                .insert(header::AUTHORIZATION, credentials);
        }
        request
    }

    fn read(gate: &Arc<Gate>, path: &'static str, used: Duration) {
        for _ in 0..COSTLY_READ_SAMPLE {
            if let Some(sampled) = gate.sample(Asked::from(&get(path))) {
                sampled.cost(used);
            }
        }
    }

    /// As many as run at a time.
    fn at_a_time(gate: &Arc<Gate>, request: &Request<()>, client: Option<Client>) -> Vec<Admitted> {
        let admitted = std::iter::from_fn(|| gate.admit(request.into(), client).now_or_never());
        admitted.map_while(Result::ok).collect()
    }

    #[tokio::test]
    async fn of_what_has_cost_much_fewer_run_at_a_time() {
        let gate = gate();
        read(&gate, "/list", LONG);
        read(&gate, "/one", LONG / 2);
        let costly = at_a_time(&gate, &get("/list"), None);
        let others = at_a_time(&gate, &get("/one"), None);
        assert_eq!(
            (costly.len(), others.len()),
            (cores(), cores() * OTHER_READS_PER_CORE)
        );
        drop(costly);
        assert!(at_a_time(&gate, &get("/one"), client(1)).is_empty());
        assert_eq!(at_a_time(&gate, &get("/list"), client(1)).len(), cores());
        let writes = at_a_time(&gate, &post(None), None);
        assert_eq!(writes.len(), cores() * WRITES_PER_CORE);
    }

    #[tokio::test]
    async fn as_many_run_as_there_are_cores_and_clients_take_turns() {
        let gate = gate();
        let list = get("/list");
        read(&gate, "/list", LONG);
        // The one more has left its queue.
        let running = at_a_time(&gate, &list, client(1));
        let mut flood: Vec<_> = (0..9)
            .map(|_| Box::pin(gate.admit(Asked::from(&list), client(1))))
            .collect();
        for waiting in &mut flood {
            assert!(waiting.now_or_never().is_none());
        }
        let mut other = Box::pin(gate.admit(Asked::from(&list), client(2)));
        assert!((&mut other).now_or_never().is_none());
        drop(running);
        let first = (&mut flood[0]).now_or_never();
        assert!(first.is_some());
        drop(first);
        assert!((&mut other).now_or_never().is_some());
    }

    #[tokio::test]
    async fn an_account_leaves_others_of_the_same_client_half_of_the_cores() {
        let gate = gate();
        let (flooder, other) = (post(Some("Bearer a")), post(Some("Bearer b")));
        let mut running = at_a_time(&gate, &flooder, client(1));
        assert_eq!(running.len(), cores());
        let mut waiting = Box::pin(gate.admit(Asked::from(&flooder), client(1)));
        assert!((&mut waiting).now_or_never().is_none());
        assert_eq!(
            at_a_time(&gate, &other, client(1)).len(),
            half_of_the_cores()
        );
        running.clear();
        assert!(waiting.now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_client_has_no_more_than_the_cores_beside_others() {
        let gate = gate();
        let of_somebody_else = at_a_time(&gate, &post(None), client(1));
        assert_eq!(of_somebody_else.len(), cores() * WRITES_PER_CORE);
        let one = get("/one");
        assert_eq!(at_a_time(&gate, &one, client(2)).len(), cores());
        drop(of_somebody_else);
        let alone = at_a_time(&gate, &one, client(2));
        assert_eq!(alone.len(), cores() * OTHER_READS_PER_CORE);
    }

    #[tokio::test]
    async fn what_waits_for_the_database_keeps_its_account_waiting_and_nobody_else() {
        let gate = gate();
        let flooder = post(Some("Bearer a"));
        let mut running = at_a_time(&gate, &flooder, client(1));
        let mut rest = at_a_time(&gate, &post(None), client(1));
        assert!(at_a_time(&gate, &post(None), client(2)).is_empty());
        for admitted in &mut running {
            admitted.let_go_of_processor();
        }
        assert!(at_a_time(&gate, &flooder, client(1)).is_empty());
        rest.append(&mut at_a_time(&gate, &post(None), client(2)));
        assert_eq!(rest.len(), cores() * WRITES_PER_CORE);
    }
}
