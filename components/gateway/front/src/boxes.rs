//! What stands behind the front door: boxes that answer internal paths.

use std::time::Duration;

use bytes::Bytes;
use futures::future::{Either, select};
use mercato_platform::log;
use spin_sdk::http::EmptyBody;
use spin_sdk::http::body::IncomingBodyExt;
use spin_sdk::wasip3::clocks::monotonic_clock;

/// How long a box may take to answer.
const TIMEOUT: Duration = Duration::from_secs(2);

/// What a box answers at an internal path, if it answers 200 in time. The request keeps its id.
pub async fn ask(name: &'static str, path: &str, request_id: &str) -> Option<Bytes> {
    let answer = Box::pin(get(name, path, request_id));
    let nanoseconds = u64::try_from(TIMEOUT.as_nanos()).unwrap_or(u64::MAX);
    let deadline = Box::pin(monotonic_clock::wait_for(nanoseconds));
    match select(answer, deadline).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => None,
    }
}

async fn get(name: &'static str, path: &str, request_id: &str) -> Option<Bytes> {
    let request = http::Request::builder()
        .uri(format!("http://{name}.spin.internal{path}"))
        .header("x-request-id", request_id)
        .body(EmptyBody::new())
        .ok()?;
    let response = match spin_sdk::http::send(request).await {
        Ok(response) => response,
        Err(error) => {
            log::warn(
                "a box cannot be asked",
                &[("box", name), ("error", &error.to_string())],
            );
            return None;
        }
    };
    if !response.status().is_success() {
        return None;
    }
    response.into_body().bytes().await.ok()
}
