//! Cross-origin requests (the Fetch standard, section 3.2): which other origins may use the API from a browser.

use std::cell::RefCell;

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use mercato_platform::log;

use mercato_contracts::variables::variables;

/// How long a browser may remember a preflight answer, in seconds.
const PREFLIGHT_MAX_AGE_S: &str = "600";

const ALLOWED_HEADERS: &str = "authorization, content-encoding, content-type, idempotency-key, if-match, if-none-match, traceparent, x-request-id";

thread_local! {
    /// The variable `cors_allowed_origins`, read once per instance.
    static ORIGINS: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// The headers that let the page of an allowed origin read the answer, or send the request that it asks about; none for
/// everybody else.
pub fn headers(allowed: &[String], request: &HeaderMap, preflight: Option<&[Method]>) -> HeaderMap {
    let mut headers = mercato_settings::leave_to_read(allowed, request.get(header::ORIGIN));
    let is_allowed = headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN);
    if let Some(methods) = preflight.filter(|_| is_allowed) {
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
    let origins = mercato_settings::allowed_origins(&text);
    ORIGINS.set(Some(origins.clone()));
    origins
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: &str = "https://shop.example";

    fn preflight(origin: &'static str) -> HeaderMap {
        let request = (header::ORIGIN, HeaderValue::from_static(origin));
        let methods = [Method::GET, Method::PATCH];
        headers(
            &[SHOP.to_owned()],
            &HeaderMap::from_iter([request]),
            Some(&methods),
        )
    }

    #[test]
    fn a_preflight_names_the_methods_of_the_path() {
        let headers = preflight(SHOP);
        assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_METHODS], "GET, PATCH");
        assert!(!headers.contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS));
        let stranger = preflight("https://elsewhere.example");
        assert_eq!(stranger.len(), 1, "{stranger:?}");
    }
}
