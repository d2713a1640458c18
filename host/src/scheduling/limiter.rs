//! Which requests run now, and which wait for a permit, before they get an instance.
//!
//! A cheap request must not wait behind many that cost much, nor one client's behind all of another's. So of
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
use crate::scheduling::owner_limits::{Entered, OwnerLimit, OwnerLimits, Slot};
use crate::scheduling::recent::Recent;
use crate::scheduling::semaphore::{FairSemaphore, Full, Permit, QueueLimits};
use crate::scheduling::workers::{cores, half_of_the_cores};

/// The permits for each kind of request, and which paths cost much.
pub(crate) struct RequestLimiter {
    costly_reads: Arc<FairSemaphore>,
    other_reads: Arc<FairSemaphore>,
    writes: Arc<FairSemaphore>,
    accounts: Arc<OwnerLimits>,
    clients: Arc<OwnerLimits>,
    queue_time: Duration,
    /// What cost much lately.
    costly_paths: Recent,
    /// Counts the reads.
    reads: AtomicU32,
}

/// What the limiter looks at.
#[derive(Clone, Copy)]
pub(crate) struct RequestInfo<'r> {
    method: &'r Method,
    path: &'r str,
    /// What says whose request it is.
    credentials: Option<&'r HeaderValue>,
}

impl<'r, B> From<&'r Request<B>> for RequestInfo<'r> {
    fn from(request: &'r Request<B>) -> Self {
        Self {
            method: request.method(),
            path: request.uri().path(),
            credentials: request.headers().get(header::AUTHORIZATION),
        }
    }
}

/// The permits of a request.
pub(crate) struct RequestPermits {
    /// Among all that want a processor, and among those of its client.
    processor: Option<(Permit, Slot)>,
    /// Among those of its account.
    _account: Slot,
}

impl RequestPermits {
    /// Lets others have the processor, but not others of the same account.
    pub(crate) fn release_processor(&mut self) {
        self.processor = None;
    }
}

/// A read whose cost will be known.
pub(crate) struct CpuSample {
    limiter: Arc<RequestLimiter>,
    path: String,
}

impl RequestLimiter {
    pub(crate) fn new(limits: &Limits) -> Arc<Self> {
        let cores = cores();
        let queue = QueueLimits {
            all: limits.requests_waiting,
            per_client: limits.requests_waiting_per_client,
        };
        Arc::new(Self {
            costly_reads: FairSemaphore::new(cores, queue),
            other_reads: FairSemaphore::new(cores * OTHER_READS_PER_CORE, queue),
            writes: FairSemaphore::new(cores * WRITES_PER_CORE, queue),
            accounts: OwnerLimits::new(OwnerLimit {
                alone: cores,
                beside_others: half_of_the_cores(),
                waiting: limits.requests_waiting_per_client,
            }),
            clients: OwnerLimits::new(OwnerLimit {
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
        info: RequestInfo<'_>,
        client: Option<Client>,
    ) -> Result<RequestPermits, Full> {
        let permits = if !is_safe(info.method) {
            &self.writes
        } else if self.costly_paths.has(info.path) {
            &self.costly_reads
        } else {
            &self.other_reads
        };
        // A request that waits for others of its account takes no place among those of its client.
        let credentials = info.credentials.map(HeaderValue::as_bytes);
        let account = self.share(&self.accounts, credentials).await?;
        let of_client = self.share(&self.clients, client).await?;
        let permit = match permits.try_acquire() {
            Some(permit) => permit,
            None => self.in_time(permits.acquire(client)?).await.ok_or(Full)??,
        };
        Ok(RequestPermits {
            processor: Some((permit, of_client)),
            _account: account,
        })
    }

    async fn share(
        &self,
        limits: &Arc<OwnerLimits>,
        owner: Option<impl Hash>,
    ) -> Result<Slot, Full> {
        match limits.enter(owner)? {
            Entered::Runs(running) => Ok(running),
            Entered::Waits(waiting) => self.in_time(waiting).await.ok_or(Full),
        }
    }

    async fn in_time<T>(&self, waiting: impl Future<Output = T>) -> Option<T> {
        timeout(self.queue_time, waiting).await.ok()
    }

    /// One read in some, whose processor time is to be taken.
    pub(crate) fn sample(self: &Arc<Self>, info: RequestInfo<'_>) -> Option<CpuSample> {
        if !is_safe(info.method) {
            return None;
        }
        let count = self.reads.fetch_add(1, Ordering::Relaxed);
        count.is_multiple_of(COSTLY_READ_SAMPLE).then(|| CpuSample {
            limiter: Arc::clone(self),
            path: info.path.to_owned(),
        })
    }
}

impl CpuSample {
    /// The read has used so much processor time.
    pub(crate) fn cost(self, used: Duration) {
        if used >= COSTLY_READ_PROCESSOR_TIME {
            self.limiter.costly_paths.note(&self.path);
        } else {
            self.limiter.costly_paths.note_exception(&self.path);
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

    fn limiter() -> Arc<RequestLimiter> {
        RequestLimiter::new(&Limits::default())
    }

    fn client(number: u8) -> Option<Client> {
        Some(Client::from(IpAddr::from([192, 0, 2, number])))
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

    fn read(limiter: &Arc<RequestLimiter>, path: &'static str, used: Duration) {
        for _ in 0..COSTLY_READ_SAMPLE {
            if let Some(sampled) = limiter.sample(RequestInfo::from(&get(path))) {
                sampled.cost(used);
            }
        }
    }

    /// As many as run at a time.
    fn at_a_time(
        limiter: &Arc<RequestLimiter>,
        request: &Request<()>,
        client: Option<Client>,
    ) -> Vec<RequestPermits> {
        let admitted = std::iter::from_fn(|| limiter.admit(request.into(), client).now_or_never());
        admitted.map_while(Result::ok).collect()
    }

    #[tokio::test]
    async fn of_what_has_cost_much_fewer_run_at_a_time() {
        let limiter = limiter();
        read(&limiter, "/list", LONG);
        read(&limiter, "/one", LONG / 2);
        let costly = at_a_time(&limiter, &get("/list"), None);
        let others = at_a_time(&limiter, &get("/one"), None);
        assert_eq!(
            (costly.len(), others.len()),
            (cores(), cores() * OTHER_READS_PER_CORE)
        );
        drop(costly);
        assert!(at_a_time(&limiter, &get("/one"), client(1)).is_empty());
        assert_eq!(at_a_time(&limiter, &get("/list"), client(1)).len(), cores());
        let writes = at_a_time(&limiter, &post(None), None);
        assert_eq!(writes.len(), cores() * WRITES_PER_CORE);
    }

    #[tokio::test]
    async fn as_many_run_as_there_are_cores_and_clients_take_turns() {
        let limiter = limiter();
        let list = get("/list");
        read(&limiter, "/list", LONG);
        // The one more has left its queue.
        let running = at_a_time(&limiter, &list, client(1));
        let mut flood: Vec<_> = (0..9)
            .map(|_| Box::pin(limiter.admit(RequestInfo::from(&list), client(1))))
            .collect();
        for waiting in &mut flood {
            assert!(waiting.now_or_never().is_none());
        }
        let mut other = Box::pin(limiter.admit(RequestInfo::from(&list), client(2)));
        assert!((&mut other).now_or_never().is_none());
        drop(running);
        let first = (&mut flood[0]).now_or_never();
        assert!(first.is_some());
        drop(first);
        assert!((&mut other).now_or_never().is_some());
    }

    #[tokio::test]
    async fn an_account_leaves_others_of_its_client_half_of_the_cores() {
        let limiter = limiter();
        let (flooder, other) = (post(Some("Bearer a")), post(Some("Bearer b")));
        let mut running = at_a_time(&limiter, &flooder, client(1));
        assert_eq!(running.len(), cores());
        let mut waiting = Box::pin(limiter.admit(RequestInfo::from(&flooder), client(1)));
        assert!((&mut waiting).now_or_never().is_none());
        assert_eq!(
            at_a_time(&limiter, &other, client(1)).len(),
            half_of_the_cores()
        );
        running.clear();
        assert!(waiting.now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_client_has_no_more_than_the_cores_beside_others() {
        let limiter = limiter();
        let of_somebody_else = at_a_time(&limiter, &post(None), client(1));
        assert_eq!(of_somebody_else.len(), cores() * WRITES_PER_CORE);
        let one = get("/one");
        assert_eq!(at_a_time(&limiter, &one, client(2)).len(), cores());
        drop(of_somebody_else);
        let alone = at_a_time(&limiter, &one, client(2));
        assert_eq!(alone.len(), cores() * OTHER_READS_PER_CORE);
    }

    #[tokio::test]
    async fn waiting_for_the_database_holds_up_only_the_same_account() {
        let limiter = limiter();
        let flooder = post(Some("Bearer a"));
        let mut running = at_a_time(&limiter, &flooder, client(1));
        let mut rest = at_a_time(&limiter, &post(None), client(1));
        assert!(at_a_time(&limiter, &post(None), client(2)).is_empty());
        for admitted in &mut running {
            admitted.release_processor();
        }
        assert!(at_a_time(&limiter, &flooder, client(1)).is_empty());
        rest.append(&mut at_a_time(&limiter, &post(None), client(2)));
        assert_eq!(rest.len(), cores() * WRITES_PER_CORE);
    }
}
