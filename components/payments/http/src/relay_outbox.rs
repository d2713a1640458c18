use mercato_edge::{Answer as _, Json, Problem, Reply, endpoint};
use payments::application::commands::{RelayReport, relay_outbox as relay};
use payments::instance;
use serde::Serialize;
use utoipa::ToSchema;

use crate::problems::problem;

/// Publish what is due
///
/// Publishes every event that is due, at once. The shop does that by itself; this is for the impatient.
#[endpoint(
    POST "/api/v1/payments/outbox/relay", access = Admin, tag = "Payments", id = "relayOutbox",
    returns = "What the run did",
)]
pub async fn relay_outbox() -> Result<Json<RelayResource>, Problem> {
    let report = run().await?;
    Ok(Json(report.into()))
}

/// The same, called by a timer of the host; the answer says when there is more to do at once
#[endpoint(POST "/internal/relay", access = Public)]
pub async fn relay_on_timer() -> Result<Reply, Problem> {
    let report = run().await?;
    let reply = Json(RelayResource::from(report)).into_reply()?;
    Ok(if report.more {
        reply.with_more_work()
    } else {
        reply
    })
}

async fn run() -> Result<RelayReport, Problem> {
    let run = relay::handle(&*instance(), relay::Command::default()).await;
    run.map_err(problem)
}

/// What a run of the relay did.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RelayReport)]
pub struct RelayResource {
    /// Events that were published.
    #[schema(minimum = 0, example = 3)]
    published: u32,
    /// Events that could not be published; they will be tried again.
    #[schema(minimum = 0, example = 0)]
    failed: u32,
    /// Events that still wait to be acknowledged.
    #[schema(minimum = 0, example = 3)]
    pending: u64,
}

impl From<RelayReport> for RelayResource {
    fn from(report: RelayReport) -> Self {
        Self {
            published: report.published,
            failed: report.failed,
            pending: report.pending,
        }
    }
}
