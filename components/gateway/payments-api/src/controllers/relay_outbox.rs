use mercato_edge::{Context, Problem, Reply};
use serde_json::json;

use crate::bindings::mercato::payments::outbox;
use crate::problems::problem;

/// `POST /payments/outbox/relay`: publishes what is due now.
pub async fn relay_outbox(context: Context) -> Result<Reply, Problem> {
    context.query().finish()?;
    relay().await
}

/// `POST /internal/relay`: the same, called by a timer of the host.
pub async fn relay_on_timer(_: Context) -> Result<Reply, Problem> {
    relay().await
}

async fn relay() -> Result<Reply, Problem> {
    let report = outbox::relay(0).await.map_err(problem)?;
    Reply::json(&json!({
        "published": report.published,
        "failed": report.failed,
        "pending": report.pending,
    }))
}
