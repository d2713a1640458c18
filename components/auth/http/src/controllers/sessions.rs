use mercato_edge::{Context, Id, Problem, ProblemDocument, Reply};

use crate::bindings::mercato::auth::accounts;
use crate::problems::problem;
use crate::resource::SessionList;
use crate::{current, resource};

/// `GET /auth/sessions`: where one is logged in.
#[utoipa::path(
    get,
    path = "/api/v1/auth/sessions",
    tag = "Accounts",
    operation_id = "listSessions",
    summary = "List one's own sessions",
    description = "The sessions that have not ended, the one refreshed last first, at most 100.",
    responses((status = 200, description = "The sessions", body = SessionList))
)]
pub async fn list(context: Context) -> Result<Reply, Problem> {
    context.query().finish()?;
    let bearer = current::bearer(&context)?;
    let own = bearer.session_id.clone();
    let sessions = accounts::list_sessions(bearer).await.map_err(problem)?;
    resource::sessions(&sessions, own.as_deref())
}

/// `DELETE /auth/sessions/{id}`: ends one of them.
#[utoipa::path(
    delete,
    path = "/api/v1/auth/sessions/{id}",
    tag = "Accounts",
    operation_id = "endSession",
    summary = "End one of one's own sessions",
    description = "Ends a session as logging out there would: a lost phone, say.",
    params(("id" = inline(Id), Path, description = "The session")),
    responses(
        (status = 204, description = "The session has ended"),
        (status = 404, description = "The account has no such session", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn end(context: Context) -> Result<Reply, Problem> {
    context.query().finish()?;
    let id = context.id("id")?;
    accounts::end_session(current::bearer(&context)?, id)
        .await
        .map_err(problem)?;
    Ok(Reply::no_content())
}

/// `DELETE /auth/sessions`: ends all others.
#[utoipa::path(
    delete,
    path = "/api/v1/auth/sessions",
    tag = "Accounts",
    operation_id = "endOtherSessions",
    summary = "End all of one's other sessions",
    description = "Ends every session of the account but the one that the token belongs to.",
    responses((status = 204, description = "All other sessions have ended"))
)]
pub async fn end_others(context: Context) -> Result<Reply, Problem> {
    context.query().finish()?;
    accounts::end_other_sessions(current::bearer(&context)?)
        .await
        .map_err(problem)?;
    Ok(Reply::no_content())
}
