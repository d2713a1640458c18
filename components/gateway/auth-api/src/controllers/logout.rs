use mercato_edge::{Context, Problem, Reply};

use crate::bindings::mercato::auth::accounts;
use crate::body;
use crate::problems::problem;

/// `POST /auth/logout`: ends a session; 204 for an unknown one too.
pub async fn logout(context: Context) -> Result<Reply, Problem> {
    context.query().finish()?;
    let token = body::refresh_token(context.json()?)?;
    accounts::logout(token).await.map_err(problem)?;
    Ok(Reply::no_content())
}
