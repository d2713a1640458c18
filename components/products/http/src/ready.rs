use mercato_edge::{Json, Problem, Ready, endpoint, settings};
use products::application::ports::{Ports as _, Store as _};

use crate::problems::{currency, problem};

/// Whether the catalogue can answer
#[endpoint(GET "/internal/ready", access = Public)]
pub async fn ready() -> Result<Json<Ready>, Problem> {
    settings::readiness("the catalogue is", async {
        currency().await?;
        let ready = products::instance().store().ready();
        ready.map_err(|error| problem(error.into()))?;
        Ok(Json(Ready::OK))
    })
    .await
}
