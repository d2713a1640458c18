//! The HTTP listener: HTTP/1.1 with keep-alive, limits, request ids and the access log.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Request, Response, header};
use http_body::Body;
use http_body_util::BodyExt;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use mercato_platform::text::loggable;
use mercato_platform::trace::TraceContext;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use wasmtime_wasi_http::WasiBody;

use super::admission;
use super::client_stream::{ClientStream, ReceiveState};
use super::components::Components;
use super::connections::{ConnectionSlot, ConnectionState, Connections, OccupiedSlot};
use super::handler::{HttpComponent, Invocation};
use super::headers::{LOG_LINES_LOST, TRACEPARENT, continue_trace, describe, refusal};
use super::probes::Probes;
use super::problem::{Own, Problem};
use super::request_body::{IncomingBody, Received, Rule};
use super::request_id::{self, REQUEST_ID};
use super::routes::Routes;
use crate::client::{Client, Proxies, Requests};
use crate::engine::guest::Services;
use crate::limits::{CUT_TIME, Limits, REQUEST_HEAD_BYTES, SMALL_BODY_BYTES};
use crate::shutdown::Activity;

/// Pause after the listener failed, for example because no file descriptor is left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

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

/// The sender of a request, and the state of its connection.
pub(crate) struct Peer {
    pub address: SocketAddr,
    pub reception: ReceiveState,
    pub slot: Arc<ConnectionSlot>,
}

impl Peer {
    /// The sender of a request that comes over no connection.
    pub(crate) fn detached(connections: &Connections) -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            reception: ReceiveState::default(),
            slot: connections.detached(),
        }
    }
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
                // A connection that finds no slot is closed.
                if let Some(slot) = self.connections.enter(address.ip().into()).await {
                    tokio::spawn(Arc::clone(self).connection(stream, address, slot));
                }
            }
            Err(cause) => {
                tracing::warn!("cannot accept a connection: {cause}");
                self.connections.make_room();
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }

    async fn connection(
        self: Arc<Self>,
        stream: TcpStream,
        address: SocketAddr,
        slot: OccupiedSlot,
    ) {
        let OccupiedSlot(slot) = &slot;
        let guard = self.activity.begin();
        let closing = self.activity.closing();
        // Small answers must not wait for more to come.
        let _ = stream.set_nodelay(true);
        let reception = ReceiveState::default();
        let wire = ClientStream::new(stream, reception.clone(), Arc::clone(slot), &self.limits);
        let peer = Arc::new(Peer {
            address,
            reception: reception.clone(),
            slot: Arc::clone(slot),
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
                    // A client may never send the rest.
                    return;
                }
                connection.as_mut().graceful_shutdown();
                connection.await
            }
            () = slot.cut() => {
                connection.as_mut().graceful_shutdown();
                match slot.state().0 {
                    // A client that takes no answers gets none.
                    _ if slot.is_unread() => return,
                    ConnectionState::Idle => return,
                    ConnectionState::Receiving => timeout(CUT_TIME, connection).await.unwrap_or(Ok(())),
                    // A request that has come just now.
                    ConnectionState::Working => connection.await,
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
        peer.slot.works();
        let response = self.answer_now(request, peer).await;
        if response.body().size_hint().exact().is_some() {
            peer.slot.rests();
            return response;
        }
        // Its instance still works.
        let rest = Resting(Arc::clone(&peer.slot));
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
                } else if self.probes.is_refused(found.component, &path) {
                    Problem::DRAINING.response(&path, &request_id)
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
        // The parser takes a Content-Length beside chunks away, so it is not known whether there was one. A server
        // that counted by it would see another request begin than we do: so none does (RFC 9112 section 6.1).
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
        let shares = &self.services.metrics.log_limits;
        let Some(left_out) = shares.admit_with_left_out(client, is_refusal) else {
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
            peer.slot.belongs_to(client);
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

    /// Receives the body, once the component has admitted the request. A short one that is here at once is not worth asking.
    async fn receive<B>(
        &self,
        component: &Arc<HttpComponent>,
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
        let mut incoming = IncomingBody::new(body, &peer.slot, peer.reception.clone());
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
struct Resting(Arc<ConnectionSlot>);

impl Drop for Resting {
    fn drop(&mut self) {
        self.0.rests();
    }
}
