use mercato_edge::{Context, Problem, Reply};

use crate::bindings::mercato::auth::accounts;
use crate::problems::problem;
use crate::{body, resource};

/// Where the owner of an account finds it.
const OWN_ACCOUNT: &str = "/api/v1/auth/me";

/// `POST /auth/register`: a customer account and its first session.
pub async fn register(context: Context) -> Result<Reply, Problem> {
    context.query().finish()?;
    let registration = body::registration(context.json()?)?;
    let session = accounts::register(registration).await.map_err(problem)?;
    Ok(resource::session(&session)?.created(OWN_ACCOUNT))
}
