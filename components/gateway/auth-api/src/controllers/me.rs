use mercato_edge::{Context, Problem, Reply};

use crate::bindings::mercato::auth::accounts;
use crate::problems::own_account_problem;
use crate::{body, current, resource};

/// `GET /auth/me`: the account of whoever asks.
pub async fn show(context: Context) -> Result<Reply, Problem> {
    context.query().finish()?;
    resource::profile(&current::account(&context).await?)
}

/// `PATCH /auth/me`: changes name or address. With `If-Match`, only that version of the account.
pub async fn update(context: Context) -> Result<Reply, Problem> {
    context.query().finish()?;
    let id = context.principal()?.user_id.clone();
    let version = context.expected_version()?;
    let changes = body::profile_changes(context.json()?)?;
    let user = accounts::update_profile(id, changes, version)
        .await
        .map_err(own_account_problem)?;
    resource::profile(&user)
}
