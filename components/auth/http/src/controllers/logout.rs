use auth::application::commands::logout::{self, Logout};
use auth::domain::RefreshSecret;
use mercato_edge::{Context, Problem, Reply};

use crate::body::RefreshRequest;
use crate::problems::problem;

/// `POST /auth/logout`: ends a session; 204 for an unknown one too.
#[utoipa::path(
    post,
    path = "/api/v1/auth/logout",
    tag = "Accounts",
    operation_id = "logOut",
    summary = "Log out",
    description = "Ends the session of a refresh token. Its access tokens are good for nothing about accounts at once, for orders, \
                   refunds and whatever admins do a few seconds later, and for reading one's own orders and payments until they end \
                   by themselves.",
    request_body = RefreshRequest,
    responses((status = 204, description = "The session has ended, or there was none"))
)]
pub async fn logout(context: Context) -> Result<Reply, Problem> {
    context.query_string().finish()?;
    let body = RefreshRequest::read(context.json()?)?;
    let presented = RefreshSecret::new(body.refresh_token);
    let ports = auth::instance().await.map_err(problem)?;
    logout::handle(&ports, Logout { presented }).map_err(problem)?;
    Ok(Reply::no_content())
}
