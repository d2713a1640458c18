use auth::application::commands::change_password::{self, ChangePassword};
use mercato_edge::{Context, Problem, ProblemDocument, Reply};

use crate::body::PasswordChange;
use crate::caller::caller;
use crate::problems::{password_problem, problem};
use crate::resource::SessionResource;
use crate::{client, resource};

/// `POST /auth/password`: changes the password, ends every session of the account and opens a new one for the caller.
#[utoipa::path(
    post,
    path = "/api/v1/auth/password",
    tag = "Accounts",
    operation_id = "changePassword",
    summary = "Change one's password",
    description = "Changes the password and ends every session of the account; go on with the tokens of the answer. \
                   Wrong passwords count as they do at the login.",
    request_body = PasswordChange,
    responses(
        (status = 200, description = "The account and its only session", body = SessionResource),
        (
            status = 401,
            description = "`invalid-credentials`: the current password is wrong; or no valid access token",
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
pub async fn change(context: Context) -> Result<Reply, Problem> {
    context.query_string().finish()?;
    let caller = caller(&context)?;
    let body = PasswordChange::read(context.json()?)?;
    let command = ChangePassword {
        caller,
        current: body.current_password,
        new: body.new_password,
        client: client::address(&context).await?,
    };
    let ports = auth::instance().await.map_err(problem)?;
    let session = change_password::handle(&ports, command).await;
    resource::session(&session.map_err(password_problem)?)
}
