use mercato_edge::{Context, Problem, Reply};
use orders::application::commands::sweep;
use serde_json::json;

use crate::problems::problem;

/// `POST /internal/sweep`: the timer's call; the answer says whether there is more to do at once.
pub async fn sweep(_: Context) -> Result<Reply, Problem> {
    let orders = orders::instance().await.map_err(problem)?;
    let report = sweep::handle(&*orders, 0).await.map_err(problem)?;
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
