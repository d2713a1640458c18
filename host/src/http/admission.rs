//! Asks a component, from a request's head alone, whether it admits the request: the body of one that is
//! refused is neither waited for nor kept.
//!
//! The component gets a `POST` to the path that its manifest names, without a body, with the headers of the original
//! request and [`METHOD`] and [`TARGET`]. It answers 204 with [`BODY_BYTES_MAX`] and [`BODY_MODE`], or refuses as it would
//! refuse the request itself.

use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header,
};
use wasmtime_wasi_http::WasiBody;

use crate::client::Client;
use crate::engine::pool::Lane;
use crate::http::body;
use crate::http::handler::{HttpComponent, Invocation};
use crate::http::problem::Problem;
use crate::http::request_body::Rule;
use crate::limits::SMALL_BODY_BYTES;

/// Method of the original request.
const METHOD: HeaderName = HeaderName::from_static("mercato-method");
/// Path and query of the original request.
const TARGET: HeaderName = HeaderName::from_static("mercato-target");
/// Largest body that the route takes, in bytes.
const BODY_BYTES_MAX: HeaderName = HeaderName::from_static("mercato-body-bytes-max");
/// How the route takes the body: `whole`, or `streamed` piece by piece.
const BODY_MODE: HeaderName = HeaderName::from_static("mercato-body-mode");
/// See [`BODY_MODE`].
const STREAMED: &str = "streamed";

/// Headers that say how the original body comes: this request has none.
const FRAMING: [HeaderName; 4] = [
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::EXPECT,
    header::TRAILER,
];

/// Asks the component at that path about a request. An error is what the client is to be answered.
pub(crate) async fn ask(
    component: &Arc<HttpComponent>,
    admit: &str,
    head: &Parts,
    client: Client,
    request_id: &str,
) -> Result<Rule, Response<WasiBody>> {
    let path = head.uri.path();
    let Some(request) = question(admit, head) else {
        return Err(Problem::BAD_TARGET.response(path, request_id));
    };
    let answer = component.invoke(Invocation {
        request,
        upload: None,
        depth: 0,
        lane: Lane::Probe,
        client: Some(client),
    });
    let response = answer.await.into_response_to(path);
    if response.status() == StatusCode::NO_CONTENT {
        Ok(rule(response.headers()))
    } else {
        Err(response)
    }
}

fn question(admit: &str, head: &Parts) -> Option<Request<WasiBody>> {
    let mut request = Request::new(body::full(Bytes::new()));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = admit.parse::<Uri>().ok()?;
    let target = head.uri.path_and_query()?.as_str();
    let mut headers = head.headers.clone();
    for name in FRAMING {
        headers.remove(name);
    }
    headers.insert(METHOD, HeaderValue::from_str(head.method.as_str()).ok()?);
    headers.insert(TARGET, HeaderValue::from_str(target).ok()?);
    *request.headers_mut() = headers;
    Some(request)
}

fn rule(headers: &HeaderMap) -> Rule {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok();
    Rule {
        max_bytes: text(BODY_BYTES_MAX)
            .and_then(|number| number.parse().ok())
            .unwrap_or(SMALL_BODY_BYTES),
        is_streamed: text(BODY_MODE) == Some(STREAMED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_is_the_head_without_its_body() {
        let request = Request::put("/api/v1/x%20y?a=b&c")
            .header("authorization", "Bearer t")
            .header("content-length", "5")
            .header("expect", "100-continue")
            .header("content-type", "text/csv")
            .body(())
            .unwrap();
        let question = question("/internal/admit", &request.into_parts().0).unwrap();
        assert_eq!(question.method(), Method::POST);
        assert_eq!(question.uri(), "/internal/admit");
        let headers = question.headers();
        assert_eq!(headers[METHOD], "PUT");
        assert_eq!(headers[TARGET], "/api/v1/x%20y?a=b&c");
        assert_eq!(headers["authorization"], "Bearer t");
        assert_eq!(headers["content-type"], "text/csv");
        assert!(!headers.contains_key("content-length") && !headers.contains_key("expect"));
    }

    #[test]
    fn a_component_that_names_no_limit_takes_short_bodies() {
        let mut headers = HeaderMap::new();
        let short = Rule {
            max_bytes: SMALL_BODY_BYTES,
            is_streamed: false,
        };
        assert_eq!(rule(&headers), short);
        headers.insert(BODY_BYTES_MAX, HeaderValue::from_static("7"));
        headers.insert(BODY_MODE, HeaderValue::from_static("streamed"));
        let seven = Rule {
            max_bytes: 7,
            is_streamed: true,
        };
        assert_eq!(rule(&headers), seven);
    }
}
