use checkout::application::queries::readiness;
use mercato_edge::{Json, Problem, Ready, endpoint, settings};

use crate::problems::problem;

/// Whether checkouts can answer
#[endpoint(GET "/internal/ready", access = Public)]
pub async fn ready() -> Result<Json<Ready>, Problem> {
    settings::readiness("checkouts are", async {
        let checkouts = checkout::instance().await.map_err(problem)?;
        readiness::handle(&*checkouts).map_err(problem)?;
        Ok(Json(Ready::OK))
    })
    .await
}
