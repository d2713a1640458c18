use mercato_edge::{Json, OutboxLag, Problem, Ready, endpoint, settings};
use payments::application::queries;
use payments::instance;
use serde::Serialize;
use utoipa::ToSchema;

use crate::problems::problem;
use crate::resource::lag_resource;

/// Whether payments can answer, and how far the outbox is behind
#[endpoint(GET "/internal/ready", access = Public)]
pub async fn ready() -> Result<Json<PaymentsReady>, Problem> {
    settings::readiness("payments are", async {
        let instance = instance();
        queries::ready(&*instance).map_err(problem)?;
        let lag = queries::lag(&*instance).map_err(problem)?;
        Ok(Json(PaymentsReady {
            ready: Ready::OK,
            outbox: lag_resource(lag),
        }))
    })
    .await
}

/// What payments say when they are ready.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaymentsReady {
    #[serde(flatten)]
    ready: Ready,
    outbox: OutboxLag,
}
