//! One request over the host's HTTP client.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http_body_util::{BodyExt, Limited};
use mercato_contracts::time::within;
use spin_sdk::http::{FullBody, send};

use crate::client::{Answer, Request, Transport, TransportError};
use crate::transformers::Method;

/// Longest answer that is read, in bytes. A page of refunds has some hundred kilobytes.
const ANSWER_MAX_BYTES: usize = 1 << 20;

/// The host's HTTP client.
#[derive(Debug, Clone, Copy, Default)]
pub struct HostHttp;

impl Transport for HostHttp {
    async fn send(&self, request: &Request, limit: Duration) -> Result<Answer, TransportError> {
        within(limit, exchange(request))
            .await
            .unwrap_or(Err(TransportError::TimedOut))
    }
}

async fn exchange(request: &Request) -> Result<Answer, TransportError> {
    let mut builder = http::Request::builder()
        .method(match request.method {
            Method::Get => http::Method::GET,
            Method::Post => http::Method::POST,
        })
        .uri(&request.url);
    for (name, value) in &request.headers {
        builder = builder.header(*name, value);
    }
    if request.method == Method::Post {
        // Otherwise the body would go out in chunks.
        builder = builder.header(http::header::CONTENT_LENGTH, request.body.len());
    }
    let request = builder
        .body(FullBody::new(Bytes::from(request.body.clone())))
        .map_err(|_| {
            failed("the request cannot be written; see stripe_api_base and stripe_secret_key")
        })?;
    let response = send(request).await.map_err(failed)?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = Limited::new(response.into_body(), ANSWER_MAX_BYTES)
        .collect()
        .await
        .map_err(failed)?
        .to_bytes();
    Ok(answer(status, &headers, body.to_vec()))
}

fn failed(cause: impl ToString) -> TransportError {
    TransportError::Failed(cause.to_string())
}

fn answer(status: u16, headers: &HeaderMap, body: Vec<u8>) -> Answer {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    Answer {
        status,
        retry_after: header("retry-after")
            .and_then(|seconds| seconds.trim().parse().ok())
            .map(Duration::from_secs),
        should_retry: header("stripe-should-retry").and_then(|word| word.trim().parse().ok()),
        request_id: header("request-id").map(str::to_owned),
        body,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(entries: &[(&'static str, &'static str)]) -> HeaderMap {
        entries
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn stripes_headers_are_read() {
        let told = headers(&[
            ("retry-after", "3"),
            ("stripe-should-retry", "true"),
            ("request-id", "req_1"),
        ]);
        let expected = Answer {
            status: 429,
            retry_after: Some(Duration::from_secs(3)),
            should_retry: Some(true),
            request_id: Some("req_1".to_owned()),
            body: b"{}".to_vec(),
        };
        assert_eq!(answer(429, &told, b"{}".to_vec()), expected);
    }

    #[test]
    fn headers_that_cannot_be_read_say_nothing() {
        let odd = headers(&[
            ("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT"),
            ("stripe-should-retry", "perhaps"),
        ]);
        let read = answer(500, &odd, Vec::new());
        assert_eq!((read.retry_after, read.should_retry), (None, None));
    }
}
