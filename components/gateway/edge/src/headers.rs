//! Headers that belong to every answer.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use mercato_platform::ids::{Ids, RandomIds};

/// Ties a request, its answer and its log lines together.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longest request id taken over from a client.
const MAX_REQUEST_ID_CHARS: usize = 128;

/// Sent with every answer that does not set them itself.
const SECURITY: [(HeaderName, HeaderValue); 5] = [
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

/// Completes the headers of an answer.
pub fn complete(headers: &mut HeaderMap, request_id: &str, cors: HeaderMap) {
    for (name, value) in SECURITY {
        headers.entry(name).or_insert(value);
    }
    if let Ok(value) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, value);
    }
    for (name, value) in &cors {
        // An answer may vary for reasons of its own.
        headers.append(name, value.clone());
    }
}

#[cfg(test)]
mod tests {
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
        complete(&mut headers, "r", HeaderMap::new());
        assert_eq!(headers[header::CONTENT_SECURITY_POLICY], own);
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(headers[REQUEST_ID], "r");
    }

    #[test]
    fn an_answer_may_vary_with_more_than_the_origin() {
        let vary = |value| HeaderMap::from_iter([(header::VARY, HeaderValue::from_static(value))]);
        let mut headers = vary("accept-encoding");
        complete(&mut headers, "r", vary("origin"));
        let found: Vec<_> = headers.get_all(header::VARY).iter().collect();
        assert_eq!(found, ["accept-encoding", "origin"]);
    }
}
