use mercato_edge::{Problem, Reply, endpoint};
use orders::application::commands::sweep as run;
use serde_json::json;

use crate::problems::problem;

/// The timer's call; the answer says whether there is more to do at once
#[endpoint(POST "/internal/sweep", access = Public)]
pub async fn sweep() -> Result<Reply, Problem> {
    let orders = orders::instance().await.map_err(problem)?;
    let report = run::handle(&*orders, 0).await.map_err(problem)?;
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
