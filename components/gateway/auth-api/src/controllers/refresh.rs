use mercato_edge::{Context, Problem, Reply};

use crate::bindings::mercato::auth::accounts;
use crate::problems::problem;
use crate::{body, resource};

/// `POST /auth/refresh`: the next pair of tokens of a session.
pub async fn refresh(context: Context) -> Result<Reply, Problem> {
    context.query().finish()?;
    let token = body::refresh_token(context.json()?)?;
    let session = accounts::refresh(token).await.map_err(problem)?;
    resource::session(&session)
}
