use auth::application::commands::end_other_sessions::{self, EndOtherSessions};
use auth::application::commands::end_session::{self, EndSession};
use auth::application::queries::sessions;
use mercato_edge::{Context, Id, Problem, ProblemDocument, Reply};

use crate::caller::caller;
use crate::problems::problem;
use crate::resource::{self, SessionList};

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
    context.query_string().finish()?;
    let caller = caller(&context)?;
    let ports = auth::instance().await.map_err(problem)?;
    let sessions = sessions::list(&ports, &caller).map_err(problem)?;
    resource::sessions(&sessions, caller.session.as_deref())
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
    context.query_string().finish()?;
    let session_id = context.id("id")?;
    let caller = caller(&context)?;
    let ports = auth::instance().await.map_err(problem)?;
    end_session::handle(&ports, EndSession { caller, session_id }).map_err(problem)?;
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
    context.query_string().finish()?;
    let caller = caller(&context)?;
    let ports = auth::instance().await.map_err(problem)?;
    end_other_sessions::handle(&ports, EndOtherSessions { caller }).map_err(problem)?;
    Ok(Reply::no_content())
}
