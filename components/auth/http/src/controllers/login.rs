use auth::application::commands::login::{self, Login};
use mercato_edge::{Context, Problem, ProblemDocument, Reply};

use crate::body::Credentials;
use crate::problems::problem;
use crate::resource::SessionResource;
use crate::{client, resource};

/// `POST /auth/login`: a new session.
#[utoipa::path(
    post,
    path = "/api/v1/auth/login",
    tag = "Accounts",
    operation_id = "logIn",
    summary = "Log in",
    description = "Opens a session. An unknown address, a wrong password and a disabled account answer alike. \
                   After ten failures within a quarter of an hour an address has to wait, at first a minute, then longer.",
    request_body = Credentials,
    responses(
        (status = 200, description = "The account and its new session", body = SessionResource),
        (
            status = 401,
            description = "`invalid-credentials`: the address or the password is wrong",
            body = ProblemDocument,
            content_type = "application/problem+json",
            headers(("WWW-Authenticate" = String, description = "The challenge of RFC 6750")),
        ),
        (
            status = 429,
            description = "Too many wrong passwords of late; the right one has to wait, too",
            body = ProblemDocument,
            content_type = "application/problem+json",
            headers(("Retry-After" = u64, description = "Seconds until the next attempt is let through")),
        ),
    )
)]
pub async fn login(context: Context) -> Result<Reply, Problem> {
    context.query_string().finish()?;
    let Credentials { email, password } = Credentials::read(context.json()?)?;
    let client = client::address(&context).await?;
    let command = Login {
        email,
        password,
        client,
    };
    let ports = auth::instance().await.map_err(problem)?;
    let session = login::handle(&ports, command).await.map_err(problem)?;
    resource::session(&session)
}
