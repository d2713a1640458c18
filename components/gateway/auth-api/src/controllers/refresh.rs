use mercato_edge::{Context, Problem, ProblemDocument, Reply};

use crate::bindings::mercato::auth::accounts;
use crate::body::RefreshRequest;
use crate::problems::problem;
use crate::resource;
use crate::resource::SessionResource;

/// `POST /auth/refresh`: the next pair of tokens of a session.
#[utoipa::path(
    post,
    path = "/api/v1/auth/refresh",
    tag = "Accounts",
    operation_id = "refreshSession",
    summary = "Get the next tokens",
    description = "Trades a refresh token for a new pair. A refresh token is good for one use: using it again ends the \
                   session, because it may have been stolen. So refresh once at a time, and log in again when an answer was lost.",
    request_body = RefreshRequest,
    responses(
        (status = 200, description = "The account and its next tokens", body = SessionResource),
        (
            status = 401,
            description = "`invalid-refresh-token`: unknown, too old, used before, or its session has ended",
            body = ProblemDocument,
            content_type = "application/problem+json",
            headers(("WWW-Authenticate" = String, description = "The challenge of RFC 6750")),
        ),
    )
)]
pub async fn refresh(context: Context) -> Result<Reply, Problem> {
    context.query().finish()?;
    let body = RefreshRequest::read(context.json()?)?;
    let session = accounts::refresh(body.refresh_token)
        .await
        .map_err(problem)?;
    resource::session(&session)
}
