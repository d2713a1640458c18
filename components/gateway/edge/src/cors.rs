//! Cross-origin requests (the Fetch standard, section 3.2): which other origins may use the API from a browser.

use std::cell::RefCell;

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use mercato_platform::log;

use crate::bindings::spin::variables::variables;

/// How long a browser may remember a preflight answer, in seconds.
const PREFLIGHT_MAX_AGE_S: &str = "600";

const ALLOWED_HEADERS: &str = "authorization, content-encoding, content-type, idempotency-key, if-match, if-none-match, traceparent, x-request-id";
const EXPOSED_HEADERS: &str = "allow, etag, location, retry-after, traceparent, x-request-id";

/// In the variable it stands for every origin.
const EVERY_ORIGIN: &str = "*";

/// At the end of an entry it stands for every port of the host.
const EVERY_PORT: &str = ":*";

/// What pages of no origin say they are of (sandboxed frames, local files): anybody could be one.
const NO_ORIGIN: &str = "null";

thread_local! {
    /// The variable `cors_allowed_origins`, read once per instance.
    static ORIGINS: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// The headers that let the page of an allowed origin read the answer; none for everybody else. That the answer
/// depends on the origin is said of every answer, also of those to requests without one: a cache must not hand it on.
pub fn headers(allowed: &[String], request: &HeaderMap, preflight: Option<&[Method]>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
    let Some(origin) = request.get(header::ORIGIN) else {
        return headers;
    };
    let origin = if allowed.iter().any(|entry| entry == EVERY_ORIGIN) {
        HeaderValue::from_static(EVERY_ORIGIN)
    } else if origin != NO_ORIGIN && allowed.iter().any(|entry| names(entry, origin)) {
        origin.clone()
    } else {
        return headers;
    };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    set(
        &mut headers,
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        EXPOSED_HEADERS,
    );
    if let Some(methods) = preflight {
        let methods: Vec<&str> = methods.iter().map(Method::as_str).collect();
        set(
            &mut headers,
            header::ACCESS_CONTROL_ALLOW_METHODS,
            &methods.join(", "),
        );
        set(
            &mut headers,
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            ALLOWED_HEADERS,
        );
        set(
            &mut headers,
            header::ACCESS_CONTROL_MAX_AGE,
            PREFLIGHT_MAX_AGE_S,
        );
    }
    headers
}

/// Whether an entry of the variable is that origin, or one of a host at every port.
fn names(entry: &str, origin: &HeaderValue) -> bool {
    let Some(host) = entry.strip_suffix(EVERY_PORT) else {
        return entry == origin;
    };
    let origin = origin.to_str().unwrap_or_default();
    let port = match origin.strip_prefix(host) {
        // The default port is not named.
        Some("") => return true,
        Some(rest) => rest.strip_prefix(':'),
        None => None,
    };
    port.is_some_and(|port| port.parse::<u16>().is_ok())
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// The origins whose pages may use the API.
pub async fn allowed_origins() -> Vec<String> {
    if let Some(known) = ORIGINS.with_borrow(Clone::clone) {
        return known;
    }
    let text = variables::get("cors_allowed_origins".to_owned())
        .await
        .unwrap_or_else(|error| {
            log::warn(
                "cors_allowed_origins cannot be read: no other origin is allowed",
                &[("error", &error.to_string())],
            );
            String::new()
        });
    let origins: Vec<String> = text
        .split(',')
        .map(str::trim)
        .filter(|o| !o.is_empty())
        .map(str::to_owned)
        .collect();
    ORIGINS.set(Some(origins.clone()));
    origins
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: &str = "https://shop.example";

    fn answer(allowed: &[&str], origin: &'static str, preflight: Option<&[Method]>) -> HeaderMap {
        let allowed: Vec<String> = allowed.iter().map(|&entry| entry.to_owned()).collect();
        let origin = (header::ORIGIN, HeaderValue::from_static(origin));
        headers(&allowed, &HeaderMap::from_iter([origin]), preflight)
    }

    #[test]
    fn an_allowed_origin_is_named_and_no_other() {
        let allowed = ["https://other.example", SHOP, "null"];
        assert_eq!(
            answer(&allowed, SHOP, None)[header::ACCESS_CONTROL_ALLOW_ORIGIN],
            SHOP
        );
        for other in [
            "https://evil.example",
            "http://shop.example",
            "null",
            "https://shop.example.evil",
        ] {
            let headers = answer(&allowed, other, None);
            assert!(
                !headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN),
                "{other}"
            );
            assert_eq!(headers[header::VARY], "origin");
        }
    }

    #[test]
    fn a_host_may_be_allowed_at_every_port() {
        for (origin, is_allowed) in [
            ("http://localhost:5173", true),
            ("http://localhost:3000", true),
            ("http://localhost", true),
            ("https://localhost:5173", false),
            ("http://localhost.evil.example", false),
            ("http://localhost:5173.evil.example", false),
            ("http://localhost:", false),
            ("http://localhost:*", false),
            ("http://127.0.0.1:5173", false),
        ] {
            let headers = answer(&["http://localhost:*"], origin, None);
            let named = headers.get(header::ACCESS_CONTROL_ALLOW_ORIGIN);
            assert_eq!(
                named.is_some_and(|named| named == origin),
                is_allowed,
                "{origin}"
            );
        }
    }

    #[test]
    fn every_answer_says_that_it_depends_on_the_origin() {
        let headers = headers(&[SHOP.to_owned()], &HeaderMap::new(), None);
        assert_eq!(headers[header::VARY], "origin");
        assert_eq!(headers.len(), 1);
    }

    #[test]
    fn a_preflight_names_the_methods_of_the_path() {
        let headers = answer(&[SHOP], SHOP, Some(&[Method::GET, Method::PATCH]));
        assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_METHODS], "GET, PATCH");
        assert!(!headers.contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS));
    }

    #[test]
    fn every_origin_is_not_one_in_particular() {
        for origin in [SHOP, "null"] {
            let headers = answer(&["*"], origin, None);
            assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
            assert!(!headers.contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS));
        }
    }
}
