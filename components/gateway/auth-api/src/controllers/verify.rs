use mercato_edge::{Context, Problem, Reply};

use crate::bindings::mercato::auth::accounts;
use crate::problems::own_account_problem;
use crate::resource;

/// `GET /auth/verify`: the account of the token, and a renewed token.
pub async fn verify(context: Context) -> Result<Reply, Problem> {
    context.query().finish()?;
    let id = context.principal()?.user_id.clone();
    let renewal = accounts::renew(id).await.map_err(own_account_problem)?;
    resource::renewal(&renewal)
}
