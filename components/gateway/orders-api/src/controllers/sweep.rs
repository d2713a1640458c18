use mercato_edge::{Context, Problem, Reply};
use serde_json::json;

use crate::bindings::mercato::orders::maintenance;
use crate::problems::problem;

/// `POST /internal/sweep`: the timer's call.
pub async fn sweep(_: Context) -> Result<Reply, Problem> {
    let report = maintenance::sweep(0).await.map_err(problem)?;
    Reply::json(&json!({
        "expired": report.expired,
        "resumed": report.resumed,
        "eventsApplied": report.events_applied,
    }))
}
