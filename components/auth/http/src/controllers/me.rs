use auth::application::commands::update_profile::{self, UpdateProfile};
use auth::application::queries::accounts;
use mercato_edge::{Context, IfMatch, IfNoneMatch, Problem, ProblemDocument, Reply};

use crate::body::ProfileChanges;
use crate::caller::caller;
use crate::problems::{password_problem, problem};
use crate::resource::ProfileResource;
use crate::{client, resource};

/// `GET /auth/me`: the account of the caller.
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
    context.query_string().finish()?;
    let ports = auth::instance().await.map_err(problem)?;
    let account = accounts::own(&ports, &caller(&context)?);
    resource::profile(&account.map_err(problem)?)
}

/// `PATCH /auth/me`: changes name or address. With `If-Match`, only that version of the account.
#[utoipa::path(
    patch,
    path = "/api/v1/auth/me",
    tag = "Accounts",
    operation_id = "updateProfile",
    summary = "Change one's own account",
    description = "Changes name or address; what is not given stays. Another address needs `currentPassword`. Wrong passwords, and \
                   addresses that have another account, count as wrong passwords do at the login.",
    params(IfMatch),
    request_body = ProfileChanges,
    responses(
        (status = 200, description = "The account as it is now", body = ProfileResource, headers(("ETag" = String, description = "The version, for `If-Match` and `If-None-Match`"))),
        (
            status = 401,
            description = "`invalid-credentials`: the current password is wrong; or no valid access token",
            body = ProblemDocument,
            content_type = "application/problem+json",
            headers(("WWW-Authenticate" = String, description = "The challenge of RFC 6750")),
        ),
        (status = 403, description = "`password-required`: another address needs `currentPassword`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`email-taken`: the address has another account", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 412, description = "The account has changed since that version", body = ProblemDocument, content_type = "application/problem+json"),
        (
            status = 429,
            description = "Too many wrong passwords or taken addresses of late; the right ones have to wait, too",
            body = ProblemDocument,
            content_type = "application/problem+json",
            headers(("Retry-After" = u64, description = "Seconds until the next attempt is let through")),
        ),
    )
)]
pub async fn update(context: Context) -> Result<Reply, Problem> {
    context.query_string().finish()?;
    let caller = caller(&context)?;
    let expected_version = context.expected_version()?;
    let changes = ProfileChanges::read(context.json()?)?;
    let command = UpdateProfile {
        caller,
        name: changes.name,
        email: changes.email,
        current_password: changes.current_password,
        expected_version,
        client: client::address(&context).await?,
    };
    let ports = auth::instance().await.map_err(problem)?;
    let account = update_profile::handle(&ports, command).await;
    resource::profile(&account.map_err(password_problem)?)
}
