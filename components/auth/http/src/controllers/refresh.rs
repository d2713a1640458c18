use auth::application::commands::refresh::{self, Refresh};
use auth::domain::RefreshSecret;
use mercato_edge::{Context, Problem, ProblemDocument, Reply, header};

use crate::body::RefreshRequest;
use crate::problems::problem;
use crate::resource::SessionResource;
use crate::{client, resource};

/// `POST /auth/refresh`: the next pair of tokens of a session.
#[utoipa::path(
    post,
    path = "/api/v1/auth/refresh",
    tag = "Accounts",
    operation_id = "refreshSession",
    summary = "Get the next tokens",
    description = "Trades a refresh token for a new pair. A refresh token is good for one use. The same client (address and \
                   `User-Agent`) may send it again for ten seconds and gets the same pair: two tabs may refresh at once, and an \
                   answer may be lost. Later, or from another client, it may have been stolen, and ends the session.",
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
    context.query_string().finish()?;
    let body = RefreshRequest::read(context.json()?)?;
    let command = Refresh {
        presented: RefreshSecret::new(body.refresh_token),
        client: client::address(&context).await?,
        user_agent: context.header(&header::USER_AGENT).map(str::to_owned),
    };
    let ports = auth::instance().await.map_err(problem)?;
    let session = refresh::handle(&ports, command).map_err(problem)?;
    resource::session(&session)
}
