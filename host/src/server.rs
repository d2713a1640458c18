//! The HTTP listener: HTTP/1.1 with keep-alive, limits, request ids and the access log.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderName, HeaderValue, Request, Response, Version, header};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use mercato_platform::text::loggable;
use mercato_platform::trace::TraceContext;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use wasmtime_wasi_http::WasiBody;

use crate::admission::{self, Rule};
use crate::client::{Client, Proxies, Requests};
use crate::connections::{Connections, Doing, Occupied, Place};
use crate::guest::Services;
use crate::limits::{
    CUT_TIME, Limits, METRICS_CONNECTIONS_MAX, REQUEST_HEAD_BYTES, REQUEST_HEAD_TIME,
    SMALL_BODY_BYTES,
};
use crate::probes::Probes;
use crate::problem::{Own, Problem};
use crate::request_id::{self, REQUEST_ID};
use crate::routes::Routes;
use crate::scrape::{self, Source};
use crate::shop::Components;
use crate::shutdown::Activity;
use crate::triggers::http::{HttpComponent, Invocation};
use crate::upload::{Incoming, Received};
use crate::wire::{Reception, Wire};

/// Ties a call to the calls it sets off (W3C Trace Context).
pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// Pause after the listener failed, for example because no file descriptor is left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// What the runner tells a component about the request, as Spin does.
const CLIENT_ADDRESS: HeaderName = HeaderName::from_static("spin-client-addr");
const PATH_INFO: HeaderName = HeaderName::from_static("spin-path-info");
const MATCHED_ROUTE: HeaderName = HeaderName::from_static("spin-matched-route");
/// How many lines of the log were lost, when there are any: whoever answers for the shop's readiness may tell.
const LOG_LINES_LOST: HeaderName = HeaderName::from_static("mercato-log-lines-lost");
/// What the names of headers begin with that the runner or Spin say something with, so that no client may.
const RESERVED_PREFIXES: [&str; 2] = ["spin-", "mercato-"];

/// What every connection needs.
pub(crate) struct Server {
    pub routes: Routes,
    pub components: Arc<Components>,
    pub services: Arc<Services>,
    pub activity: Activity,
    pub connections: Connections,
    pub proxies: Proxies,
    /// Whose pages may read the runner's own answers; components look after theirs.
    pub origins: Vec<String>,
    pub requests: Requests,
    pub probes: Probes,
    pub limits: Limits,
}

/// Who has sent a request, and how the connection is doing.
pub(crate) struct Peer {
    pub address: SocketAddr,
    pub reception: Reception,
    pub place: Arc<Place>,
}

impl Server {
    /// Accepts connections until the shop closes.
    pub(crate) async fn run(self: Arc<Self>, listener: TcpListener) {
        let closing = self.activity.closing();
        tokio::pin!(closing);
        loop {
            tokio::select! {
                () = self.accept(&listener) => {}
                () = &mut closing => return,
            }
        }
    }

    async fn accept(self: &Arc<Self>, listener: &TcpListener) {
        match listener.accept().await {
            Ok((stream, address)) => {
                // Whoever finds no place is told so by the end of the connection.
                if let Some(place) = self.connections.enter(address.ip().into()).await {
                    tokio::spawn(Arc::clone(self).connection(stream, address, place));
                }
            }
            Err(cause) => {
                tracing::warn!("cannot accept a connection: {cause}");
                self.connections.make_room();
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }

    async fn connection(self: Arc<Self>, stream: TcpStream, address: SocketAddr, place: Occupied) {
        let Occupied(place) = &place;
        let guard = self.activity.begin();
        let closing = self.activity.closing();
        // Small answers must not wait for more to come.
        let _ = stream.set_nodelay(true);
        let reception = Reception::default();
        let wire = Wire::new(stream, reception.clone(), Arc::clone(place), &self.limits);
        let peer = Arc::new(Peer {
            address,
            reception: reception.clone(),
            place: Arc::clone(place),
        });
        let mut http = hyper::server::conn::http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(self.limits.request_head_time)
            .max_buf_size(REQUEST_HEAD_BYTES);
        let service = service_fn(move |request| {
            let (server, peer) = (Arc::clone(&self), Arc::clone(&peer));
            async move { Ok::<_, Infallible>(server.answer(request, &peer).await) }
        });
        let connection = http.serve_connection(TokioIo::new(wire), service);
        tokio::pin!(connection, closing);
        let ended = tokio::select! {
            biased;
            ended = &mut connection => ended,
            () = &mut closing => {
                if reception.is_waiting() {
                    // Nobody waits for what a client may never send.
                    return;
                }
                connection.as_mut().graceful_shutdown();
                connection.await
            }
            () = place.cut() => {
                connection.as_mut().graceful_shutdown();
                match place.doing().0 {
                    // Who takes no answer gets none.
                    _ if place.is_unread() => return,
                    Doing::Idle => return,
                    Doing::Receiving => timeout(CUT_TIME, connection).await.unwrap_or(Ok(())),
                    // A request that has come just now.
                    Doing::Working => connection.await,
                }
            }
        };
        if let Err(cause) = ended {
            tracing::debug!(client = %address, "connection ended: {cause}");
        }
        drop(guard);
    }

    /// Answers a request, and notes when nothing of it is under way any more.
    pub(crate) async fn answer<B>(&self, request: Request<B>, peer: &Peer) -> Response<WasiBody>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<wasmtime_wasi_http::Error>,
    {
        peer.place.works();
        let response = self.answer_now(request, peer).await;
        if response.body().size_hint().exact().is_some() {
            peer.place.rests();
            return response;
        }
        // Its instance still works.
        let rest = Resting(Arc::clone(&peer.place));
        response.map(|body| {
            body.map_frame(move |frame| {
                let _ = &rest;
                frame
            })
            .boxed_unsync()
        })
    }

    async fn answer_now<B>(&self, mut request: Request<B>, peer: &Peer) -> Response<WasiBody>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<wasmtime_wasi_http::Error>,
    {
        let started = Instant::now();
        let request_id = request_id::ensure(request.headers_mut());
        let trace = continue_trace(request.headers_mut());
        let is_chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
        let method = request.method().clone();
        let path = request.uri().path().to_owned();
        let origin = request.headers().get(header::ORIGIN).cloned();
        let client = self.proxies.client(request.headers(), peer.address);
        if request.body().is_end_stream() {
            peer.reception.complete();
        }
        let (component, route, mut response) = match (refusal(&request), self.routes.find(&path)) {
            (Some(problem), _) => ("", "", problem.response(&path, &request_id)),
            (None, None) => ("", "", Problem::NOT_FOUND.response(&path, &request_id)),
            (None, Some(found)) => {
                describe(
                    request.headers_mut(),
                    peer.address,
                    found.rest,
                    found.route,
                    &found.named,
                );
                let lines_lost = self.services.metrics.log_lines_lost();
                if lines_lost > 0 {
                    request
                        .headers_mut()
                        .insert(LOG_LINES_LOST, HeaderValue::from(lines_lost));
                }
                let forward = |request| {
                    self.forward(found.component, request, &path, &request_id, client, peer)
                };
                let response = if let Some(response) = self.probes.answer(found.component, &request)
                {
                    response
                } else if let Some(shared) = self.probes.shared(found.component, &request) {
                    shared.answer(request, forward).await
                } else {
                    forward(request).await
                };
                (found.component, found.route, response)
            }
        };
        if response.extensions().get::<Own>().is_some() {
            let leave = mercato_settings::leave_to_read(&self.origins, origin.as_ref());
            response.headers_mut().extend(leave);
        }
        if !response.headers().contains_key(REQUEST_ID)
            && let Ok(id) = HeaderValue::from_str(&request_id)
        {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        // The parser takes a Content-Length beside chunks away, so nobody can tell whether there was one. Whoever counted by
        // it would see another request begin than we do: so none does (RFC 9112 section 6.1).
        if peer.reception.is_open() || is_chunked {
            response
                .headers_mut()
                .insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if let Some(trace) = &trace
            && !response.headers().contains_key(TRACEPARENT)
            && let Ok(ours) = HeaderValue::from_str(&trace.to_string())
        {
            response.headers_mut().insert(TRACEPARENT, ours);
        }
        peer.reception.answered();
        let took = started.elapsed();
        let trace_id = trace.as_ref().map(TraceContext::trace_id);
        let status = response.status().as_u16();
        self.services.metrics.request(component, status, took);
        let duration_ms = (took.as_secs_f64() * 1e6).round() / 1e3;
        let (method, path) = (loggable(method.as_str()), loggable(&path));
        let (method, path) = (method.as_ref(), path.as_ref());
        let is_refusal = response.status().is_client_error() || response.status().is_server_error();
        let shares = &self.services.metrics.log_shares;
        let Some(left_out) = shares.admit_and_tell(client, is_refusal) else {
            return response;
        };
        if left_out > 0 {
            tracing::info!(target: "request", %client, left_out, "lines about this client's requests were left out");
        }
        tracing::info!(target: "request", request_id, trace_id, %client, component, method, route, path, status, duration_ms, "request");
        response
    }

    async fn forward<B>(
        &self,
        component: &str,
        request: Request<B>,
        path: &str,
        request_id: &str,
        client: Client,
        peer: &Peer,
    ) -> Response<WasiBody>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<wasmtime_wasi_http::Error>,
    {
        let lane = self.probes.lane(component, path);
        let Some(component) = self.components.http(component) else {
            return Problem::NOT_FOUND.response(path, request_id);
        };
        let underway = if self.proxies.are_there() {
            peer.place.belongs_to(client);
            match self.requests.begin(client) {
                Some(underway) => Some(underway),
                None => return Problem::TOO_MANY.response(path, request_id),
            }
        } else {
            None
        };
        let (head, body) = request.into_parts();
        let received = match self
            .receive(&component, &head, body, request_id, peer)
            .await
        {
            Ok(received) => received,
            Err(refusal) => return refusal,
        };
        let Received {
            body,
            upload,
            memory,
        } = received;
        let response = component
            .invoke(Invocation {
                request: Request::from_parts(head, body),
                upload: upload.clone(),
                depth: 0,
                lane,
                client: Some(client),
            })
            .await
            .into_response();
        drop((memory, underway));
        match upload.and_then(|upload| upload.refusal()) {
            // A component that says the same may know more, such as what it has done with what came.
            Some(problem) if problem.status != response.status() => {
                problem.response(path, request_id)
            }
            _ => response,
        }
    }

    /// Receives the body, once it is certain that somebody wants it. A short one that is here at once is not worth asking.
    async fn receive<B>(
        &self,
        component: &HttpComponent,
        head: &Parts,
        body: B,
        request_id: &str,
        peer: &Peer,
    ) -> Result<Received, Response<WasiBody>>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<wasmtime_wasi_http::Error>,
    {
        let max_bytes = self.limits.request_body_bytes;
        let refuse = |problem: Problem| problem.response(head.uri.path(), request_id);
        let announced = body.size_hint().exact();
        let mut incoming = Incoming::new(body, &peer.place, peer.reception.clone());
        let mut rule = Rule {
            max_bytes,
            is_streamed: true,
        };
        if let Some(admit) = &component.admit {
            let waits_to_be_asked = head.headers.contains_key(header::EXPECT)
                || announced.is_some_and(|bytes| bytes > SMALL_BODY_BYTES);
            if waits_to_be_asked || !incoming.is_here_soon().await.map_err(refuse)? {
                let client = self.proxies.client(&head.headers, peer.address);
                rule = admission::ask(component, admit, head, client, request_id).await?;
                rule.max_bytes = rule.max_bytes.min(max_bytes);
            }
        }
        if announced.is_some_and(|bytes| bytes > rule.max_bytes) {
            return Err(refuse(Problem::larger_than(rule.max_bytes)));
        }
        let received = incoming.receive_all(rule, &self.limits).await;
        received.map_err(refuse)
    }
}

/// A connection whose response is still on its way; when this is dropped, it is not.
struct Resting(Arc<Place>);

impl Drop for Resting {
    fn drop(&mut self) {
        self.0.rests();
    }
}

/// Why no component gets to see the request.
fn refusal<B>(request: &Request<B>) -> Option<Problem> {
    if head_bytes(request) > REQUEST_HEAD_BYTES {
        Some(Problem::HEADERS_TOO_LARGE)
    } else if !names_its_host(request) {
        Some(Problem::BAD_HOST)
    } else if !request.uri().path().starts_with('/') {
        Some(Problem::BAD_TARGET)
    } else if !frames_its_body(request.headers()) {
        Some(Problem::BAD_FRAMING)
    } else {
        None
    }
}

/// Size of the request's line and headers. The parser's own limit counts only what it could not parse at once.
fn head_bytes<B>(request: &Request<B>) -> usize {
    const SEPARATORS_BYTES: usize = ": \r\n".len();
    let path = request
        .uri()
        .path_and_query()
        .map_or(0, |path| path.as_str().len());
    request
        .headers()
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + SEPARATORS_BYTES)
        .sum::<usize>()
        + path
}

/// Whether the request says which host it is for: HTTP/1.1 wants exactly one valid `Host` (RFC 9112 section 3.2),
/// so that nobody on the way understands the request differently.
fn names_its_host<B>(request: &Request<B>) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) => request.version() < Version::HTTP_11,
        (Some(host), None) => host.is_empty() || Authority::try_from(host.as_bytes()).is_ok(),
        (Some(_), Some(_)) => false,
    }
}

/// Whether we can tell where the body ends as everybody else does (RFC 9112 section 6): requests that two servers cut
/// differently are how one client's bytes end up in another one's request. The parser has refused a `Content-Length`
/// that is not one number.
fn frames_its_body(headers: &http::HeaderMap) -> bool {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => true,
        (Some(coding), None) => coding.as_bytes().eq_ignore_ascii_case(b"chunked"),
        (Some(_), Some(_)) => false,
    }
}

/// Our span of the trace that the request belongs to, which the component then sees as its caller.
fn continue_trace(headers: &mut http::HeaderMap) -> Option<TraceContext> {
    let mut values = headers.get_all(TRACEPARENT).iter();
    let given = values.next()?.to_str().ok()?;
    let ours = TraceContext::parse(given)
        .filter(|_| values.next().is_none())?
        .child();
    if let Ok(value) = HeaderValue::from_str(&ours.to_string()) {
        headers.insert(TRACEPARENT, value);
    }
    Some(ours)
}

/// Adds what Spin tells components, and removes what a client made up.
fn describe(
    headers: &mut http::HeaderMap,
    client: SocketAddr,
    rest: &str,
    route: &str,
    named: &[(&str, &str)],
) {
    let is_reserved = |name: &HeaderName| {
        RESERVED_PREFIXES
            .iter()
            .any(|prefix| name.as_str().starts_with(prefix))
    };
    while let Some(name) = headers.keys().find(|name| is_reserved(name)).cloned() {
        headers.remove(name);
    }
    let mut set = |name: HeaderName, value: &str| match HeaderValue::from_str(value) {
        Ok(value) => headers.insert(name, value),
        Err(_) => headers.remove(name),
    };
    set(CLIENT_ADDRESS, &client.to_string());
    set(PATH_INFO, rest);
    set(MATCHED_ROUTE, route);
    for (name, value) in named {
        if let Ok(name) = HeaderName::try_from(format!(
            "spin-path-match-{}",
            name.to_ascii_lowercase().replace('_', "-")
        )) {
            set(name, value);
        }
    }
}

/// Serves the counters, and what the components tell of themselves, until the shop closes.
pub(crate) async fn serve_metrics(
    listener: TcpListener,
    services: Arc<Services>,
    sources: Vec<Source>,
    activity: Activity,
) {
    let sources = Arc::new(sources);
    let places = Arc::new(Semaphore::new(METRICS_CONNECTIONS_MAX));
    let closing = activity.closing();
    tokio::pin!(closing);
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(_) => {
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
            () = &mut closing => return,
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            // Its end tells whoever finds no place.
            continue;
        };
        let (services, sources) = (Arc::clone(&services), Arc::clone(&sources));
        let service = service_fn(move |request: Request<hyper::body::Incoming>| {
            let (services, sources) = (Arc::clone(&services), Arc::clone(&sources));
            async move { Ok::<_, Infallible>(metrics(&request, &services, &sources).await) }
        });
        tokio::spawn(async move {
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(REQUEST_HEAD_TIME)
                .serve_connection(TokioIo::new(stream), service);
            if let Err(cause) = connection.await {
                tracing::debug!("metrics connection ended: {cause}");
            }
            drop(place);
        });
    }
}

async fn metrics(
    request: &Request<hyper::body::Incoming>,
    services: &Services,
    sources: &[Source],
) -> Response<Full<Bytes>> {
    let (status, text) = if request.uri().path() == "/metrics" {
        let text = scrape::render(&services.metrics, sources).await;
        (http::StatusCode::OK, text)
    } else {
        let text = "the counters are at /metrics\n".into();
        (http::StatusCode::NOT_FOUND, text)
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(mercato_metrics::CONTENT_TYPE),
    );
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_exactly_one_host_unless_it_is_older_than_http_1_1() {
        let named = |version: Version, hosts: &[&str]| {
            let mut request = Request::new(());
            *request.version_mut() = version;
            for host in hosts {
                let host = HeaderValue::from_bytes(host.as_bytes()).unwrap();
                request.headers_mut().append(header::HOST, host);
            }
            names_its_host(&request)
        };
        for good in ["shop.example", "127.0.0.1:3000", "[::1]:3000", ""] {
            assert!(named(Version::HTTP_11, &[good]), "{good}");
        }
        for bad in ["a b", "a/b", "a<b>", "\u{e4}"] {
            assert!(!named(Version::HTTP_11, &[bad]), "{bad}");
        }
        assert!(!named(Version::HTTP_11, &[]));
        assert!(!named(Version::HTTP_11, &["a", "a"]));
        assert!(named(Version::HTTP_10, &[]));
        assert!(!named(Version::HTTP_10, &["a", "b"]));
    }

    #[test]
    fn a_client_cannot_forge_what_the_runner_says() {
        let mut headers = http::HeaderMap::new();
        headers.insert(CLIENT_ADDRESS, HeaderValue::from_static("6.6.6.6:1"));
        for name in ["spin-full-url", "spin-anything", "mercato-log-lines-lost"] {
            headers.insert(name, HeaderValue::from_static("http://evil"));
            headers.append(name, HeaderValue::from_static("twice"));
        }
        describe(
            &mut headers,
            "127.0.0.1:9".parse().unwrap(),
            "/7",
            "/shop/...",
            &[("order_id", "7")],
        );
        assert_eq!(headers[CLIENT_ADDRESS], "127.0.0.1:9");
        assert_eq!(headers["spin-path-match-order-id"], "7");
        for name in ["spin-full-url", "spin-anything", "mercato-log-lines-lost"] {
            assert!(!headers.contains_key(name), "{name}");
        }
    }

    #[test]
    fn a_body_ends_where_everybody_says_it_does() {
        let framed = |given: &[(HeaderName, &'static str)]| {
            let mut headers = http::HeaderMap::new();
            for (name, value) in given {
                headers.append(name, HeaderValue::from_static(value));
            }
            frames_its_body(&headers)
        };
        let (coding, length) = (header::TRANSFER_ENCODING, header::CONTENT_LENGTH);
        assert!(framed(&[]));
        assert!(framed(&[(length, "5")]));
        assert!(framed(&[(coding.clone(), "Chunked")]));
        assert!(!framed(&[
            (coding.clone(), "chunked"),
            (coding.clone(), "chunked")
        ]));
        for other in ["gzip, chunked", "chunked, chunked", "gzip", "", "x-chunked"] {
            assert!(!framed(&[(coding.clone(), other)]), "{other}");
        }
    }

    #[test]
    fn a_component_sees_our_span_as_its_caller() {
        let given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let mut headers = http::HeaderMap::new();
        headers.insert(TRACEPARENT, HeaderValue::from_static(given));
        let ours = continue_trace(&mut headers).unwrap();
        assert_eq!(ours.trace_id(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(headers[TRACEPARENT], ours.to_string());
        assert_ne!(headers[TRACEPARENT], given);
        headers.append(TRACEPARENT, HeaderValue::from_static(given));
        assert_eq!(continue_trace(&mut headers), None);
        headers.insert(TRACEPARENT, HeaderValue::from_static("nonsense"));
        assert_eq!(continue_trace(&mut headers), None);
    }
}
