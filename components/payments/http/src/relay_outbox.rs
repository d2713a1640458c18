use mercato_edge::{Context, Problem, Reply};
use payments::application::commands;
use payments::instance;
use serde::Serialize;
use utoipa::ToSchema;

use crate::problems::problem;

/// What a run of the relay did.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RelayReport)]
pub struct RelayResource {
    /// Events that were published.
    #[schema(minimum = 0, example = 3)]
    pub published: u32,
    /// Events that could not be published; they will be tried again.
    #[schema(minimum = 0, example = 0)]
    pub failed: u32,
    /// Events that still wait to be acknowledged.
    #[schema(minimum = 0, example = 3)]
    pub pending: u64,
}

/// `POST /payments/outbox/relay`: publishes what is due now.
#[utoipa::path(
    post,
    path = "/api/v1/payments/outbox/relay",
    tag = "Payments",
    operation_id = "relayOutbox",
    summary = "Publish what is due",
    description = "Publishes every event that is due, at once. The shop does that by itself; this is for the impatient.",
    responses((status = 200, description = "What the run did", body = RelayResource))
)]
pub async fn relay_outbox(context: Context) -> Result<Reply, Problem> {
    context.query_string().finish()?;
    Ok(relay().await?.0)
}

/// `POST /internal/relay`: the same, called by a timer of the host; the answer says when there is more to do at once.
pub async fn relay_on_timer(_: Context) -> Result<Reply, Problem> {
    let (reply, is_more) = relay().await?;
    Ok(if is_more {
        reply.with_more_work()
    } else {
        reply
    })
}

async fn relay() -> Result<(Reply, bool), Problem> {
    let report = commands::relay_outbox::handle(&*instance(), 0)
        .await
        .map_err(problem)?;
    let reply = Reply::json(&RelayResource {
        published: report.published,
        failed: report.failed,
        pending: report.pending,
    })?;
    Ok((reply, report.more))
}
