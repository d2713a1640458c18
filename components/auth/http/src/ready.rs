use auth::application::commands::agree_on_key;
use mercato_edge::{Json, Problem, Ready, endpoint};

use crate::problems::problem;
use crate::settings;

/// Whether accounts can answer
#[endpoint(GET "/internal/ready", access = Public)]
pub async fn ready() -> Result<Json<Ready>, Problem> {
    settings::usable().await?;
    mercato_edge::settings::readiness("accounts are", async {
        let ports = auth::instance().await.map_err(problem)?;
        agree_on_key::handle(&ports).map_err(problem)?;
        Ok(Json(Ready::OK))
    })
    .await
}
