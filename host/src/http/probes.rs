//! Requests that find out whether the shop is up (`live` and `ready` in `[component.ID.tool.mercato]`). They must be
//! answered however busy it is: one that asks whether it is alive gets the answer that the component has given at the start,
//! and for one that asks whether it is ready an instance is kept. Requests at about the same time that ask whether it is ready
//! share one answer, so that many of them cost nothing.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::Body;
use http_body_util::{BodyExt, Limited};
use wasmtime_wasi_http::WasiBody;

use crate::engine::pool::Lane;
use crate::http::body;
use crate::http::handler::{HttpComponent, Invocation};
use crate::http::headers::TRACEPARENT;
use crate::http::problem::{self, Problem};
use crate::http::request_id::{Purpose, REQUEST_ID};
use crate::limits::{READINESS_TIME, RESPONSE_BUFFER_BYTES};

/// What an answer may depend on besides the path: a request that has any of these is the component's own.
const DISTINGUISHING: [HeaderName; 6] = [
    header::ORIGIN,
    header::IF_MATCH,
    header::IF_NONE_MATCH,
    header::RANGE,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
];

/// The probes of a shop.
#[derive(Default)]
pub(crate) struct Probes {
    live: Vec<Repeated>,
    ready: Vec<Shared>,
    /// From then on the shop is not ready whatever the component says.
    is_draining: AtomicBool,
}

/// Answers that are the same each time.
struct Repeated {
    component: String,
    path: String,
    get: Answer,
    head: Answer,
}

/// An answer that requests at about the same time share.
pub(crate) struct Shared {
    component: String,
    path: String,
    /// False where time does not go by as it does outside.
    is_kept: bool,
    get: tokio::sync::Mutex<Option<(Instant, Answer)>>,
    head: tokio::sync::Mutex<Option<(Instant, Answer)>>,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Probes {
    /// Asks a component for the answers that will be repeated.
    ///
    /// # Errors
    /// A sentence when it does not say that it is alive.
    pub(crate) async fn repeat(
        &mut self,
        component: &Arc<HttpComponent>,
        path: String,
    ) -> Result<(), String> {
        self.live.push(Repeated {
            get: ask(component, Method::GET, &path).await?,
            head: ask(component, Method::HEAD, &path).await?,
            component: component.id.clone(),
            path,
        });
        Ok(())
    }

    /// Keeps an instance for a path, and for a moment the answer, if that `is_kept`.
    pub(crate) fn keep_for(&mut self, component: String, path: String, is_kept: bool) {
        self.ready.push(Shared {
            component,
            path,
            is_kept,
            get: tokio::sync::Mutex::default(),
            head: tokio::sync::Mutex::default(),
        });
    }

    /// From now on the shop is not ready.
    pub(crate) fn drain(&self) {
        self.is_draining.store(true, Ordering::SeqCst);
    }

    /// The paths that say whether the shop is ready.
    pub(crate) fn ready_paths(&self) -> impl Iterator<Item = &str> {
        self.ready.iter().map(|ready| ready.path.as_str())
    }

    /// Whether a request asks if the shop is ready that is about to end.
    pub(crate) fn is_refused(&self, component: &str, path: &str) -> bool {
        self.is_draining.load(Ordering::SeqCst) && self.lane(component, path) == Lane::Probe
    }

    /// The answer to a request, if it is one that is repeated.
    pub(crate) fn answer<B: Body>(
        &self,
        component: &str,
        request: &Request<B>,
    ) -> Option<Response<WasiBody>> {
        let path = request.uri().path();
        let found = self
            .live
            .iter()
            .find(|live| live.path == path && live.component == component)?;
        let answer = of_method(request, &found.get, &found.head)?;
        Some(answer.to(request.headers().get(REQUEST_ID)))
    }

    /// The answer that the request may share with others.
    pub(crate) fn shared<B: Body>(&self, component: &str, request: &Request<B>) -> Option<&Shared> {
        let path = request.uri().path();
        let found = self
            .ready
            .iter()
            .find(|ready| ready.path == path && ready.component == component)?;
        of_method(request, found, found).filter(|found| found.is_kept)
    }

    /// What kind of request one from outside is.
    pub(crate) fn lane(&self, component: &str, path: &str) -> Lane {
        let is_ready = |ready: &Shared| ready.path == path && ready.component == component;
        if self.ready.iter().any(is_ready) {
            Lane::Probe
        } else {
            Lane::Client
        }
    }
}

/// What stands for the method of a request; nothing when the answer may depend on more than method and path.
fn of_method<T, B: Body>(request: &Request<B>, get: T, head: T) -> Option<T> {
    let found = match *request.method() {
        Method::GET => get,
        Method::HEAD => head,
        _ => return None,
    };
    let headers = request.headers();
    let is_plain = request.uri().query().is_none()
        && !DISTINGUISHING.iter().any(|name| headers.contains_key(name));
    is_plain.then_some(found)
}

impl Shared {
    /// The answer of a moment ago, or else the one that `ask` gets to the request.
    pub(crate) async fn answer<B: Body, F>(
        &self,
        mut request: Request<B>,
        ask: impl FnOnce(Request<B>) -> F,
    ) -> Response<WasiBody>
    where
        F: Future<Output = Response<WasiBody>>,
    {
        let request_id = request.headers().get(REQUEST_ID).cloned();
        let kept = match *request.method() {
            Method::HEAD => &self.head,
            _ => &self.get,
        };
        // Requests that come meanwhile wait for the same answer.
        let mut kept = kept.lock().await;
        if let Some((since, answer)) = &*kept
            && since.elapsed() < READINESS_TIME
        {
            return answer.to(request_id.as_ref());
        }
        // It must be readable for everybody.
        request.headers_mut().remove(header::ACCEPT_ENCODING);
        let response = ask(request).await;
        let content_type = response.headers().get(header::CONTENT_TYPE);
        if content_type.is_some_and(|value| value == problem::MEDIA_TYPE) {
            // It names the request that it answers.
            return response;
        }
        let (head, body) = response.into_parts();
        let Ok(body) = Limited::new(body, RESPONSE_BUFFER_BYTES).collect().await else {
            let request_id = request_id.as_ref().and_then(|id| id.to_str().ok());
            return Problem::TRAPPED.response(&self.path, request_id.unwrap_or_default());
        };
        let mut answer = Answer {
            status: head.status,
            headers: head.headers,
            body: body.to_bytes(),
        };
        // The server adds its own.
        answer.headers.remove(TRACEPARENT);
        let response = answer.to(request_id.as_ref());
        *kept = Some((Instant::now(), answer));
        response
    }
}

impl Answer {
    fn to(&self, request_id: Option<&HeaderValue>) -> Response<WasiBody> {
        let body = body::full(self.body.clone());
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers.clone();
        if let Some(id) = request_id {
            // In the place where the component had it.
            response.headers_mut().insert(REQUEST_ID, id.clone());
        }
        response
    }
}

async fn ask(component: &Arc<HttpComponent>, method: Method, path: &str) -> Result<Answer, String> {
    let invocation = Invocation::by_runner(Purpose::Probe, Lane::Probe, method, path);
    let response = component.invoke(invocation).await.into_response();
    let (head, body) = response.into_parts();
    if head.status != StatusCode::OK {
        return Err(format!("it answers {} at {path}", head.status));
    }
    let body = Limited::new(body, RESPONSE_BUFFER_BYTES).collect().await;
    Ok(Answer {
        status: head.status,
        headers: head.headers,
        body: body.map_err(|cause| cause.to_string())?.to_bytes(),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use http_body_util::Empty;

    use super::*;

    fn probes() -> Probes {
        let answer = |body: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_static("probe-1"));
            headers.insert(header::VARY, HeaderValue::from_static("Origin"));
            Answer {
                status: StatusCode::OK,
                headers,
                body: Bytes::from_static(body.as_bytes()),
            }
        };
        Probes {
            live: vec![Repeated {
                component: "front".into(),
                path: "/live".into(),
                get: answer("alive"),
                head: answer(""),
            }],
            ready: Vec::new(),
            is_draining: AtomicBool::new(false),
        }
    }

    fn request(method: Method, target: &str) -> Request<Empty<Bytes>> {
        let mut request = Request::new(Empty::new());
        *request.method_mut() = method;
        *request.uri_mut() = target.parse().unwrap();
        let headers = request.headers_mut();
        headers.insert(REQUEST_ID, HeaderValue::from_static("r-1"));
        request
    }

    #[tokio::test]
    async fn the_answer_is_repeated_with_the_requests_own_id() {
        let probes = probes();
        for (method, expected) in [(Method::GET, "alive"), (Method::HEAD, "")] {
            let answer = probes.answer("front", &request(method, "/live")).unwrap();
            assert_eq!(answer.headers()[REQUEST_ID], "r-1");
            assert_eq!(answer.headers()[header::VARY], "Origin");
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(body, expected);
        }
    }

    #[test]
    fn requests_that_may_be_answered_differently_are_not_repeated() {
        let probes = probes();
        let is_repeated =
            |component: &str, request: &Request<_>| probes.answer(component, request).is_some();
        assert!(!is_repeated("other", &request(Method::GET, "/live")));
        assert!(!is_repeated("front", &request(Method::GET, "/live?a=b")));
        assert!(!is_repeated("front", &request(Method::GET, "/live/")));
        assert!(!is_repeated("front", &request(Method::POST, "/live")));
        for name in DISTINGUISHING {
            let mut distinguished = request(Method::GET, "/live");
            let value = HeaderValue::from_static("1");
            distinguished.headers_mut().insert(name.clone(), value);
            assert!(!is_repeated("front", &distinguished), "{name}");
        }
    }

    #[tokio::test]
    async fn requests_at_about_the_same_time_share_an_answer() {
        let mut probes = probes();
        probes.keep_for("front".into(), "/ready".into(), true);
        let asked = AtomicU32::new(0);
        let ask = |request: Request<Empty<Bytes>>| {
            assert!(!request.headers().contains_key(header::ACCEPT_ENCODING));
            let number = asked.fetch_add(1, Ordering::Relaxed);
            async move {
                tokio::task::yield_now().await;
                let mut response = Response::new(body::full(number.to_string()));
                *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
                response
            }
        };
        let get = async |method: Method, id: &'static str| {
            let mut request = request(method, "/ready");
            let headers = request.headers_mut();
            headers.insert(REQUEST_ID, HeaderValue::from_static(id));
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
            let shared = probes.shared("front", &request).unwrap();
            let answer = shared.answer(request, ask).await;
            assert_eq!(answer.headers()[REQUEST_ID], id);
            assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
            answer.into_body().collect().await.unwrap().to_bytes()
        };
        let (one, two) = tokio::join!(get(Method::GET, "r-1"), get(Method::GET, "r-2"));
        assert_eq!((&*one, &*two), (&b"0"[..], &b"0"[..]));
        assert_eq!(get(Method::HEAD, "r-3").await, "1");
        tokio::time::sleep(READINESS_TIME).await;
        assert_eq!(get(Method::GET, "r-4").await, "2");
    }

    #[tokio::test]
    async fn a_problem_is_not_shared() {
        let mut probes = probes();
        probes.keep_for("front".into(), "/ready".into(), true);
        for id in ["r-1", "r-2"] {
            let request = request(Method::GET, "/ready");
            let shared = probes.shared("front", &request).unwrap();
            let problem = async |_| Problem::BUSY.response("/ready", id);
            let answer = shared.answer(request, problem).await;
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            assert!(String::from_utf8_lossy(&body).contains(id));
        }
    }

    #[test]
    fn where_time_is_simulated_no_answer_is_kept() {
        let mut probes = probes();
        probes.keep_for("front".into(), "/ready".into(), false);
        let request = request(Method::GET, "/ready");
        assert!(probes.shared("front", &request).is_none());
    }

    #[test]
    fn an_instance_is_kept_for_the_path_that_is_named_and_no_other() {
        let mut probes = probes();
        probes.keep_for("front".into(), "/ready".into(), true);
        assert_eq!(probes.lane("front", "/ready"), Lane::Probe);
        assert_eq!(probes.lane("front", "/internal/ready"), Lane::Client);
        assert_eq!(probes.lane("other", "/ready"), Lane::Client);
    }
}
