use auth::application::commands::register;
use mercato_edge::{ClientAddress, Created, Draft, Json, Problem, Secret, endpoint};

use crate::body::Registration;
use crate::problems::problem;
use crate::resource::{SessionResource, opened};

/// Where the owner of an account finds it.
pub const OWN_ACCOUNT: &str = "/api/v1/auth/me";

/// Open an account
///
/// Opens a customer's account and its first session. Nobody becomes an admin this way. Registrations are counted by
/// client and in all, and addresses that have an account as wrong passwords are at the login.
#[endpoint(
    POST "/api/v1/auth/register", access = Public, tag = "Accounts", id = "register",
    returns = "The account and its first session",
    409 = "`email-taken`: the address has an account",
    429 = "Too many registrations of late, from this client or in all, or too many addresses that have an account",
    504 = "`timeout`: it took longer than the server allows, because many others log in; try again, and log in when the answer is \
        that the address has an account: then it was done all the same",
)]
pub async fn register(
    body: Draft<Registration>,
    ClientAddress(client): ClientAddress,
) -> Result<Created<Secret<Json<SessionResource>>>, Problem> {
    let registration =
        body.check(|body| register::check(&body.name.0, &body.email.0, &body.password.0))?;
    let ports = auth::instance().await.map_err(problem)?;
    let session = register::handle(&ports, registration.into_command(client)).await;
    Ok(Created {
        location: OWN_ACCOUNT.to_owned(),
        shown: opened(session.map_err(problem)?),
    })
}
