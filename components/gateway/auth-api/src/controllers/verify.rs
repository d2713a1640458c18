use mercato_edge::{Context, Problem, Reply};

use crate::bindings::mercato::auth::accounts;
use crate::problems::own_account_problem;
use crate::resource;
use crate::resource::RenewalResource;

/// `GET /auth/verify`: the account of the token, and a renewed token.
#[utoipa::path(
    get,
    path = "/api/v1/auth/verify",
    tag = "Accounts",
    operation_id = "verifyToken",
    summary = "Check a token",
    description = "The account of the access token, and a renewed token with the role of now.",
    responses((status = 200, description = "The token is valid", body = RenewalResource))
)]
pub async fn verify(context: Context) -> Result<Reply, Problem> {
    context.query().finish()?;
    let id = context.principal()?.user_id.clone();
    let renewal = accounts::renew(id).await.map_err(own_account_problem)?;
    resource::renewal(&renewal)
}
