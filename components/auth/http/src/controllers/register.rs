use auth::application::commands::register;
use mercato_edge::{Context, Problem, ProblemDocument, Reply};

use crate::body::Registration;
use crate::problems::problem;
use crate::resource::SessionResource;
use crate::{client, resource};

/// Where the owner of an account finds it.
pub const OWN_ACCOUNT: &str = "/api/v1/auth/me";

/// `POST /auth/register`: a customer account and its first session.
#[utoipa::path(
    post,
    path = "/api/v1/auth/register",
    tag = "Accounts",
    operation_id = "register",
    summary = "Open an account",
    description = "Opens a customer's account and its first session. Nobody becomes an admin this way. Registrations are counted by \
                   client and in all, and addresses that have an account as wrong passwords are at the login.",
    request_body = Registration,
    responses(
        (
            status = 201,
            description = "The account and its first session",
            body = SessionResource,
            headers(("Location" = String, description = "Where the owner finds the account")),
        ),
        (status = 409, description = "`email-taken`: the address has an account", body = ProblemDocument, content_type = "application/problem+json"),
        (
            status = 429,
            description = "Too many registrations of late, from this client or in all, or too many addresses that have an account",
            body = ProblemDocument,
            content_type = "application/problem+json",
            headers(("Retry-After" = u64, description = "Seconds until the next attempt is let through")),
        ),
    )
)]
pub async fn register(context: Context) -> Result<Reply, Problem> {
    context.query_string().finish()?;
    let registration = Registration::read(context.json()?)
        .check(|body| register::check(&body.name, &body.email, &body.password))?;
    let command = registration.into_command(client::address(&context).await?);
    let ports = auth::instance().await.map_err(problem)?;
    let session = register::handle(&ports, command).await.map_err(problem)?;
    Ok(resource::session(&session)?.created(OWN_ACCOUNT))
}
