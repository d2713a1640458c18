//! Which pages of other origins may read answers (the Fetch standard, section 3.2): what `cors_allowed_origins` means.

use http::{HeaderMap, HeaderValue, header};

/// Headers of answers that such pages may read, besides those that every page may.
const EXPOSED_HEADERS: &str = "allow, etag, location, retry-after, traceparent, x-request-id";

/// In the variable it stands for every origin.
const EVERY_ORIGIN: &str = "*";

/// At the end of an entry it stands for every port of the host.
const EVERY_PORT: &str = ":*";

/// What pages of no origin say they are of (sandboxed frames, local files): anybody could be one.
const NO_ORIGIN: &str = "null";

/// The entries of the variable `cors_allowed_origins`.
#[must_use]
pub fn allowed_origins(variable: &str) -> Vec<String> {
    variable
        .split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The headers that let the page of an allowed `origin` read the answer; none for everybody else. That the answer
/// depends on the origin is said of every answer, also of those to requests without one: a cache must not hand it on.
#[must_use]
pub fn leave_to_read(allowed: &[String], origin: Option<&HeaderValue>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
    let Some(origin) = origin else {
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
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static(EXPOSED_HEADERS),
    );
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

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: &str = "https://shop.example";

    fn answer(allowed: &[&str], origin: &'static str) -> HeaderMap {
        let origin = HeaderValue::from_static(origin);
        leave_to_read(&allowed_origins(&allowed.join(", ")), Some(&origin))
    }

    #[test]
    fn an_allowed_origin_is_named_and_no_other() {
        let allowed = ["https://other.example", SHOP, "null"];
        assert_eq!(
            answer(&allowed, SHOP)[header::ACCESS_CONTROL_ALLOW_ORIGIN],
            SHOP
        );
        for other in [
            "https://evil.example",
            "http://shop.example",
            "null",
            "https://shop.example.evil",
        ] {
            let headers = answer(&allowed, other);
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
            let headers = answer(&["http://localhost:*"], origin);
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
        let headers = leave_to_read(&[SHOP.to_owned()], None);
        assert_eq!(headers[header::VARY], "origin");
        assert_eq!(headers.len(), 1);
    }

    #[test]
    fn every_origin_is_not_one_in_particular() {
        for origin in [SHOP, "null"] {
            let headers = answer(&["*"], origin);
            assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
            assert!(!headers.contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS));
        }
    }
}
