use mercato_edge::{Context, Problem, Reply};
use serde_json::json;

use crate::bindings::mercato::orders_old::maintenance;
use crate::problems::problem;

/// `POST /internal/sweep`: the timer's call, which is told when there is more to do at once.
pub async fn sweep(_: Context) -> Result<Reply, Problem> {
    let report = maintenance::sweep(0).await.map_err(problem)?;
    let reply = Reply::json(&json!({
        "expired": report.expired,
        "resumed": report.resumed,
        "eventsApplied": report.events_applied,
    }))?;
    Ok(if report.more {
        reply.with_more_work()
    } else {
        reply
    })
}
