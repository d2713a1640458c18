//! The `Idempotency-Key` header: a repeated request gives the first answer again.

use http::{HeaderName, StatusCode};
use mercato_kernel::RecordedAnswer;
use mercato_platform::clock::{Clock, SystemClock, rfc3339};

use crate::{Context, FieldError, Problem, Reply};

/// Longest key, in characters.
pub const MAX_IDEMPOTENCY_KEY_CHARS: usize = 255;

const FIELD: &str = "Idempotency-Key";

const JSON: &str = "application/json";

const PROBLEM_JSON: &str = "application/problem+json";

const HEADER: HeaderName = HeaderName::from_static("idempotency-key");

impl Context {
    /// The request's idempotency key: 1 to [`MAX_IDEMPOTENCY_KEY_CHARS`] visible ASCII characters.
    ///
    /// # Errors
    /// 400 naming the header when it is something else, or given twice.
    pub fn idempotency_key(&self) -> Result<Option<String>, Problem> {
        let mut values = self.headers.get_all(HEADER).iter();
        let Some(value) = values.next() else {
            return Ok(None);
        };
        let key = value.as_bytes();
        let is_key = (1..=MAX_IDEMPOTENCY_KEY_CHARS).contains(&key.len())
            && key.iter().all(u8::is_ascii_graphic);
        if !is_key || values.next().is_some() {
            let message = format!(
                "{FIELD} must be one value of 1 to {MAX_IDEMPOTENCY_KEY_CHARS} visible ASCII characters"
            );
            return Err(Problem::validation(vec![FieldError::new(
                FIELD, "format", message,
            )]));
        }
        Ok(Some(String::from_utf8_lossy(key).into_owned()))
    }
}

impl Context {
    /// A refusal of this request as it is kept under its key, to be answered as [`Recorded`](crate::Recorded).
    #[must_use]
    pub fn refusal(&self, problem: &Problem) -> RecordedAnswer {
        let now = rfc3339(SystemClock.now_ms());
        let document = problem.document(self.path(), self.request_id(), &now);
        RecordedAnswer {
            status: problem.status().as_u16(),
            body: document.to_string().into_bytes(),
        }
    }
}

impl Reply {
    /// An answer that was kept, a success or a refusal, byte for byte.
    #[must_use]
    pub fn recorded(status: u16, body: Vec<u8>) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let content_type = if status.is_success() {
            JSON
        } else {
            PROBLEM_JSON
        };
        Self::with_body(status, content_type, body)
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, StatusCode};
    use proptest::prelude::*;

    use super::*;

    fn key(values: &[&[u8]]) -> Result<Option<String>, StatusCode> {
        let header = |value: &&[u8]| (HEADER, HeaderValue::from_bytes(value).unwrap());
        let context = Context {
            headers: values.iter().map(header).collect(),
            ..Context::default()
        };
        context
            .idempotency_key()
            .map_err(|problem| problem.status())
    }

    #[test]
    fn a_key_is_visible_ascii_and_given_once() {
        assert_eq!(key(&[]), Ok(None));
        assert_eq!(key(&[b"a-1"]), Ok(Some("a-1".to_owned())));
        assert_eq!(key(&[&[b'k'; 255]]), Ok(Some("k".repeat(255))));
        for wrong in [
            &b""[..],
            b"two words",
            "caf\u{e9}".as_bytes(),
            b"\tx",
            &[b'k'; 256],
        ] {
            assert_eq!(key(&[wrong]), Err(StatusCode::BAD_REQUEST), "{wrong:?}");
        }
        assert_eq!(key(&[b"a", b"b"]), Err(StatusCode::BAD_REQUEST));
    }

    proptest! {
        #[test]
        fn a_key_is_taken_as_it_is_or_refused(
            value in prop_oneof!["[!-~]{0,300}".prop_map(String::into_bytes), prop::collection::vec(b' '..=b'~', 0..9), prop::collection::vec(128..=255_u8, 1..9)]
        ) {
            let is_key = (1..=255).contains(&value.len()) && value.iter().all(|byte| (b'!'..=b'~').contains(byte));
            let expected = if is_key {
                Ok(Some(String::from_utf8_lossy(&value).into_owned()))
            } else {
                Err(StatusCode::BAD_REQUEST)
            };
            prop_assert_eq!(key(&[&value]), expected);
        }
    }
}
