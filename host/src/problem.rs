//! The answers that the runner gives itself, in the same form as those of the components (RFC 9457).

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use mercato_platform::clock::{Clock, SystemClock, rfc3339};
use wasmtime_wasi_http::WasiBody;

/// Where the kinds of problems are described.
const PROBLEM_BASE: &str = "https://mercato.dev/problems/";

/// A request that no component answered.
pub(crate) struct Problem {
    pub status: StatusCode,
    kind: &'static str,
    title: &'static str,
    message: &'static str,
}

impl Problem {
    pub(crate) const NOT_FOUND: Self = Self {
        status: StatusCode::NOT_FOUND,
        kind: "not-found",
        title: "Not found",
        message: "No component answers this path",
    };
    pub(crate) const TOO_LARGE: Self = Self {
        status: StatusCode::PAYLOAD_TOO_LARGE,
        kind: "too-large",
        title: "Request too large",
        message: "The body of the request is larger than the server accepts",
    };
    pub(crate) const HEADERS_TOO_LARGE: Self = Self {
        status: StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        kind: "headers-too-large",
        title: "Request header fields too large",
        message: "The path and headers of the request are larger than the server accepts",
    };
    pub(crate) const BAD_HOST: Self = Self {
        status: StatusCode::BAD_REQUEST,
        kind: "bad-request",
        title: "Bad request",
        message: "Send exactly one valid Host header",
    };
    pub(crate) const TRAPPED: Self = Self {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        kind: "internal",
        title: "Internal error",
        message: "The request failed; its request id is in the server's log",
    };
    pub(crate) const BUSY: Self = Self {
        status: StatusCode::SERVICE_UNAVAILABLE,
        kind: "busy",
        title: "Busy",
        message: "The server is busy; try again in a moment",
    };
    pub(crate) const TIMED_OUT: Self = Self {
        status: StatusCode::GATEWAY_TIMEOUT,
        kind: "timeout",
        title: "Timeout",
        message: "The request took longer than the server allows",
    };

    /// The response to a request for a path.
    pub(crate) fn response(&self, path: &str, request_id: &str) -> Response<WasiBody> {
        let body = serde_json::json!({
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
        });
        let body = Full::new(Bytes::from(body.to_string()))
            .map_err(|never| match never {})
            .boxed_unsync();
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
