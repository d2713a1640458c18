//! One request to one component.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures::future::{Either, select};
use http::{HeaderName, HeaderValue, Method, Response, StatusCode};
use mercato_wasi::StoreData;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};
use wasmtime::component::Accessor;
use wasmtime_wasi_http::p3::Request;
use wasmtime_wasi_http::p3::bindings::Service;
use wasmtime_wasi_http::{Error, WasiBody, WasiHttpView};

use super::body;
use super::problem::Problem;
use super::request_id::{Purpose, REQUEST_ID};
use super::response_body::{Early, HeldReply, Reply, deliver};
use super::upload::Upload;
use crate::capabilities::faults::{CallKind, Fault, Stopped};
use crate::client::Client;
use crate::engine::guest::{Guest, Services};
use crate::engine::pool::{Instance, Lane, Lease, NoInstance, Pool};
use crate::error::one_line;
use crate::limits::{CROWDED_TIME, POST_RETURN_TIME, RESPONSE_HOLD_TIME};
use crate::scheduling::limiter::{CpuSample, RequestPermits, is_safe};
use crate::scheduling::work::{DetachedOnDrop, PrioritizedWork};
use crate::shutdown::Activity;

/// How exactly the end of a request's time is kept while its client is waited for.
const DEADLINE_STEP: Duration = Duration::from_millis(20);

/// A component that answers requests.
pub(crate) struct HttpComponent {
    pub id: String,
    pub pool: Arc<Pool>,
    pub services: Arc<Services>,
    pub activity: Activity,
    pub request_time: Duration,
    pub response_buffer_time: Duration,
    /// Where it says from a request's head whether it admits the request.
    pub admit: Option<String>,
}

/// A request on its way to a component.
pub(crate) struct Invocation {
    pub request: http::Request<WasiBody>,
    /// Set while the client still sends the body.
    pub upload: Option<Arc<Upload>>,
    /// How many components stand between the client and this one.
    pub depth: u32,
    /// What it is for.
    pub lane: Lane,
    pub client: Option<Client>,
}

impl Invocation {
    /// A request without a body that the runner makes for itself. The path was checked with the manifest.
    pub(crate) fn by_runner(purpose: Purpose, lane: Lane, method: Method, path: &str) -> Self {
        let mut request = http::Request::new(body::full(Bytes::new()));
        *request.method_mut() = method;
        *request.uri_mut() = format!("http://{}.spin.internal{path}", purpose.name())
            .parse()
            .unwrap_or_default();
        if let Ok(id) = HeaderValue::from_str(&purpose.new_id()) {
            request.headers_mut().insert(REQUEST_ID, id);
        }
        Self {
            request,
            upload: None,
            depth: 0,
            lane,
            client: None,
        }
    }
}

/// The answer to an invocation.
pub(crate) struct Answer {
    outcome: Result<Response<WasiBody>, Problem>,
    path: String,
    request_id: String,
}

impl Answer {
    /// The component's response, or the runner's own when there is none.
    pub(crate) fn into_response(self) -> Response<WasiBody> {
        self.outcome
            .unwrap_or_else(|problem| problem.response(&self.path, &self.request_id))
    }

    /// The same to a request for another path, of which this one was a part.
    pub(crate) fn into_response_to(self, path: &str) -> Response<WasiBody> {
        self.outcome
            .unwrap_or_else(|problem| problem.response(path, &self.request_id))
    }
}

/// A component's response, or why there is none.
type Outcome = Result<Response<WasiBody>, Problem>;

impl HttpComponent {
    /// Answers the request. When the client leaves, the component still finishes what it began.
    pub(crate) async fn invoke(self: &Arc<Self>, invocation: Invocation) -> Answer {
        let path = invocation.request.uri().path().to_owned();
        let request_id = header_text(invocation.request.headers(), &REQUEST_ID);
        Answer {
            outcome: self.try_invoke(invocation, &request_id).await,
            path,
            request_id,
        }
    }

    async fn try_invoke(self: &Arc<Self>, invocation: Invocation, request_id: &str) -> Outcome {
        // A component that was called by another must not wait for memory that the other holds.
        let comes_from_outside = invocation.depth == 0 && invocation.lane == Lane::Client;
        if comes_from_outside && !self.pool.has_memory().await {
            return Err(Problem::BUSY);
        }
        // What the runner and components ask is not limited, nor is a request whose body still comes, however long that takes.
        let is_here = invocation.upload.is_none();
        let limiter = self.services.limiter.as_ref();
        let limiter = limiter.filter(|_| comes_from_outside && is_here);
        let permits = match limiter {
            Some(limiter) => {
                let admission = limiter.admit((&invocation.request).into(), invocation.client);
                Some(admission.await.map_err(|_| Problem::BUSY)?)
            }
            None => None,
        };
        let lease = self.pool.lease(invocation.lane, invocation.client).await;
        let lease = lease.map_err(|why| {
            if let NoInstance::Broken(cause) = why {
                tracing::error!(component = %self.id, request_id, "no instance: {}", one_line(&format!("{cause:#}")));
            }
            Problem::BUSY
        })?;
        let sample = limiter.and_then(|limiter| limiter.sample((&invocation.request).into()));
        self.run(lease, permits, sample, invocation, request_id)
            .await
    }

    async fn run(
        self: &Arc<Self>,
        mut lease: Lease,
        permits: Option<RequestPermits>,
        sample: Option<CpuSample>,
        invocation: Invocation,
        request_id: &str,
    ) -> Outcome {
        let guest = Guest::of_mut(lease.instance.store.data_mut());
        guest.begin(request_id, invocation.client, invocation.depth);
        let current = Arc::clone(&guest.host.request);
        if self.services.heavy_guests.is_some() {
            // Else a guest that has rested for longer than a tick would begin with a pause.
            lease.instance.store.set_epoch_deadline(1);
        }
        if let Some(permits) = permits {
            current.cpu.hold_permits(permits);
        }
        let abandons = is_safe(invocation.request.method()).then(|| Arc::clone(&current));
        let (early, head) = oneshot::channel();
        let work = serve(
            Arc::clone(self),
            lease,
            invocation,
            early,
            request_id.to_owned(),
        );
        let heavy = self.services.heavy_guests.as_ref();
        let work = PrioritizedWork::new(Box::pin(work), &current, heavy).sampled(sample);
        let work = DetachedOnDrop {
            work: Some(work),
            guard: Some(self.activity.begin()),
            abandons,
        };
        match select(work, head).await {
            Either::Left((Some(Some(outcome)), _)) => outcome,
            // Streamed to its end before anyone looked: the head is there.
            Either::Left((Some(None) | None, head)) => head.await.map_err(|_| Problem::TRAPPED),
            Either::Right((Ok(response), _work_goes_on)) => Ok(response),
            Either::Right((Err(_), work)) => work.await.flatten().unwrap_or(Err(Problem::TRAPPED)),
        }
    }
}

fn header_text(headers: &http::HeaderMap, name: &HeaderName) -> String {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned()
}

/// Runs the request in its instance to the end. `None`: the response went out through `early`.
async fn serve(
    serving: Arc<HttpComponent>,
    mut lease: Lease,
    invocation: Invocation,
    early: Early,
    request_id: String,
) -> Option<Outcome> {
    let HttpComponent {
        id: component,
        services,
        ..
    } = &*serving;
    let Invocation {
        request, upload, ..
    } = invocation;
    let current = Arc::clone(&Guest::of(lease.instance.store.data()).host.request);
    let waited = || {
        let uploaded = upload.as_ref().map(|upload| upload.waited());
        uploaded.unwrap_or_default() + current.excluded()
    };
    let buffer_time = serving.response_buffer_time;
    let work = handle(&mut lease.instance, request, early, buffer_time);
    match within(serving.request_time, waited, work).await {
        Some(Ok((reply, settled))) => {
            let is_refused = current.is_refused();
            if settled {
                serving.pool.give_back(lease);
            }
            if is_refused {
                tokio::time::sleep(CROWDED_TIME).await;
            }
            match reply {
                Reply::Whole(response) => Some(Ok(response)),
                Reply::Streamed => None,
                Reply::Refused(code) => {
                    tracing::error!(%component, request_id, "the component answered with an error: {code}");
                    Some(Err(Problem::TRAPPED))
                }
            }
        }
        Some(Err(_)) if Guest::of(lease.instance.store.data()).memory.was_refused() => {
            services.metrics.memory_refusals.inc();
            tracing::warn!(%component, request_id, "the request needed more memory than there is; its instance is ended");
            Some(Err(Problem::BUSY))
        }
        Some(Err(cause)) => {
            services.metrics.traps.inc();
            tracing::error!(%component, request_id, "the instance trapped: {}", one_line(&format!("{cause:#}")));
            Some(Err(Problem::TRAPPED))
        }
        None => {
            tracing::error!(%component, request_id, "the request took too long; its instance is ended");
            Some(Err(Problem::TIMED_OUT))
        }
    }
}

/// Lets work take so much time, not counting what it has `waited` for others; `None` when it takes longer.
async fn within<T>(
    limit: Duration,
    waited: impl Fn() -> Duration,
    work: impl Future<Output = T>,
) -> Option<T> {
    let started = Instant::now();
    tokio::pin!(work);
    loop {
        let left = (limit + waited()).checked_sub(started.elapsed())?;
        if let Ok(done) = timeout(left.max(DEADLINE_STEP), &mut work).await {
            return Some(done);
        }
    }
}

/// Calls the handler; also says whether the instance has nothing left to do and can be used again.
async fn handle(
    instance: &mut Instance,
    request: http::Request<WasiBody>,
    early: Early,
    buffer_time: Duration,
) -> wasmtime::Result<(Reply, bool)> {
    let Instance { store, http, .. } = instance;
    let service = http
        .as_ref()
        .ok_or_else(|| wasmtime::Error::msg("the component does not handle requests"))?;
    let host = &Guest::of(store.data()).host;
    let (stop, is_planned) = (Arc::clone(&host.stop), host.faults.are_planned());
    let current = Arc::clone(&host.request);
    let run = store.run_concurrent(async |accessor| {
        let Called {
            reply,
            early,
            goes_on,
        } = call(accessor, service, request, early, buffer_time).await?;
        if !goes_on {
            return Ok((reply, false));
        }
        let idle = poll_fn(|cx| accessor.poll_no_interesting_tasks(cx));
        tokio::pin!(idle);
        if poll_fn(|cx| Poll::Ready(idle.as_mut().poll(cx).is_ready())).await {
            return Ok((reply, true));
        }
        let held = HeldReply::new(reply, early);
        current.hold_answer({
            let held = held.clone();
            move || held.send_ahead()
        });
        let settled = if is_planned {
            // Under a fault plan nothing depends on how long things take.
            current.begin_waiting();
            idle.await;
            true
        } else if timeout(RESPONSE_HOLD_TIME, &mut idle).await.is_ok() {
            true
        } else {
            current.begin_waiting();
            timeout(POST_RETURN_TIME, idle).await.is_ok()
        };
        Ok((held.take(), settled))
    });
    tokio::select! {
        biased;
        () = stop.seen() => Err(Stopped.into()),
        done = run => done?,
    }
}

/// What calling a component came to.
struct Called {
    reply: Reply,
    /// Still here when the reply is whole.
    early: Option<Early>,
    /// Whether the instance may go on afterwards.
    goes_on: bool,
}

/// Gets the component's response and passes it on.
async fn call(
    accessor: &Accessor<StoreData>,
    service: &Service,
    request: http::Request<WasiBody>,
    early: Early,
    buffer_time: Duration,
) -> wasmtime::Result<Called> {
    let (request, received) = accessor.with(|mut access| {
        let (request, received) = Request::from_http(access.data_mut().http().hooks, request);
        let received: Pin<Box<dyn Future<Output = Result<(), Error>> + Send>> = Box::pin(received);
        (request, received)
    });
    let response = match service.handle(accessor, request).await? {
        Ok(response) => response,
        Err(code) => {
            return Ok(Called {
                reply: Reply::Refused(code),
                early: None,
                goes_on: true,
            });
        }
    };
    let response = accessor.with(|mut access| response.into_http(&mut access, received))?;
    let goes_on = permit(accessor, response.status()).await?;
    let current = accessor.with(|mut access| Arc::clone(&Guest::of(access.get()).host.request));
    let (reply, early) = deliver(response, early, buffer_time, &current.cpu).await?;
    Ok(Called {
        reply,
        early,
        goes_on,
    })
}

/// Asks the fault plan whether the response may go out; says whether the instance may go on after it.
async fn permit(accessor: &Accessor<StoreData>, status: StatusCode) -> wasmtime::Result<bool> {
    let host = accessor.with(|mut access| Guest::of(access.get()).host.clone());
    if !host.faults.are_planned() {
        return Ok(true);
    }
    let fault = host.ask(CallKind::Respond, status.as_str(), &[]).await;
    match fault {
        Fault::Stop => Err(Stopped.into()),
        fault => Ok(fault != Fault::StopAfter),
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    const SHORT: Duration = Duration::from_millis(30);

    #[tokio::test]
    async fn work_may_take_as_long_as_its_limit() {
        let done = within(Duration::from_secs(60), || Duration::ZERO, async { 1 });
        assert_eq!(done.await, Some(1));
        let never = within(SHORT, || Duration::ZERO, pending::<()>());
        assert_eq!(never.await, None);
    }

    #[tokio::test]
    async fn waiting_for_the_client_is_not_work() {
        let started = std::time::Instant::now();
        let waited = || started.elapsed().min(4 * SHORT);
        let (finish, finished) = oneshot::channel();
        let client = async {
            tokio::time::sleep(3 * SHORT).await;
            finish.send(()).unwrap();
        };
        let (done, ()) = tokio::join!(within(SHORT, waited, finished), client);
        assert_eq!(done, Some(Ok(())));
        let never = within(SHORT, waited, pending::<()>());
        assert_eq!(never.await, None);
        assert!(started.elapsed() >= 5 * SHORT);
    }
}
