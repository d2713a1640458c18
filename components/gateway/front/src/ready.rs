//! Readiness: every box is asked whether it can reach its databases.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::{Either, join_all, select};
use mercato_edge::{Context, Problem, Reply, StatusCode};
use mercato_platform::log;
use serde::Serialize;
use serde_json::json;
use spin_sdk::wasip3::clocks::monotonic_clock;
use utoipa::ToSchema;

/// The boxes behind this door.
pub const BOXES: [&str; 4] = ["auth-api", "orders-api", "payments-api", "products-api"];

/// How long a box may take to say that it is ready.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The state of every box.
#[derive(Debug, Serialize, ToSchema)]
pub struct Readiness {
    /// `ok`: everything is up.
    #[schema(example = "ok")]
    status: &'static str,
    /// `up` or `down`, by box.
    #[schema(example = json!({"auth-api": "up", "orders-api": "up", "payments-api": "up", "products-api": "up"}))]
    boxes: BTreeMap<&'static str, &'static str>,
}

/// 200 when every box is ready, 503 naming those that are not.
#[utoipa::path(
    get,
    path = "/api/health/ready",
    tag = "Health",
    operation_id = "ready",
    summary = "Is everything ready?",
    description = "Asks every box whether it reaches its databases.",
    responses(
        (status = 200, description = "Every box is up", body = Readiness),
        (status = 503, description = "Not ready; `boxes` names what is down", body = inline(serde_json::Value), content_type = "application/problem+json"),
    )
)]
pub async fn ready(context: Context) -> Result<Reply, Problem> {
    context.query().finish()?;
    let states: BTreeMap<&str, bool> = join_all(BOXES.map(ask)).await.into_iter().collect();
    let down: Vec<&str> = states
        .iter()
        .filter(|(_, is_up)| !**is_up)
        .map(|(name, _)| *name)
        .collect();
    let boxes: BTreeMap<&'static str, &'static str> = states
        .iter()
        .map(|(name, is_up)| (*name, if *is_up { "up" } else { "down" }))
        .collect();
    if down.is_empty() {
        return Reply::json(&Readiness {
            status: "ok",
            boxes,
        });
    }
    log::error("the shop is not ready", &[("down", &down.join(", "))]);
    Err(Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "not-ready",
        "Not ready",
        format!("not ready: {}", down.join(", ")),
    )
    .with_member("boxes", json!(boxes)))
}

async fn ask(name: &'static str) -> (&'static str, bool) {
    let answer = Box::pin(spin_sdk::http::get(format!(
        "http://{name}.spin.internal/internal/ready"
    )));
    let nanoseconds = u64::try_from(TIMEOUT.as_nanos()).unwrap_or(u64::MAX);
    let deadline = Box::pin(monotonic_clock::wait_for(nanoseconds));
    let is_up = match select(answer, deadline).await {
        Either::Left((Ok(response), _)) => response.status().is_success(),
        Either::Left((Err(error), _)) => {
            log::warn(
                "a box cannot be asked",
                &[("box", name), ("error", &error.to_string())],
            );
            false
        }
        Either::Right(_) => false,
    };
    (name, is_up)
}
