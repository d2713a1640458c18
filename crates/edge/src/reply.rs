//! Successful answers.

use std::cell::RefCell;
use std::rc::Rc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::{Problem, StreamedBody, headers};

/// On the answer to a timer's call: there is more to do.
const MORE_WORK: HeaderName = HeaderName::from_static("mercato-more-work");

/// How long a cache may still give an answer that has become too old while it asks for a new one, in seconds.
const STALE_WHILE_REVALIDATE_SECONDS: u64 = 30;

/// A successful answer.
#[derive(Debug, Clone)]
pub struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// What is sent instead of the body, once: it is made while it is sent.
    pub(crate) streamed: Option<Rc<RefCell<Option<StreamedBody>>>>,
    /// It carries a secret: it is never compressed.
    pub(crate) holds_secret: bool,
    pub(crate) is_to_be_compressed: bool,
}

impl Reply {
    /// 200 with a JSON body.
    ///
    /// # Errors
    /// [`Problem::internal`] when the value cannot be written as JSON.
    pub fn json(value: &impl Serialize) -> Result<Self, Problem> {
        let body = serde_json::to_vec(value).map_err(|error| {
            mercato_platform::log::error(
                "an answer could not be serialised",
                &[("error", &error.to_string())],
            );
            Problem::internal()
        })?;
        Ok(Self::json_bytes(StatusCode::OK, body))
    }

    /// JSON that is already written.
    #[must_use]
    pub fn json_bytes(status: StatusCode, body: Vec<u8>) -> Self {
        Self::with_body(status, "application/json", body)
    }

    /// A body of any type.
    #[must_use]
    pub fn with_body(
        status: StatusCode,
        content_type: &'static str,
        body: impl Into<Bytes>,
    ) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        Self {
            status,
            headers,
            body: body.into(),
            streamed: None,
            holds_secret: false,
            is_to_be_compressed: false,
        }
    }

    /// 200 with a body of any type that is made while it is sent. It is neither compressed nor kept.
    #[must_use]
    pub fn streamed(content_type: &'static str, body: StreamedBody) -> Self {
        Self {
            streamed: Some(Rc::new(RefCell::new(Some(body)))),
            ..Self::with_body(StatusCode::OK, content_type, Bytes::new())
        }
    }

    /// 200 with plain text.
    #[must_use]
    pub fn text(body: impl Into<String>) -> Self {
        Self::with_body(StatusCode::OK, "text/plain; charset=utf-8", body.into())
    }

    /// 200 with metrics, as Prometheus reads them.
    #[must_use]
    pub fn metrics(text: mercato_metrics::Exposition) -> Self {
        Self::with_body(
            StatusCode::OK,
            mercato_metrics::CONTENT_TYPE,
            text.into_text(),
        )
    }

    /// 200 with a page.
    #[must_use]
    pub fn html(body: impl Into<String>) -> Self {
        Self::with_body(StatusCode::OK, "text/html; charset=utf-8", body.into())
    }

    /// 204.
    #[must_use]
    pub fn no_content() -> Self {
        Self {
            status: StatusCode::NO_CONTENT,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            streamed: None,
            holds_secret: false,
            is_to_be_compressed: false,
        }
    }

    /// 303: the client goes on with a GET of `location`, a path of ours.
    #[must_use]
    pub fn see_other(location: &str) -> Self {
        Self {
            status: StatusCode::SEE_OTHER,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            streamed: None,
            holds_secret: false,
            is_to_be_compressed: false,
        }
        .at(location)
    }

    /// The same answer as 201, made at `location`.
    #[must_use]
    pub fn created(mut self, location: &str) -> Self {
        self.status = StatusCode::CREATED;
        self.at(location)
    }

    /// The same answer, never compressed because it carries a secret beside what the client has sent.
    #[must_use]
    pub const fn holding_secret(mut self) -> Self {
        self.holds_secret = true;
        self
    }

    /// The same answer with another status.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// The same answer with a further header.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// The same answer, which caches may keep for so many seconds, and give to all who send no `Authorization`. For a while
    /// longer they may give it while they ask for a new one (RFC 5861 section 3).
    #[must_use]
    pub fn kept_by_caches(mut self, seconds: u64) -> Self {
        let lifetime = format!(
            "public, max-age={seconds}, stale-while-revalidate={STALE_WHILE_REVALIDATE_SECONDS}"
        );
        if let Ok(lifetime) = HeaderValue::from_str(&lifetime) {
            headers::vary(&mut self.headers, &header::AUTHORIZATION);
            self.headers.insert(header::CACHE_CONTROL, lifetime);
        }
        self
    }

    /// The same answer, saying to the host's timer that there is more to do: it calls again at once.
    #[must_use]
    pub fn with_more_work(self) -> Self {
        self.with_header(MORE_WORK, HeaderValue::from_static("true"))
    }

    /// The body as it will be sent.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The headers it will be sent with, so far.
    #[must_use]
    pub const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The status it will be sent with.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    fn at(self, location: &str) -> Self {
        match HeaderValue::from_str(location) {
            Ok(value) => self.with_header(header::LOCATION, value),
            Err(_) => self,
        }
    }
}
