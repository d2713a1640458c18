//! What a route takes as the body of a request. It is checked from the request's head, before anything of the body is read.

use http::{HeaderMap, Method, StatusCode, header};

use crate::{Problem, decoding, stream};

/// Largest body of a route that declares no limit of its own, in bytes. The longest texts that a product may have fit
/// in, every character escaped.
pub const MAX_BODY_BYTES: u64 = 64 * 1024;

/// The media type of JSON.
pub(crate) const JSON: &str = "application/json";

/// How a route takes the body of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyMode {
    /// Its handler does not look at it.
    Ignored,
    /// Read whole before the handler runs; it may be absent.
    Optional,
    /// Read whole before the handler runs.
    Required,
    /// Taken by the handler piece by piece.
    Streamed,
}

/// What a route takes as the body of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyRule {
    mode: BodyMode,
    media_types: &'static [&'static str],
    max_bytes: u64,
}

impl BodyRule {
    /// A body of any media type, up to [`MAX_BODY_BYTES`], which is not looked at.
    pub const IGNORED: Self = Self {
        mode: BodyMode::Ignored,
        media_types: &[],
        max_bytes: MAX_BODY_BYTES,
    };

    /// JSON, up to [`MAX_BODY_BYTES`].
    pub const JSON: Self = Self::required(&[JSON], MAX_BODY_BYTES);

    /// JSON, up to [`MAX_BODY_BYTES`], or no body.
    pub const OPTIONAL_JSON: Self = Self {
        mode: BodyMode::Optional,
        ..Self::JSON
    };

    /// A body of one of these media types, read whole.
    #[must_use]
    pub const fn required(media_types: &'static [&'static str], max_bytes: u64) -> Self {
        Self {
            mode: BodyMode::Required,
            media_types,
            max_bytes,
        }
    }

    /// A body of one of these media types, which the handler takes piece by piece from
    /// [`Context::stream`](crate::Context::stream). A body may arrive for hours: where sessions are checked at all, the handler
    /// checks with [`Guard::check_session`](crate::Guard::check_session) before each thing that it does.
    #[must_use]
    pub const fn streamed(media_types: &'static [&'static str], max_bytes: u64) -> Self {
        Self {
            mode: BodyMode::Streamed,
            media_types,
            max_bytes,
        }
    }

    /// How the route takes it.
    #[must_use]
    pub const fn mode(&self) -> BodyMode {
        self.mode
    }

    /// Media types that it takes.
    #[must_use]
    pub const fn media_types(&self) -> &'static [&'static str] {
        self.media_types
    }

    /// Largest body, in bytes.
    #[must_use]
    pub const fn max_bytes(&self) -> u64 {
        self.max_bytes
    }

    /// Checks what the head of a request says of its body. `is_there` when the caller knows that there is one: an
    /// optional body has to be of the right media type only then.
    ///
    /// # Errors
    /// 415 when it is of another media type, or in a coding that is not unpacked here; 413 when it is declared to be larger
    /// than it may be.
    pub(crate) fn check(
        &self,
        method: &Method,
        headers: &HeaderMap,
        is_there: bool,
    ) -> Result<(), Problem> {
        if !carries_body(method) {
            return Ok(());
        }
        let has_to_match = match self.mode {
            BodyMode::Ignored => false,
            BodyMode::Optional => is_there,
            BodyMode::Required | BodyMode::Streamed => true,
        };
        if has_to_match && !self.media_types.iter().any(|known| is_of(headers, known)) {
            return Err(unsupported_media_type(self.media_types));
        }
        decoding::of_request(headers)?;
        if declared_bytes(headers).is_some_and(|bytes| bytes > self.max_bytes) {
            return Err(stream::too_large(self.max_bytes));
        }
        Ok(())
    }
}

/// Whether the body of such a request means anything here.
pub(crate) fn carries_body(method: &Method) -> bool {
    matches!(
        *method,
        Method::POST | Method::PUT | Method::PATCH | Method::DELETE
    )
}

/// Whether a body is declared to be of that media type, parameters such as `charset` aside.
pub(crate) fn is_of(headers: &HeaderMap, expected: &str) -> bool {
    let declared = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    declared
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .eq_ignore_ascii_case(expected)
}

fn declared_bytes(headers: &HeaderMap) -> Option<u64> {
    let declared = headers.get(header::CONTENT_LENGTH)?;
    declared.to_str().ok()?.trim().parse().ok()
}

/// 415, naming what is accepted.
#[must_use]
pub fn unsupported_media_type(accepted: &[&str]) -> Problem {
    let names = match accepted.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        _ => accepted.concat(),
    };
    Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported-media-type",
        "Unsupported media type",
        format!("send the body with the header Content-Type: {names}"),
    )
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const TEA: BodyRule = BodyRule::required(&["text/tea", "text/leaves"], 9);

    fn status(
        rule: BodyRule,
        method: &Method,
        head: &[(header::HeaderName, &'static str)],
        is_there: bool,
    ) -> u16 {
        let headers = head
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_static(value)))
            .collect();
        rule.check(method, &headers, is_there)
            .map_or_else(|problem| problem.status().as_u16(), |()| 200)
    }

    #[test]
    fn a_body_is_of_a_type_that_the_route_takes() {
        use header::CONTENT_TYPE as TYPE;
        for (value, expected) in [
            ("text/tea", 200),
            ("Text/Leaves; charset=utf-8", 200),
            ("text/coffee", 415),
            ("text/teas", 415),
            ("", 415),
        ] {
            assert_eq!(status(TEA, &Method::POST, &[(TYPE, value)], true), expected);
            // Nothing is read of the body of a GET.
            assert_eq!(status(TEA, &Method::GET, &[(TYPE, value)], true), 200);
            assert_eq!(
                status(BodyRule::IGNORED, &Method::POST, &[(TYPE, value)], true),
                200
            );
        }
        assert_eq!(status(TEA, &Method::POST, &[], false), 415);
    }

    #[test]
    fn an_optional_body_has_a_type_only_if_it_is_there() {
        let rule = BodyRule::OPTIONAL_JSON;
        let text = [(header::CONTENT_TYPE, "text/plain")];
        assert_eq!(status(rule, &Method::POST, &[], false), 200);
        assert_eq!(status(rule, &Method::POST, &text, false), 200);
        assert_eq!(status(rule, &Method::POST, &text, true), 415);
        let json = [(header::CONTENT_TYPE, "application/json")];
        assert_eq!(status(rule, &Method::POST, &json, true), 200);
    }

    #[test]
    fn a_body_that_is_declared_too_large_is_not_read() {
        for (length, expected) in [("9", 200), ("10", 413), ("99999999999999999999", 200)] {
            let head = [
                (header::CONTENT_TYPE, "text/tea"),
                (header::CONTENT_LENGTH, length),
            ];
            assert_eq!(
                status(TEA, &Method::POST, &head, true),
                expected,
                "{length}"
            );
        }
    }

    #[test]
    fn a_body_in_a_coding_that_nobody_unpacks_is_not_read() {
        use header::CONTENT_ENCODING as CODING;
        for (value, expected) in [("gzip", 200), ("identity", 200), ("br", 415)] {
            let head = [(header::CONTENT_TYPE, "text/tea"), (CODING, value)];
            assert_eq!(status(TEA, &Method::POST, &head, true), expected, "{value}");
            assert_eq!(status(TEA, &Method::GET, &head, true), 200, "{value}");
            let ignored = status(BodyRule::IGNORED, &Method::DELETE, &head, true);
            assert_eq!(ignored, expected, "{value}");
        }
    }

    #[test]
    fn a_refusal_names_all_types_that_are_taken() {
        let detail = |accepted: &[&str]| {
            let document = unsupported_media_type(accepted).document("/", "r", "t");
            document["detail"].as_str().unwrap().to_owned()
        };
        let head = "send the body with the header Content-Type: ";
        assert_eq!(detail(&["a/b"]), format!("{head}a/b"));
        assert_eq!(detail(&["a", "b", "c"]), format!("{head}a, b or c"));
    }
}
