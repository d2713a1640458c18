//! Requests that find out whether the shop is up (`live` and `ready` in `[component.ID.tool.mercato]`). They must be
//! answered however busy it is: one that asks whether it is alive gets the answer that the component has given at the start,
//! and for one that asks whether it is ready an instance is kept.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::Body;
use http_body_util::{BodyExt, Empty, Full, Limited};
use wasmtime_wasi_http::WasiBody;

use crate::limits::RESPONSE_BUFFER_BYTES;
use crate::pool::Lane;
use crate::request_id::{Caller, REQUEST_ID};
use crate::triggers::http::{HttpComponent, Invocation};

/// Host name of requests that come from the runner.
const PROBE_HOST: &str = "probe.spin.internal";
/// What an answer may depend on besides the path: a request that has any of these is the component's own.
const TELLING: [HeaderName; 6] = [
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
    /// Components and paths.
    ready: Vec<(String, String)>,
}

/// Answers that are the same each time.
struct Repeated {
    component: String,
    path: String,
    get: Answer,
    head: Answer,
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
        component: &HttpComponent,
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

    /// Keeps an instance for a path.
    pub(crate) fn keep_for(&mut self, component: String, path: String) {
        self.ready.push((component, path));
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
        let answer = match *request.method() {
            Method::GET => &found.get,
            Method::HEAD => &found.head,
            _ => return None,
        };
        let headers = request.headers();
        if request.uri().query().is_some() || TELLING.iter().any(|name| headers.contains_key(name))
        {
            return None;
        }
        Some(answer.to(headers.get(REQUEST_ID)))
    }

    /// What kind of request one from outside is.
    pub(crate) fn lane(&self, component: &str, path: &str) -> Lane {
        let is_ready = |(of, at): &(String, String)| at == path && of == component;
        if self.ready.iter().any(is_ready) {
            Lane::Probe
        } else {
            Lane::Client
        }
    }
}

impl Answer {
    fn to(&self, request_id: Option<&HeaderValue>) -> Response<WasiBody> {
        let body = Full::new(self.body.clone()).map_err(|never| match never {});
        let mut response = Response::new(body.boxed_unsync());
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers.clone();
        if let Some(id) = request_id {
            // In the place where the component had it.
            response.headers_mut().insert(REQUEST_ID, id.clone());
        }
        response
    }
}

async fn ask(component: &HttpComponent, method: Method, path: &str) -> Result<Answer, String> {
    let body = Empty::<Bytes>::new().map_err(|never| match never {});
    let mut request = Request::new(body.boxed_unsync());
    *request.method_mut() = method;
    // The path was checked with the manifest.
    *request.uri_mut() = format!("http://{PROBE_HOST}{path}")
        .parse()
        .unwrap_or_default();
    if let Ok(id) = HeaderValue::from_str(&Caller::Probe.new_id()) {
        request.headers_mut().insert(REQUEST_ID, id);
    }
    let invocation = Invocation {
        request,
        upload: None,
        depth: 0,
        lane: Lane::Probe,
        client: None,
    };
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
            ready: vec![("front".into(), "/ready".into())],
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
    fn whatever_the_component_may_answer_differently_is_its_own() {
        let probes = probes();
        let is_repeated =
            |component: &str, request: &Request<_>| probes.answer(component, request).is_some();
        assert!(!is_repeated("other", &request(Method::GET, "/live")));
        assert!(!is_repeated("front", &request(Method::GET, "/live?a=b")));
        assert!(!is_repeated("front", &request(Method::GET, "/live/")));
        assert!(!is_repeated("front", &request(Method::POST, "/live")));
        for name in TELLING {
            let mut telling = request(Method::GET, "/live");
            let value = HeaderValue::from_static("1");
            telling.headers_mut().insert(name.clone(), value);
            assert!(!is_repeated("front", &telling), "{name}");
        }
    }

    #[test]
    fn an_instance_is_kept_for_the_path_that_is_named_and_no_other() {
        let probes = probes();
        assert_eq!(probes.lane("front", "/ready"), Lane::Probe);
        assert_eq!(probes.lane("front", "/internal/ready"), Lane::Client);
        assert_eq!(probes.lane("other", "/ready"), Lane::Client);
    }
}
