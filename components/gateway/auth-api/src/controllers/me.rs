use mercato_edge::{Context, IfMatch, IfNoneMatch, Problem, ProblemDocument, Reply};

use crate::bindings::mercato::auth::accounts;
use crate::body::ProfileChanges;
use crate::problems::own_account_problem;
use crate::resource::ProfileResource;
use crate::{current, resource};

/// `GET /auth/me`: the account of whoever asks.
#[utoipa::path(
    get,
    path = "/api/v1/auth/me",
    tag = "Accounts",
    operation_id = "showProfile",
    summary = "Read one's own account",
    params(IfNoneMatch),
    responses(
        (status = 200, description = "The account", body = ProfileResource, headers(("ETag" = String, description = "The version, for `If-Match` and `If-None-Match`"))),
        (status = 304, description = "The client has it already"),
    )
)]
pub async fn show(context: Context) -> Result<Reply, Problem> {
    context.query().finish()?;
    resource::profile(&current::account(&context).await?)
}

/// `PATCH /auth/me`: changes name or address. With `If-Match`, only that version of the account.
#[utoipa::path(
    patch,
    path = "/api/v1/auth/me",
    tag = "Accounts",
    operation_id = "updateProfile",
    summary = "Change one's own account",
    description = "Changes name or address; what is not given stays.",
    params(IfMatch),
    request_body = ProfileChanges,
    responses(
        (status = 200, description = "The account as it is now", body = ProfileResource, headers(("ETag" = String, description = "The version, for `If-Match` and `If-None-Match`"))),
        (status = 409, description = "`email-taken`: the address has another account", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 412, description = "The account has changed since that version", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn update(context: Context) -> Result<Reply, Problem> {
    context.query().finish()?;
    let id = context.principal()?.user_id.clone();
    let version = context.expected_version()?;
    let changes = ProfileChanges::read(context.json()?)?;
    let user = accounts::update_profile(id, changes.into(), version)
        .await
        .map_err(own_account_problem)?;
    resource::profile(&user)
}
