//! Requests from component to component: paths under `/internal/`, at which there is nothing for clients.

use std::time::Duration;

use bytes::Bytes;
use mercato_contracts::time::within;
use mercato_platform::log;
use spin_sdk::http::EmptyBody;
use spin_sdk::http::body::IncomingBodyExt;

/// How long a component may take to answer. Under a fault plan, shorter pauses take no time: see `reliability/src/plan.rs`.
const TIMEOUT: Duration = Duration::from_secs(3);

/// What a component answers at an internal path, if it answers 200 in time. With a request id, that request asks.
///
/// The component needs the grant `http://NAME.spin.internal`.
pub async fn ask(name: &'static str, path: &str, request_id: Option<&str>) -> Option<Bytes> {
    within(TIMEOUT, get(name, path, request_id)).await.flatten()
}

async fn get(name: &'static str, path: &str, request_id: Option<&str>) -> Option<Bytes> {
    let mut request = http::Request::builder().uri(format!("http://{name}.spin.internal{path}"));
    if let Some(id) = request_id {
        request = request.header("x-request-id", id);
    }
    let request = request.body(EmptyBody::new()).ok()?;
    let response = match spin_sdk::http::send(request).await {
        Ok(response) => response,
        Err(error) => {
            log::warn(
                "a component cannot be asked",
                &[("asked", name), ("error", &error.to_string())],
            );
            return None;
        }
    };
    if !response.status().is_success() {
        return None;
    }
    response.into_body().bytes().await.ok()
}
