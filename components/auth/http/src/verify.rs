use auth::application::commands::renew;
use mercato_edge::{Json, Problem, Secret, endpoint};

use crate::caller::SignedIn;
use crate::problems::problem;
use crate::resource::RenewalResource;

/// Check a token
///
/// The account of the access token, and a renewed token with the role of now: while the session lives, and
/// not beyond the end of its refresh token. 401 when the session has ended.
#[endpoint(
    GET "/api/v1/auth/verify", access = Bearer, tag = "Accounts", id = "verifyToken",
    returns = "The token is valid",
)]
pub async fn verify(SignedIn(caller): SignedIn) -> Result<Secret<Json<RenewalResource>>, Problem> {
    let ports = auth::instance().await.map_err(problem)?;
    let renewal = renew::handle(&ports, renew::Command { caller }).map_err(problem)?;
    Ok(Secret(Json(renewal.into())))
}
