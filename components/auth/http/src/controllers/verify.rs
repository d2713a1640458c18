use auth::application::commands::renew::{self, Renew};
use mercato_edge::{Context, Problem, Reply};

use crate::caller::caller;
use crate::problems::problem;
use crate::resource::{self, RenewalResource};

/// `GET /auth/verify`: the account of the token, and a renewed token.
#[utoipa::path(
    get,
    path = "/api/v1/auth/verify",
    tag = "Accounts",
    operation_id = "verifyToken",
    summary = "Check a token",
    description = "The account of the access token, and a renewed token with the role of now: while the session lives, and \
                   not beyond the end of its refresh token. 401 when the session has ended.",
    responses((status = 200, description = "The token is valid", body = RenewalResource))
)]
pub async fn verify(context: Context) -> Result<Reply, Problem> {
    context.query_string().finish()?;
    let caller = caller(&context)?;
    let ports = auth::instance().await.map_err(problem)?;
    let renewal = renew::handle(&ports, Renew { caller }).map_err(problem)?;
    resource::renewal(&renewal)
}
