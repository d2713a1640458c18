use auth::application::commands::logout;
use auth::domain::RefreshSecret;
use mercato_edge::{Json, NoContent, Problem, endpoint};

use crate::body::RefreshRequest;
use crate::problems::problem;

/// Log out
///
/// Ends the session of a refresh token. Its access tokens are good for nothing about accounts at once, for orders,
/// refunds and whatever admins do a few seconds later, and for reading one's own orders and payments until they end
/// by themselves.
#[endpoint(
    POST "/api/v1/auth/logout", access = Public, tag = "Accounts", id = "logOut",
    returns = "The session has ended, or there was none",
)]
pub async fn logout(Json(body): Json<RefreshRequest>) -> Result<NoContent, Problem> {
    let presented = RefreshSecret::new(body.refresh_token);
    let ports = auth::instance().await.map_err(problem)?;
    logout::handle(&ports, logout::Command { presented }).map_err(problem)?;
    Ok(NoContent)
}
