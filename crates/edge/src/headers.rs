//! Headers that belong to every answer.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use mercato_platform::ids::{Ids, RandomIds};
use mercato_platform::trace::TraceContext;

/// Ties a request, its answer and its log lines together.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Ties a call to the calls it sets off (W3C Trace Context).
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Longest request id taken over from a client.
const MAX_REQUEST_ID_CHARS: usize = 128;

/// Sent with every answer that does not set them itself.
const SECURITY: [(HeaderName, HeaderValue); 6] = [
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    ),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
        ),
    ),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    // Browsers ignore it in answers that did not come over TLS (RFC 6797 section 8.1), which a proxy in front adds.
    (
        header::STRICT_TRANSPORT_SECURITY,
        HeaderValue::from_static("max-age=31536000; includeSubDomains"),
    ),
];

/// The client's own request id when it is well-formed (letters, digits, `.`, `_`, `-`), else a new one.
pub fn request_id(headers: &HeaderMap) -> String {
    let given = headers
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok());
    match given {
        Some(id) if is_well_formed(id) => id.to_owned(),
        _ => RandomIds.new_id(),
    }
}

fn is_well_formed(id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=MAX_REQUEST_ID_CHARS).contains(&id.len()) && id.bytes().all(allowed)
}

/// Our span in the trace that the request belongs to; none when it belongs to no trace, or says so twice or wrongly.
pub fn trace(headers: &HeaderMap) -> Option<TraceContext> {
    let mut values = headers.get_all(TRACEPARENT).iter();
    let given = TraceContext::parse(values.next()?.to_str().ok()?)?;
    values.next().is_none().then(|| given.child())
}

/// Completes the headers of an answer.
pub fn complete(
    headers: &mut HeaderMap,
    request_id: &str,
    trace: Option<&TraceContext>,
    cors: HeaderMap,
) {
    for (name, value) in SECURITY {
        headers.entry(name).or_insert(value);
    }
    if let Ok(value) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, value);
    }
    if let Some(value) = trace.and_then(|trace| HeaderValue::from_str(&trace.to_string()).ok()) {
        headers.insert(TRACEPARENT, value);
    }
    for (name, value) in &cors {
        let joined = headers
            .get(name)
            .and_then(|own| both(value, own))
            .unwrap_or_else(|| value.clone());
        headers.insert(name, joined);
    }
}

/// Says that the answer may be another one for another value of that header of the request.
pub fn vary(headers: &mut HeaderMap, name: &HeaderName) {
    let name = HeaderValue::from_str(name.as_str());
    let own = headers.get(header::VARY);
    let line = name.ok().and_then(|name| match own {
        Some(own) => both(own, &name),
        None => Some(name),
    });
    if let Some(line) = line {
        headers.insert(header::VARY, line);
    }
}

/// Whether an answer says so of that header.
pub fn varies(headers: &HeaderMap, name: &HeaderName) -> bool {
    let lines = headers.get_all(header::VARY).iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .any(|listed| listed.trim().eq_ignore_ascii_case(name.as_str()))
}

/// One line that lists both values (RFC 9110 section 5.3): an answer may vary for reasons of its own, and there are caches
/// that look at the first line alone.
fn both(first: &HeaderValue, second: &HeaderValue) -> Option<HeaderValue> {
    let line = format!("{}, {}", first.to_str().ok()?, second.to_str().ok()?);
    HeaderValue::from_str(&line).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_well_formed_request_ids_are_taken_over() {
        let with =
            |id: &'static str| HeaderMap::from_iter([(REQUEST_ID, HeaderValue::from_static(id))]);
        assert_eq!(request_id(&with("abc-1.2_3")), "abc-1.2_3");
        for wrong in ["", "a b", "a\"b", "<script>"] {
            assert_ne!(request_id(&with(wrong)), wrong);
        }
        assert!(!is_well_formed(&"a".repeat(129)));
        assert_eq!(request_id(&HeaderMap::new()).len(), 36);
    }

    #[test]
    fn an_answers_own_headers_stay() {
        let own = HeaderValue::from_static("default-src 'self'");
        let mut headers = HeaderMap::from_iter([(header::CONTENT_SECURITY_POLICY, own.clone())]);
        complete(&mut headers, "r", None, HeaderMap::new());
        assert_eq!(headers[header::CONTENT_SECURITY_POLICY], own);
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(headers[REQUEST_ID], "r");
    }

    #[test]
    fn an_answer_may_vary_with_more_than_the_origin() {
        let vary = |value| HeaderMap::from_iter([(header::VARY, HeaderValue::from_static(value))]);
        let mut headers = vary("accept-encoding");
        complete(&mut headers, "r", None, vary("origin"));
        let found: Vec<_> = headers.get_all(header::VARY).iter().collect();
        assert_eq!(found, ["origin, accept-encoding"]);
    }

    #[test]
    fn all_that_an_answer_varies_with_stands_in_one_line() {
        let mut headers = HeaderMap::new();
        assert!(!varies(&headers, &header::AUTHORIZATION));
        for name in [header::AUTHORIZATION, header::ACCEPT_ENCODING] {
            vary(&mut headers, &name);
            assert!(varies(&headers, &name));
        }
        let found: Vec<_> = headers.get_all(header::VARY).iter().collect();
        assert_eq!(found, ["authorization, accept-encoding"]);
        assert!(!varies(&headers, &header::ACCEPT));
    }

    #[test]
    fn an_answer_belongs_to_the_trace_of_its_request() {
        const GIVEN: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let request = HeaderMap::from_iter([(TRACEPARENT, HeaderValue::from_static(GIVEN))]);
        let ours = trace(&request).unwrap();
        let mut headers = HeaderMap::new();
        complete(&mut headers, "r", Some(&ours), HeaderMap::new());
        let sent = headers[TRACEPARENT].to_str().unwrap();
        assert!(sent.starts_with("00-0af7651916cd43dd8448eb211c80319c-") && sent.ends_with("-01"));
        assert_ne!(sent, GIVEN);
    }

    #[test]
    fn a_trace_that_is_not_one_is_ignored() {
        const GIVEN: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let header = |value| (TRACEPARENT, HeaderValue::from_static(value));
        assert_eq!(trace(&HeaderMap::new()), None);
        assert_eq!(trace(&HeaderMap::from_iter([header("nonsense")])), None);
        let mut twice = HeaderMap::from_iter([header(GIVEN)]);
        twice.append(TRACEPARENT, HeaderValue::from_static(GIVEN));
        assert_eq!(trace(&twice), None);
    }

    proptest! {
        #[test]
        fn an_answers_request_id_is_always_well_formed(id in "[ -~]{0,140}") {
            let headers = HeaderMap::from_iter([(REQUEST_ID, HeaderValue::from_str(&id).unwrap())]);
            let taken = request_id(&headers);
            prop_assert!(is_well_formed(&taken));
            prop_assert_eq!(taken == id, is_well_formed(&id));
        }
    }
}
