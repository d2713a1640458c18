//! Heads of requests: which are refused, and which headers the runner adds.

use std::net::SocketAddr;

use http::uri::Authority;
use http::{HeaderName, HeaderValue, Request, Version, header};
use mercato_platform::trace::TraceContext;

use super::problem::Problem;
use crate::limits::REQUEST_HEAD_BYTES;

/// Ties a call to the calls it sets off (W3C Trace Context).
pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// What the runner adds about the request, as Spin does.
const CLIENT_ADDRESS: HeaderName = HeaderName::from_static("spin-client-addr");
const PATH_INFO: HeaderName = HeaderName::from_static("spin-path-info");
const MATCHED_ROUTE: HeaderName = HeaderName::from_static("spin-matched-route");
/// How many lines of the log were lost, when there are any: for the component that answers for the shop's readiness.
pub(super) const LOG_LINES_LOST: HeaderName = HeaderName::from_static("mercato-log-lines-lost");
/// What the names of headers begin with that the runner or Spin say something with, so that no client may.
const RESERVED_PREFIXES: [&str; 2] = ["spin-", "mercato-"];

/// Why no component gets to see the request.
pub(super) fn refusal<B>(request: &Request<B>) -> Option<Problem> {
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
/// so that no server on the way understands the request differently.
fn names_its_host<B>(request: &Request<B>) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) => request.version() < Version::HTTP_11,
        (Some(host), None) => host.is_empty() || Authority::try_from(host.as_bytes()).is_ok(),
        (Some(_), Some(_)) => false,
    }
}

/// Whether the body ends at the same place for every server on the way (RFC 9112 section 6): requests that two servers cut
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
pub(super) fn continue_trace(headers: &mut http::HeaderMap) -> Option<TraceContext> {
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

/// Adds the headers that Spin adds, and removes those that a client made up.
pub(super) fn describe(
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_exactly_one_host_from_http_1_1_on() {
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
    fn a_body_has_one_coding_or_none() {
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
