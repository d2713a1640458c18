use checkout::application::commands::sweep as run;
use mercato_edge::{Problem, Reply, endpoint};
use serde_json::json;

use crate::problems::problem;

/// The timer's call; the answer says whether there is more to do at once
#[endpoint(POST "/internal/sweep", access = Public)]
pub async fn sweep() -> Result<Reply, Problem> {
    let checkouts = checkout::instance().await.map_err(problem)?;
    let report = run::handle(&*checkouts).map_err(problem)?;
    let reply = Reply::json(&json!({
        "checkouts": report.checkouts,
        "holds": report.holds,
        "counters": report.counters,
    }))?;
    Ok(if report.more {
        reply.with_more_work()
    } else {
        reply
    })
}
