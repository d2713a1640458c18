use mercato_edge::{Json, Problem, Ready, endpoint, settings};
use orders::application::queries::readiness;

use crate::problems::problem;

/// Whether orders can answer
#[endpoint(GET "/internal/ready", access = Public)]
pub async fn ready() -> Result<Json<Ready>, Problem> {
    settings::readiness("orders are", async {
        let orders = orders::instance().await.map_err(problem)?;
        readiness::handle(&*orders).map_err(problem)?;
        Ok(Json(Ready::OK))
    })
    .await
}
