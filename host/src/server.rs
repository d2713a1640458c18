//! The HTTP listener: HTTP/1.1 with keep-alive, limits, request ids and the access log.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::uri::Authority;
use http::{HeaderName, HeaderValue, Request, Response, Version, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use mercato_platform::ids::{Ids, RandomIds};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use wasmtime_wasi_http::{Error, WasiBody};

use crate::guest::Services;
use crate::limits::{CONNECTIONS_MAX, REQUEST_HEAD_BYTES, REQUEST_HEAD_TIME, REQUEST_HEADERS_MAX};
use crate::problem::Problem;
use crate::routes::Routes;
use crate::shop::Components;
use crate::shutdown::Activity;
use crate::triggers::http::{Invocation, REQUEST_ID};

/// Longest request id taken over from a client, in characters.
const REQUEST_ID_CHARS_MAX: usize = 128;
/// Pause after the listener failed, for example because no file descriptor is left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// What the runner tells a component about the request, as Spin does.
const CLIENT_ADDRESS: HeaderName = HeaderName::from_static("spin-client-addr");
const PATH_INFO: HeaderName = HeaderName::from_static("spin-path-info");
const MATCHED_ROUTE: HeaderName = HeaderName::from_static("spin-matched-route");
/// Further headers of Spin, which a client must not be able to forge either.
const RESERVED: [HeaderName; 4] = [
    HeaderName::from_static("spin-full-url"),
    HeaderName::from_static("spin-base-path"),
    HeaderName::from_static("spin-component-route"),
    HeaderName::from_static("spin-raw-component-route"),
];

/// What every connection needs.
pub(crate) struct Server {
    pub routes: Routes,
    pub components: Arc<Components>,
    pub services: Arc<Services>,
    pub activity: Activity,
    pub body_bytes: u64,
}

impl Server {
    /// Accepts connections until the shop closes.
    pub(crate) async fn run(self: Arc<Self>, listener: TcpListener) {
        let closing = self.activity.closing();
        tokio::pin!(closing);
        let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            let Ok(permit) = Arc::clone(&connections).acquire_owned().await else {
                return;
            };
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = &mut closing => return,
            };
            match accepted {
                Ok((stream, client)) => {
                    let server = Arc::clone(&self);
                    tokio::spawn(async move {
                        server.connection(stream, client).await;
                        drop(permit);
                    });
                }
                Err(cause) => {
                    tracing::warn!("cannot accept a connection: {cause}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    async fn connection(self: Arc<Self>, stream: TcpStream, client: SocketAddr) {
        let guard = self.activity.begin();
        let closing = self.activity.closing();
        // Small answers must not wait for more to come.
        let _ = stream.set_nodelay(true);
        let service = service_fn(move |request| {
            let server = Arc::clone(&self);
            async move { Ok::<_, Infallible>(server.answer(request, client).await) }
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(REQUEST_HEAD_TIME)
            .max_buf_size(REQUEST_HEAD_BYTES)
            .max_headers(REQUEST_HEADERS_MAX)
            .serve_connection(TokioIo::new(stream), service);
        tokio::pin!(connection, closing);
        let ended = tokio::select! {
            ended = &mut connection => ended,
            () = &mut closing => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(cause) = ended {
            tracing::debug!(%client, "connection ended: {cause}");
        }
        drop(guard);
    }

    async fn answer(
        &self,
        mut request: Request<Incoming>,
        client: SocketAddr,
    ) -> Response<WasiBody> {
        let started = Instant::now();
        let request_id = ensure_request_id(request.headers_mut());
        let method = request.method().clone();
        let path = request.uri().path().to_owned();
        let (component, route, mut response) = match self.routes.find(&path) {
            _ if head_bytes(&request) > REQUEST_HEAD_BYTES => (
                "",
                "",
                Problem::HEADERS_TOO_LARGE.response(&path, &request_id),
            ),
            _ if !names_its_host(&request) => {
                ("", "", Problem::BAD_HOST.response(&path, &request_id))
            }
            None => ("", "", Problem::NOT_FOUND.response(&path, &request_id)),
            Some(found) => {
                describe(
                    request.headers_mut(),
                    client,
                    found.rest,
                    found.route,
                    &found.named,
                );
                (
                    found.component,
                    found.route,
                    self.forward(found.component, request, &path, &request_id)
                        .await,
                )
            }
        };
        if !response.headers().contains_key(REQUEST_ID)
            && let Ok(id) = HeaderValue::from_str(&request_id)
        {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        let took = started.elapsed();
        let status = response.status().as_u16();
        self.services.metrics.request(component, status, took);
        let duration_ms = (took.as_secs_f64() * 1e6).round() / 1e3;
        tracing::info!(target: "request", request_id, component, %method, route, path, status, duration_ms, "request");
        response
    }

    async fn forward(
        &self,
        component: &str,
        request: Request<Incoming>,
        path: &str,
        request_id: &str,
    ) -> Response<WasiBody> {
        let announced = request
            .headers()
            .get(header::CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        if announced.is_some_and(|length| length > self.body_bytes) {
            return Problem::TOO_LARGE.response(path, request_id);
        }
        let Some(component) = self.components.http(component) else {
            return Problem::NOT_FOUND.response(path, request_id);
        };
        let overrun = Arc::new(AtomicBool::new(false));
        let request = request.map(|body| {
            LimitedBody {
                body,
                left: self.body_bytes,
                overrun: Arc::clone(&overrun),
            }
            .boxed_unsync()
        });
        let response = component
            .invoke(Invocation { request, depth: 0 })
            .await
            .into_response();
        if overrun.load(Ordering::Relaxed) {
            Problem::TOO_LARGE.response(path, request_id)
        } else {
            response
        }
    }
}

/// Size of the request's line and headers. The parser's own limit counts only what it could not parse at once.
fn head_bytes(request: &Request<Incoming>) -> usize {
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

/// The client's request id, or a new one, which the component then sees.
fn ensure_request_id(headers: &mut http::HeaderMap) -> String {
    if let Some(id) = headers
        .get(&REQUEST_ID)
        .and_then(|id| id.to_str().ok())
        .filter(|id| is_request_id(id))
    {
        return id.to_owned();
    }
    let id = RandomIds.new_id();
    match HeaderValue::from_str(&id) {
        Ok(value) => headers.insert(REQUEST_ID, value),
        Err(_) => headers.remove(&REQUEST_ID),
    };
    id
}

fn is_request_id(id: &str) -> bool {
    (1..=REQUEST_ID_CHARS_MAX).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

/// Adds what Spin tells components, and removes what a client made up.
fn describe(
    headers: &mut http::HeaderMap,
    client: SocketAddr,
    rest: &str,
    route: &str,
    named: &[(&str, &str)],
) {
    for name in &RESERVED {
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

/// A request body that ends with an error when it is longer than allowed.
struct LimitedBody {
    body: Incoming,
    left: u64,
    overrun: Arc<AtomicBool>,
}

impl Body for LimitedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(cx));
        Poll::Ready(match frame {
            None => None,
            Some(Err(cause)) => Some(Err(cause.into())),
            Some(Ok(frame)) => {
                let length = frame
                    .data_ref()
                    .map_or(0, |data| u64::try_from(data.len()).unwrap_or(u64::MAX));
                match self.left.checked_sub(length) {
                    Some(left) => {
                        self.left = left;
                        Some(Ok(frame))
                    }
                    None => {
                        self.overrun.store(true, Ordering::Relaxed);
                        Some(Err(Error::HttpRequestBodySize(None)))
                    }
                }
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Serves the counters until the shop closes.
pub(crate) async fn serve_metrics(
    listener: TcpListener,
    services: Arc<Services>,
    activity: Activity,
) {
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
        let services = Arc::clone(&services);
        let service = service_fn(move |request: Request<Incoming>| {
            let found = request.uri().path() == "/metrics";
            let text = if found {
                services.metrics.render()
            } else {
                "the counters are at /metrics\n".into()
            };
            let mut response = Response::new(http_body_util::Full::new(Bytes::from(text)));
            *response.status_mut() = if found {
                http::StatusCode::OK
            } else {
                http::StatusCode::NOT_FOUND
            };
            response.headers_mut().insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"),
            );
            std::future::ready(Ok::<_, Infallible>(response))
        });
        tokio::spawn(async move {
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(REQUEST_HEAD_TIME)
                .serve_connection(TokioIo::new(stream), service);
            if let Err(cause) = connection.await {
                tracing::debug!("metrics connection ended: {cause}");
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_well_formed_request_id_is_kept_and_any_other_replaced() {
        let id_for = |given: Option<&str>| {
            let mut headers = http::HeaderMap::new();
            if let Some(given) = given {
                headers.insert(REQUEST_ID, HeaderValue::from_str(given).unwrap());
            }
            let id = ensure_request_id(&mut headers);
            assert_eq!(headers[REQUEST_ID], id.as_str());
            id
        };
        assert_eq!(id_for(Some("abc-1.2_3")), "abc-1.2_3");
        for bad in [
            None,
            Some("a b"),
            Some("a\"b"),
            Some(&*"x".repeat(129)),
            Some(""),
        ] {
            let id = id_for(bad);
            assert!(
                mercato_platform::ids::parse(&id).is_ok() && id.get(14..15) == Some("7"),
                "{id}"
            );
        }
    }

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
        headers.insert("spin-full-url", HeaderValue::from_static("http://evil"));
        describe(
            &mut headers,
            "127.0.0.1:9".parse().unwrap(),
            "/7",
            "/shop/...",
            &[("order_id", "7")],
        );
        assert_eq!(headers[CLIENT_ADDRESS], "127.0.0.1:9");
        assert_eq!(headers["spin-path-match-order-id"], "7");
        assert!(!headers.contains_key("spin-full-url"));
    }
}
