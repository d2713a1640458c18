//! One request to one component.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::future::{Either, select};
use http::{HeaderName, HeaderValue, Method, Response, StatusCode, header};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout};
use wasmtime::component::Accessor;
use wasmtime_wasi_http::p3::Request;
use wasmtime_wasi_http::p3::bindings::Service;
use wasmtime_wasi_http::p3::bindings::http::types::ErrorCode;
use wasmtime_wasi_http::{Error, WasiBody, WasiHttpView};

use crate::client::Client;
use crate::error::one_line;
use crate::faults::{CallKind, Fault, Stopped};
use crate::gate::{Admitted, Gate, Sampled, is_safe};
use crate::guest::{Guest, Services};
use crate::limits::{
    CROWDED_TIME, POST_RETURN_TIME, RESPONSE_BUFFER_BYTES, RESPONSE_BUFFER_TIME, RESPONSE_FRAMES,
    RESPONSE_HOLD_TIME,
};
use crate::pace::Pace;
use crate::pool::{Instance, Lane, Lease, NoInstance, Pool};
use crate::problem::Problem;
use crate::request_id::{Caller, REQUEST_ID};
use crate::shutdown::Activity;
use crate::triggers::work::{Finishing, Paced};
use crate::upload::Upload;

/// How exactly the end of a request's time is kept while its client is waited for.
const DEADLINE_STEP: Duration = Duration::from_millis(20);

/// A component that answers requests.
pub(crate) struct HttpComponent {
    pub id: String,
    pub pool: Arc<Pool>,
    pub services: Arc<Services>,
    pub activity: Activity,
    pub request_time: Duration,
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
    /// Whom it is for.
    pub client: Option<Client>,
}

impl Invocation {
    /// A request without a body that the runner makes for itself. The path was checked with the manifest.
    pub(crate) fn by_runner(caller: Caller, lane: Lane, method: Method, path: &str) -> Self {
        let body = Empty::<Bytes>::new().map_err(|never| match never {});
        let mut request = http::Request::new(body.boxed_unsync());
        *request.method_mut() = method;
        *request.uri_mut() = format!("http://{}.spin.internal{path}", caller.name())
            .parse()
            .unwrap_or_default();
        if let Ok(id) = HeaderValue::from_str(&caller.new_id()) {
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

/// What came of it.
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

/// Takes a response to its client while its instance still works.
type Early = oneshot::Sender<Response<WasiBody>>;

/// What a request has become when its instance is done with it.
enum Reply {
    /// Complete.
    Whole(Response<WasiBody>),
    /// Its head has gone out before, and its body with it or after it.
    Streamed,
    /// The guest answered with an error instead.
    Refused(ErrorCode),
}

impl Reply {
    /// Lets a complete response go out before its instance has come to rest.
    fn send_ahead(self, early: Option<Early>) -> Self {
        match (self, early) {
            (Self::Whole(response), Some(early)) => {
                // Without a receiver the client is gone.
                let _ = early.send(response);
                Self::Streamed
            }
            (reply, _) => reply,
        }
    }
}

impl HttpComponent {
    /// Answers the request. When the caller loses interest, the component still finishes what it began.
    pub(crate) async fn invoke(&self, invocation: Invocation) -> Answer {
        let path = invocation.request.uri().path().to_owned();
        let request_id = header_text(invocation.request.headers(), &REQUEST_ID);
        // Whoever was called by another component must not wait for it.
        if invocation.depth == 0 && invocation.lane == Lane::Client && !self.pool.has_memory().await
        {
            return Answer {
                outcome: Err(Problem::BUSY),
                path,
                request_id,
            };
        }
        let gate = self.gate(&invocation);
        let admitted = match gate {
            Some(gate) => gate
                .admit((&invocation.request).into(), invocation.client)
                .await
                .map(Some),
            None => Ok(None),
        };
        let Ok(admitted) = admitted else {
            return Answer {
                outcome: Err(Problem::BUSY),
                path,
                request_id,
            };
        };
        let outcome = match self.pool.lease(invocation.lane, invocation.client).await {
            Ok(lease) => {
                let sampled = gate.and_then(|gate| gate.sample((&invocation.request).into()));
                self.run(lease, admitted, sampled, invocation, &request_id)
                    .await
            }
            Err(NoInstance::Busy) => Err(Problem::BUSY),
            Err(NoInstance::Broken(cause)) => {
                tracing::error!(component = %self.id, request_id, "no instance: {}", one_line(&format!("{cause:#}")));
                Err(Problem::BUSY)
            }
        };
        Answer {
            outcome,
            path,
            request_id,
        }
    }

    /// The gate that the request has to pass: none for what the runner and components ask, which nobody outside waits for,
    /// and none while its body still comes, however long that takes.
    fn gate(&self, invocation: &Invocation) -> Option<&Arc<Gate>> {
        let comes_from_outside = invocation.depth == 0 && invocation.lane == Lane::Client;
        let is_here = invocation.upload.is_none();
        self.services
            .gate
            .as_ref()
            .filter(|_| comes_from_outside && is_here)
    }

    async fn run(
        &self,
        mut lease: Lease,
        admitted: Option<Admitted>,
        sampled: Option<Sampled>,
        invocation: Invocation,
        request_id: &str,
    ) -> Outcome {
        lease
            .instance
            .store
            .data_mut()
            .work_for(invocation.client, invocation.depth);
        let client = invocation.client;
        lease
            .instance
            .store
            .data()
            .voice
            .work_on(request_id, client);
        if self.services.heavy_guests.is_some() {
            // Else a guest that has rested for longer than a tick would begin with a pause.
            lease.instance.store.set_epoch_deadline(1);
        }
        let guest = lease.instance.store.data();
        let pace = Arc::clone(&guest.pace);
        if let Some(admitted) = admitted {
            pace.hold(admitted);
        }
        let presence = is_safe(invocation.request.method()).then(|| Arc::clone(&guest.presence));
        let client = invocation.client;
        let (early, head) = oneshot::channel();
        let work = serve(
            Arc::clone(&self.pool),
            Arc::clone(&self.services),
            self.id.clone(),
            lease,
            invocation,
            early,
            self.request_time,
            request_id.to_owned(),
        );
        let heavy = self.services.heavy_guests.clone();
        let paced = Paced::new(Box::pin(work), pace, heavy, client).sampled(sampled);
        let work = Finishing {
            work: Some(paced),
            guard: Some(self.activity.begin()),
            presence,
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
#[allow(
    clippy::too_many_arguments,
    reason = "the future owns all it needs, so that it can outlive the connection"
)]
async fn serve(
    pool: Arc<Pool>,
    services: Arc<Services>,
    component: String,
    mut lease: Lease,
    invocation: Invocation,
    early: Early,
    request_time: Duration,
    request_id: String,
) -> Option<Outcome> {
    let Invocation {
        request, upload, ..
    } = invocation;
    let presence = Arc::clone(&lease.instance.store.data().presence);
    let waited = || {
        let uploaded = upload.as_ref().map(|upload| upload.waited());
        uploaded.unwrap_or_default() + presence.excused()
    };
    let work = handle(&mut lease.instance, request, early);
    match within(request_time, waited, work).await {
        Some(Ok((reply, settled))) => {
            let is_refused = presence.is_refused();
            if settled {
                pool.give_back(lease);
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
        Some(Err(_)) if lease.instance.store.data().memory.was_refused() => {
            services.metrics.memory_refused();
            tracing::warn!(%component, request_id, "the request needed more memory than there is; its instance is ended");
            Some(Err(Problem::BUSY))
        }
        Some(Err(cause)) => {
            services.metrics.trap();
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
) -> wasmtime::Result<(Reply, bool)> {
    let Instance { store, http, .. } = instance;
    let service = http
        .as_ref()
        .ok_or_else(|| wasmtime::Error::msg("the component does not handle requests"))?;
    let stop = store.data().stop();
    let is_planned = store.data().services.faults.are_planned();
    let run = store.run_concurrent(async |accessor| {
        let Called {
            mut reply,
            early,
            goes_on,
        } = call(accessor, service, request, early).await?;
        if !goes_on {
            return Ok((reply, false));
        }
        let idle = poll_fn(|cx| accessor.poll_no_interesting_tasks(cx));
        tokio::pin!(idle);
        let mut settled = if is_planned {
            // Under a fault plan nothing depends on how long things take.
            poll_fn(|cx| Poll::Ready(idle.as_mut().poll(cx).is_ready())).await
        } else {
            timeout(RESPONSE_HOLD_TIME, &mut idle).await.is_ok()
        };
        if !settled {
            accessor.with(|mut access| access.get().pace.let_go_of_processor());
            reply = reply.send_ahead(early);
            settled = if is_planned {
                idle.await;
                true
            } else {
                timeout(POST_RETURN_TIME, idle).await.is_ok()
            };
        }
        Ok((reply, settled))
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
    accessor: &Accessor<Guest>,
    service: &Service,
    request: http::Request<WasiBody>,
    early: Early,
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
    let pace = accessor.with(|mut access| Arc::clone(&access.get().pace));
    let (reply, early) = deliver(response, early, &pace).await?;
    Ok(Called {
        reply,
        early,
        goes_on,
    })
}

/// Asks the fault plan whether the response may go out; says whether the instance may go on after it.
async fn permit(accessor: &Accessor<Guest>, status: StatusCode) -> wasmtime::Result<bool> {
    let (services, component) = accessor.with(|mut access| {
        let guest = access.get();
        (Arc::clone(&guest.services), Arc::clone(&guest.component))
    });
    if !services.faults.are_planned() {
        return Ok(true);
    }
    let fault = services
        .faults
        .ask(&component.id, CallKind::Respond, status.as_str(), &[])
        .await;
    match fault {
        Fault::Stop => Err(Stopped.into()),
        fault => Ok(fault != Fault::StopAfter),
    }
}

/// Collects a short body; sends the head early when the body is long or slow.
async fn deliver(
    response: Response<WasiBody>,
    early: Early,
    pace: &Pace,
) -> wasmtime::Result<(Reply, Option<Early>)> {
    let (head, mut body) = response.into_parts();
    let mut start = Collected::default();
    match timeout(RESPONSE_BUFFER_TIME, start.fill(&mut body)).await {
        Ok(Ok(true)) => return Ok((Reply::Whole(start.whole(head)), Some(early))),
        Ok(Ok(false)) | Err(_) => {}
        Ok(Err(cause)) => {
            return Err(wasmtime::Error::msg(format!(
                "the response's body failed: {cause}"
            )));
        }
    }
    // How long it takes from here on is the client's affair.
    pace.let_go();
    let (frames, queue) = mpsc::channel(RESPONSE_FRAMES);
    // Without a receiver the client is gone; the guest may still finish.
    let _ = early.send(Response::from_parts(
        head,
        StreamBody::new(stream_of(queue)).boxed_unsync(),
    ));
    let mut gone = false;
    for frame in start.into_frames() {
        gone = gone || frames.send(Piece::Frame(frame)).await.is_err();
    }
    while let Some(frame) = body.frame().await {
        let piece = frame.map_or_else(Piece::Broken, Piece::Frame);
        gone = gone || frames.send(piece).await.is_err();
    }
    // Nobody listening is fine here too.
    let _ = frames.send(Piece::End).await;
    Ok((Reply::Streamed, None))
}

/// What travels from an instance to the connection.
enum Piece {
    Frame(Frame<Bytes>),
    Broken(Error),
    End,
}

/// The rest of a body. One that stops without [`Piece::End`], because its instance trapped or ran out of time, ends
/// with an error: the client must see that something is missing.
fn stream_of(
    queue: mpsc::Receiver<Piece>,
) -> impl futures::Stream<Item = Result<Frame<Bytes>, Error>> {
    futures::stream::unfold(Some(queue), async |queue| {
        let mut queue = queue?;
        match queue.recv().await {
            Some(Piece::Frame(frame)) => Some((Ok(frame), Some(queue))),
            Some(Piece::Broken(error)) => Some((Err(error), None)),
            Some(Piece::End) => None,
            None => Some((Err(Error::HttpResponseIncomplete), None)),
        }
    })
}

/// The beginning of a body.
#[derive(Default)]
struct Collected {
    first: Option<Bytes>,
    more: BytesMut,
    trailers: Option<http::HeaderMap>,
}

impl Collected {
    /// Reads frames; true when the body is complete, false when it is too long to be kept.
    async fn fill(&mut self, body: &mut WasiBody) -> Result<bool, Error> {
        while let Some(frame) = body.frame().await {
            match frame?.into_data() {
                Ok(data) if self.first.is_none() => self.first = Some(data),
                Ok(data) => self.more.extend_from_slice(&data),
                Err(frame) => self.trailers = frame.into_trailers().ok(),
            }
            if self.first.as_ref().map_or(0, Bytes::len) + self.more.len() > RESPONSE_BUFFER_BYTES
                && !body.is_end_stream()
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn data(&mut self) -> Bytes {
        let first = self.first.take().unwrap_or_default();
        if self.more.is_empty() {
            return first;
        }
        let mut all = BytesMut::with_capacity(first.len() + self.more.len());
        all.extend_from_slice(&first);
        all.extend_from_slice(&self.more);
        self.more.clear();
        all.freeze()
    }

    fn whole(mut self, mut head: http::response::Parts) -> Response<WasiBody> {
        let data = self.data();
        if !matches!(
            head.status,
            StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
        ) {
            head.headers
                .entry(header::CONTENT_LENGTH)
                .or_insert_with(|| data.len().into());
        }
        let full = Full::new(data).map_err(|never| match never {});
        let body = match self.trailers {
            None => full.boxed_unsync(),
            Some(trailers) => full
                .with_trailers(async move { Some(Ok(trailers)) })
                .boxed_unsync(),
        };
        Response::from_parts(head, body)
    }

    fn into_frames(mut self) -> impl Iterator<Item = Frame<Bytes>> {
        let data = self.data();
        let trailers = self.trailers.map(Frame::trailers);
        (!data.is_empty())
            .then(|| Frame::data(data))
            .into_iter()
            .chain(trailers)
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
