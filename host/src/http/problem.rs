//! The answers that the runner gives itself, in the same form as those of the components (RFC 9457).

use std::borrow::Cow;
use std::fmt::Write as _;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use mercato_platform::clock::{Clock, SystemClock, rfc3339};
use mercato_platform::ids::{Ids, RandomIds};
use wasmtime_wasi_http::WasiBody;

use crate::http::body;
use crate::http::connections::ConnectionSlot;
use crate::http::request_id::REQUEST_ID;

/// Where the kinds of problems are described.
const PROBLEM_BASE: &str = "https://mercato.dev/problems/";

/// The media type of problems.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// What stands for the path of a request that could not be read.
const UNKNOWN_PATH: &str = "/";

/// Sent with each of them, as with every answer of a component.
const HEADERS: [(HeaderName, &str); 7] = [
    (header::CONTENT_TYPE, MEDIA_TYPE),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
    (header::CACHE_CONTROL, "no-store"),
    (
        header::STRICT_TRANSPORT_SECURITY,
        "max-age=31536000; includeSubDomains",
    ),
];

/// Marks an answer that the runner gave itself, among the response's extensions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Own;

/// A request that no component answered.
pub(crate) struct Problem {
    pub status: StatusCode,
    kind: &'static str,
    title: &'static str,
    message: Cow<'static, str>,
}

impl Problem {
    pub(crate) const NOT_FOUND: Self = Self {
        status: StatusCode::NOT_FOUND,
        kind: "not-found",
        title: "Not found",
        message: Cow::Borrowed("No component answers this path"),
    };
    pub(crate) const DRAINING: Self = Self {
        status: StatusCode::SERVICE_UNAVAILABLE,
        kind: "not-ready",
        title: "Not ready",
        message: Cow::Borrowed("not ready: this server is about to end"),
    };
    pub(crate) const TOO_LARGE: Self = Self {
        status: StatusCode::PAYLOAD_TOO_LARGE,
        kind: "payload-too-large",
        title: "Payload too large",
        message: Cow::Borrowed("The body of the request is larger than the server accepts"),
    };
    pub(crate) const HEADERS_TOO_LARGE: Self = Self {
        status: StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        kind: "headers-too-large",
        title: "Request header fields too large",
        message: Cow::Borrowed(
            "The path and headers of the request are larger than the server accepts",
        ),
    };
    pub(crate) const BAD_HOST: Self = Self {
        status: StatusCode::BAD_REQUEST,
        kind: "bad-request",
        title: "Bad request",
        message: Cow::Borrowed("Send exactly one valid Host header"),
    };
    pub(crate) const BAD_TARGET: Self = Self {
        status: StatusCode::BAD_REQUEST,
        kind: "bad-request",
        title: "Bad request",
        message: Cow::Borrowed("Name a path that begins with a slash"),
    };
    pub(crate) const BAD_FRAMING: Self = Self {
        status: StatusCode::BAD_REQUEST,
        kind: "bad-request",
        title: "Bad request",
        message: Cow::Borrowed(
            "Send the body either with one Content-Length or with Transfer-Encoding: chunked",
        ),
    };
    pub(crate) const MALFORMED: Self = Self {
        status: StatusCode::BAD_REQUEST,
        kind: "bad-request",
        title: "Bad request",
        message: Cow::Borrowed("What was sent is not an HTTP/1.1 request"),
    };
    pub(crate) const URI_TOO_LONG: Self = Self {
        status: StatusCode::URI_TOO_LONG,
        kind: "uri-too-long",
        title: "URI too long",
        message: Cow::Borrowed(
            "The path and query of the request are longer than the server accepts",
        ),
    };
    pub(crate) const BODY_BROKEN: Self = Self {
        status: StatusCode::BAD_REQUEST,
        kind: "incomplete-body",
        title: "Bad request",
        message: Cow::Borrowed("The body ended early"),
    };
    pub(crate) const BODY_TOO_SLOW: Self = Self {
        status: StatusCode::REQUEST_TIMEOUT,
        kind: "request-timeout",
        title: "Request timeout",
        message: Cow::Borrowed("The body of the request did not arrive in time"),
    };
    pub(crate) const TRAPPED: Self = Self {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        kind: "internal",
        title: "Internal error",
        message: Cow::Borrowed("The request failed; its request id is in the server's log"),
    };
    pub(crate) const BUSY: Self = Self {
        status: StatusCode::SERVICE_UNAVAILABLE,
        kind: "unavailable",
        title: "Service unavailable",
        message: Cow::Borrowed("The server is busy; try again in a moment"),
    };
    pub(crate) const TIMED_OUT: Self = Self {
        status: StatusCode::GATEWAY_TIMEOUT,
        kind: "timeout",
        title: "Timeout",
        message: Cow::Borrowed("The request took longer than the server allows"),
    };

    pub(crate) const TOO_MANY: Self = Self {
        status: StatusCode::TOO_MANY_REQUESTS,
        kind: "too-many-requests",
        title: "Too many requests",
        message: Cow::Borrowed("Wait for the answers to your other requests"),
    };

    /// The body is larger than the route takes.
    pub(crate) fn larger_than(max_bytes: u64) -> Self {
        Self {
            message: Cow::Owned(format!("Send at most {max_bytes} bytes")),
            ..Self::TOO_LARGE
        }
    }

    /// The response to a request for a path.
    pub(crate) fn response(&self, path: &str, request_id: &str) -> Response<WasiBody> {
        let body = body::full(Bytes::from(self.document(path, request_id)));
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        response.extensions_mut().insert(Own);
        let headers = response.headers_mut();
        for (name, value) in HEADERS {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if matches!(
            self.status,
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS
        ) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }

    fn document(&self, path: &str, request_id: &str) -> String {
        serde_json::json!({
            "type": format!("{PROBLEM_BASE}{}", self.kind),
            "title": self.title,
            "status": self.status.as_u16(),
            "statusCode": self.status.as_u16(),
            "detail": self.message,
            "message": self.message,
            "instance": path,
            "timestamp": rfc3339(SystemClock.now_ms()),
            "path": path,
            "requestId": request_id,
        })
        .to_string()
    }
}

/// What is sent in place of an answer that the HTTP library gives by itself, to bytes that are no request: it has no
/// body, and only these headers. `None` for every other answer.
pub(crate) fn in_place_of(answer: &[u8], slot: &ConnectionSlot) -> Option<Bytes> {
    if !answer.starts_with(b"HTTP/1.1 4") {
        return None;
    }
    let (status, rest) = std::str::from_utf8(answer).ok()?.split_once("\r\n")?;
    let date = rest.strip_prefix("connection: close\r\ncontent-length: 0\r\n")?;
    let problem = match status.split(' ').nth(1)? {
        "431" => Problem::HEADERS_TOO_LARGE,
        "414" => Problem::URI_TOO_LONG,
        _ => Problem::MALFORMED,
    };
    let request_id = RandomIds.new_id();
    if let Some(client) = slot.client_to_log() {
        let status = problem.status.as_u16();
        tracing::info!(target: "request", request_id, %client, status, "not a request");
    }
    let body = problem.document(UNKNOWN_PATH, &request_id);
    let mut text = format!("{status}\r\n{REQUEST_ID}: {request_id}\r\n");
    for (name, value) in HEADERS {
        // Writing to a string cannot fail.
        let _ = write!(text, "{name}: {value}\r\n");
    }
    let length = body.len();
    let _ = write!(
        text,
        "connection: close\r\ncontent-length: {length}\r\n{date}{body}"
    );
    Some(text.into())
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use std::sync::Arc;

    use super::*;
    use crate::http::connections::Connections;
    use crate::limits::Limits;
    use crate::observe::metrics::Metrics;

    #[tokio::test]
    async fn a_problem_has_the_members_clients_know() {
        let response = Problem::TRAPPED.response("/api/v1/orders", "r-1");
        assert_eq!(
            response.headers()[header::CONTENT_TYPE],
            "application/problem+json"
        );
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["statusCode"], 500);
        assert_eq!(body["path"], "/api/v1/orders");
        assert_eq!(body["requestId"], "r-1");
        for member in ["type", "title", "status", "message", "timestamp"] {
            assert!(!body[member].is_null(), "{member} is missing");
        }
    }

    /// Of a connection that counts nowhere.
    fn slot() -> Arc<ConnectionSlot> {
        let metrics = Arc::new(Metrics::default());
        Connections::new(&Limits::default(), 1, true, metrics).detached()
    }

    #[test]
    fn what_the_http_library_answers_by_itself_becomes_a_problem() {
        let own = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\ndate: now\r\n\r\n";
        let text = String::from_utf8(in_place_of(own, &slot()).unwrap().to_vec()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert!(head.starts_with("HTTP/1.1 400 Bad Request\r\nx-request-id: "));
        assert!(
            head.ends_with("\r\ndate: now") && head.contains("x-content-type-options: nosniff")
        );
        assert!(head.contains("strict-transport-security: max-age=31536000"));
        assert_eq!(body["type"], "https://mercato.dev/problems/bad-request");
        assert_eq!(body["statusCode"], 400);
    }

    #[test]
    fn all_other_answers_stay_as_they_are() {
        for answer in [
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 404 Not Found\r\nx-request-id: r\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 4",
        ] {
            assert_eq!(in_place_of(answer.as_bytes(), &slot()), None, "{answer}");
        }
    }
}
