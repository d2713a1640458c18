//! From an HTTP request to its answer.

use std::future::Future;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use mercato_platform::clock::{self, Clock, SystemClock};
use mercato_platform::log;
use mercato_platform::trace::TraceContext;
use spin_sdk::http::{FullBody, Request};

use crate::admission::Purpose;
use crate::encoding::Coding;
use crate::etag::Expected;
use crate::followed::Followed;
use crate::guard::{self, Guard};
use crate::router::{self, Match, Params};
use crate::{
    Body, BodyMode, BodyStream, Context, HttpResponse, Principal, Problem, Reply, ReplyBody, Route,
    ServedResponse, admission, audit, body, client, cors, decoding, encoding, etag, headers,
    stream,
};

/// Paths that only other components and the runner can reach; to a client there is nothing at them.
pub(crate) const INTERNAL_PREFIX: &str = "/internal/";

/// Answers a request from a table of routes, `guard` telling who asks. When the answer has been taken, `after` runs,
/// unless the request was an internal one: no client waits for it.
pub async fn serve<A: Future<Output = ()> + 'static>(
    routes: &[Route],
    guard: &impl Guard,
    request: Request,
    after: Option<impl FnOnce() -> A + 'static>,
) -> ServedResponse {
    let request_id = headers::request_id(request.headers());
    let fields = [("request_id", request_id.as_str())];
    log::in_span(
        &fields,
        serve_one(routes, guard, request, &request_id, after),
    )
    .await
}

async fn serve_one<A: Future<Output = ()> + 'static>(
    routes: &[Route],
    guard: &impl Guard,
    request: Request,
    request_id: &str,
    after: Option<impl FnOnce() -> A + 'static>,
) -> ServedResponse {
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let is_internal = uri.path().starts_with(INTERNAL_PREFIX);
    let origins = match request.headers().get(header::ORIGIN) {
        Some(_) => cors::allowed_origins().await,
        None => Vec::new(),
    };
    let response = respond_as(routes, guard, request, &origins, request_id).await;
    if !is_internal {
        audit::record(&method, uri.path(), response.status());
    }
    let request_id = request_id.to_owned();
    response.map(|body| match after.filter(|_| !is_internal) {
        None => Followed::by_nothing(body),
        Some(after) => Followed::by(body, async move {
            log::in_span(&[("request_id", &request_id)], after()).await;
        }),
    })
}

/// The answer to a request, whatever its body comes from. `origins` are those whose pages may read it.
pub async fn respond<B>(
    routes: &[Route],
    guard: &impl Guard,
    request: http::Request<B>,
    origins: &[String],
) -> HttpResponse
where
    B: http_body::Body<Data = Bytes> + 'static,
    B::Error: Into<stream::BoxError>,
{
    let request_id = headers::request_id(request.headers());
    respond_as(routes, guard, request, origins, &request_id).await
}

async fn respond_as<B>(
    routes: &[Route],
    guard: &impl Guard,
    request: http::Request<B>,
    origins: &[String],
    request_id: &str,
) -> HttpResponse
where
    B: http_body::Body<Data = Bytes> + 'static,
    B::Error: Into<stream::BoxError>,
{
    let (request, purpose) = admission::original(request);
    let path = request.uri().path().to_owned();
    let method = request.method().clone();
    let trace = headers::trace(request.headers());
    let methods = (method == Method::OPTIONS).then(|| router::methods_of(routes, &path));
    let cors = cors::headers(origins, request.headers(), methods.as_deref());
    // A wildcard of the public routes may lead here.
    let is_hidden =
        path.starts_with(INTERNAL_PREFIX) && client::comes_from_outside(request.headers());
    let result = match (methods, purpose) {
        _ if is_hidden => Err(nothing_here()),
        (Some(methods), Purpose::Answer) if !methods.is_empty() => Ok(options(&methods)),
        (Some(methods), Purpose::Admission) if !methods.is_empty() => Ok(admission::admitted(None)),
        (_, Purpose::Answer) => answer(routes, guard, request, request_id).await,
        (_, Purpose::Admission) => admit(routes, guard, &request).await,
    };
    let reply = result.unwrap_or_else(|problem| {
        note(&problem, &path, trace.as_ref());
        render(&problem, &path, request_id)
    });
    finish(reply, request_id, trace.as_ref(), cors)
}

async fn answer<B>(
    routes: &[Route],
    guard: &impl Guard,
    request: http::Request<B>,
    request_id: &str,
) -> Result<Reply, Problem>
where
    B: http_body::Body<Data = Bytes> + 'static,
    B::Error: Into<stream::BoxError>,
{
    let head = check_head(routes, guard, &request, Purpose::Answer).await?;
    let method = request.method().clone();
    let values = |name| -> Vec<HeaderValue> {
        let values = request.headers().get_all(name).iter();
        values.cloned().collect()
    };
    let (named, known) = (values(header::IF_MATCH), values(header::IF_NONE_MATCH));
    let accepted = values(header::ACCEPT_ENCODING);
    let Head {
        route,
        params,
        principal,
        expected,
    } = head;
    let context = read(request, route, params, principal, request_id).await?;
    if body::carries_body(&method)
        && let Some(principal) = &context.principal
    {
        // The body may have taken its time. A handler that takes it piece by piece checks for itself.
        guard::check_session(guard, route.access, principal).await?;
    }
    let reply = handle(route, context, &expected).await?;
    let reply = etag::require(reply, &method, &named)?;
    let reply = encoding::negotiate(reply, &accepted);
    Ok(encoding::compress(etag::revalidate(reply, &method, &known)))
}

/// Whether the request would get as far as its handler.
async fn admit<B>(
    routes: &[Route],
    guard: &impl Guard,
    request: &http::Request<B>,
) -> Result<Reply, Problem> {
    let head = check_head(routes, guard, request, Purpose::Admission).await?;
    let body = body::carries_body(request.method()).then_some(head.route.body);
    Ok(admission::admitted(body))
}

/// What the head of a request leads to.
struct Head<'a> {
    route: &'a Route,
    params: Params,
    principal: Option<Principal>,
    expected: Vec<Expected>,
}

/// Checks all that can be checked without the body: route and method, who asks, what the body is said to be.
async fn check_head<'a, B>(
    routes: &'a [Route],
    guard: &impl Guard,
    request: &http::Request<B>,
    purpose: Purpose,
) -> Result<Head<'a>, Problem> {
    let (method, headers) = (request.method(), request.headers());
    let (route, params) = match router::find(routes, method, request.uri().path()) {
        Match::Found(route, params) => (route, params),
        Match::WrongMethod(methods) => return Err(method_not_allowed(&methods)),
        Match::Unknown => return Err(nothing_here()),
    };
    let principal = guard::admit(guard, route.access, headers).await?;
    // Who asks about a body has one.
    let is_there = purpose == Purpose::Admission;
    route.body.check(method, headers, is_there)?;
    let expected = etag::expected(headers)?;
    Ok(Head {
        route,
        params,
        principal,
        expected,
    })
}

fn nothing_here() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "not-found",
        "Not found",
        "there is nothing at this path",
    )
}

/// Lets the handler answer; a write that is meant for one of several representations is tried with each in turn. One that
/// was refused with 412 has changed nothing.
async fn handle(
    route: &Route,
    mut context: Context,
    expected: &[Expected],
) -> Result<Reply, Problem> {
    let (last, others) = expected.split_last().unwrap_or((&Expected::Any, &[]));
    for expected in others {
        context.expected = *expected;
        let result = (route.handler)(context.clone()).await;
        let is_another = |problem: &Problem| problem.status() == StatusCode::PRECONDITION_FAILED;
        if !result.as_ref().is_err_and(is_another) {
            return result;
        }
    }
    context.expected = *last;
    (route.handler)(context).await
}

async fn read<B>(
    request: http::Request<B>,
    route: &Route,
    params: Params,
    principal: Option<Principal>,
    request_id: &str,
) -> Result<Context, Problem>
where
    B: http_body::Body<Data = Bytes> + 'static,
    B::Error: Into<stream::BoxError>,
{
    let (parts, body) = request.into_parts();
    let (mut whole, mut stream) = (Bytes::new(), BodyStream::default());
    if body::carries_body(&parts.method) {
        let arriving = match decoding::of_request(&parts.headers)? {
            Coding::Gzip => BodyStream::gunzipped(body, route.body.max_bytes()),
            Coding::Brotli | Coding::Identity => BodyStream::new(body, route.body.max_bytes()),
        };
        match route.body.mode() {
            BodyMode::Streamed => stream = arriving,
            BodyMode::Ignored | BodyMode::Optional | BodyMode::Required => {
                whole = arriving.collect().await?;
            }
        }
    }
    Ok(Context {
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        params,
        principal,
        body: Body(whole),
        stream,
        request_id: request_id.to_owned(),
        expected: Expected::Any,
    })
}

fn options(methods: &[Method]) -> Reply {
    Reply::no_content().with_header(header::ALLOW, allow(methods))
}

fn method_not_allowed(methods: &[Method]) -> Problem {
    let allow = allow(methods);
    let detail = format!("this path answers {}", allow.to_str().unwrap_or_default());
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method-not-allowed",
        "Method not allowed",
        detail,
    )
    .with_header(header::ALLOW, allow)
}

fn allow(methods: &[Method]) -> HeaderValue {
    let names: Vec<&str> = methods.iter().map(Method::as_str).collect();
    HeaderValue::from_str(&names.join(", ")).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// Ties the cause that a domain has logged to the request that a client will quote.
fn note(problem: &Problem, path: &str, trace: Option<&TraceContext>) {
    if problem.status().is_server_error() {
        let mut fields = vec![("path", path), ("code", problem.code())];
        fields.extend(trace.map(|trace| ("trace_id", trace.trace_id())));
        log::warn("a request failed on our side", &fields);
    }
}

fn render(problem: &Problem, path: &str, request_id: &str) -> Reply {
    let document = problem.document(path, request_id, &clock::rfc3339(SystemClock.now_ms()));
    let mut reply = Reply::with_body(
        problem.status(),
        "application/problem+json",
        document.to_string(),
    );
    reply.headers.extend(problem.headers().clone());
    reply
}

/// HEAD gets the body too, and the server in front keeps it back: a host checks that a body is as long as its
/// `Content-Length` says, whatever the method was.
fn finish(
    mut reply: Reply,
    request_id: &str,
    trace: Option<&TraceContext>,
    cors: HeaderMap,
) -> HttpResponse {
    headers::complete(&mut reply.headers, request_id, trace, cors);
    let streamed = reply.streamed.and_then(|body| body.take());
    let has_length = streamed.is_none()
        && !matches!(
            reply.status,
            StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
        );
    if has_length {
        reply
            .headers
            .insert(header::CONTENT_LENGTH, HeaderValue::from(reply.body.len()));
    }
    let body = streamed.map_or_else(
        || ReplyBody::Left(FullBody::new(reply.body)),
        ReplyBody::Right,
    );
    let mut response = http::Response::new(body);
    *response.status_mut() = reply.status;
    *response.headers_mut() = reply.headers;
    response
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use http_body_util::Full;
    use mercato_testing::run;

    use super::*;
    use crate::{Access, Role};

    /// Lets a customer in until the session has been checked so many times.
    struct EndingSession(Cell<u32>);

    impl Guard for EndingSession {
        async fn verify(&self, _: &str) -> Result<Principal, Problem> {
            Ok(Principal {
                user_id: "01890a5d-ac96-774b-bcce-b302099a8057".to_owned(),
                role: Role::Customer,
                session_id: None,
                generation: 0,
                issued_at: 0,
                expires_at: u64::MAX,
            })
        }

        async fn check_session(&self, _: &Principal) -> Result<(), Problem> {
            let left = self.0.get().checked_sub(1);
            self.0.set(left.ok_or_else(guard::missing_token)?);
            Ok(())
        }
    }

    async fn done(_: Context) -> Result<Reply, Problem> {
        Ok(Reply::no_content())
    }

    #[test]
    fn the_session_is_checked_again_when_the_body_is_there() {
        const ROUTES: &[Route] = &[
            crate::route!(POST "/orders", Access::Session, done),
            crate::route!(GET "/orders", Access::Session, done),
            crate::route!(PATCH "/name", Access::Bearer, done),
        ];
        let status = |method: &str, path: &str, checks: u32| {
            let request = http::Request::builder()
                .method(method)
                .uri(path)
                .header("authorization", "Bearer token")
                .header("content-type", "application/json")
                .body(Full::new(Bytes::from_static(b"{}")))
                .unwrap();
            let guard = EndingSession(Cell::new(checks));
            run(respond(ROUTES, &guard, request, &[])).status().as_u16()
        };
        assert_eq!(status("POST", "/orders", 0), 401);
        assert_eq!(status("POST", "/orders", 1), 401, "ended meanwhile");
        assert_eq!(status("POST", "/orders", 2), 204);
        assert_eq!(status("GET", "/orders", 1), 204, "it has no body");
        assert_eq!(status("PATCH", "/name", 0), 204, "no session is needed");
    }

    #[test]
    fn what_boxes_ask_each_other_is_hidden_from_clients() {
        const ROUTES: &[Route] = &[crate::route!(GET "/internal/settings", Access::Public, done)];
        let status = |method: &str, from: Option<&str>| {
            let request = http::Request::builder()
                .method(method)
                .uri("/internal/settings");
            let request = match from {
                Some(address) => request.header("spin-client-addr", address),
                None => request,
            };
            let request = request.body(Full::new(Bytes::new())).unwrap();
            run(respond(ROUTES, &crate::NoGuard, request, &[]))
                .status()
                .as_u16()
        };
        assert_eq!(status("GET", None), 204);
        assert_eq!(status("GET", Some("0.0.0.0:0")), 204);
        for method in ["GET", "HEAD", "POST", "OPTIONS"] {
            assert_eq!(status(method, Some("192.0.2.1:9")), 404, "{method}");
        }
    }

    #[test]
    fn a_problem_becomes_problem_json_with_its_headers() {
        let reply = render(
            &method_not_allowed(&[Method::GET, Method::HEAD]),
            "/x",
            "r1",
        );
        assert_eq!(reply.status, 405);
        assert_eq!(reply.headers[header::ALLOW], "GET, HEAD");
        assert_eq!(
            reply.headers[header::CONTENT_TYPE],
            "application/problem+json"
        );
        let response = finish(reply, "r1", None, HeaderMap::new());
        assert_eq!(response.headers()["x-request-id"], "r1");
        assert_eq!(response.headers()[header::X_FRAME_OPTIONS], "DENY");
    }

    #[test]
    fn an_answer_says_how_long_its_body_is() {
        let response = finish(Reply::text("hello"), "r", None, HeaderMap::new());
        assert_eq!(response.headers()[header::CONTENT_LENGTH], "5");
        assert_eq!(http_body::Body::size_hint(response.body()).exact(), Some(5));
        let empty = finish(Reply::no_content(), "r", None, HeaderMap::new());
        assert!(!empty.headers().contains_key(header::CONTENT_LENGTH));
    }
}
