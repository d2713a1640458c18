use mercato_edge::{Context, Problem, Reply};

use crate::bindings::mercato::auth::accounts;
use crate::body::Credentials;
use crate::problems::problem;
use crate::{body, resource};

/// `POST /auth/login`: a new session.
pub async fn login(context: Context) -> Result<Reply, Problem> {
    context.query().finish()?;
    let Credentials { email, password } = body::credentials(context.json()?)?;
    let session = accounts::login(email, password).await.map_err(problem)?;
    resource::session(&session)
}
