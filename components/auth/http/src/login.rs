use auth::application::commands::login;
use mercato_edge::{ClientAddress, Json, Problem, Secret, endpoint};

use crate::body::Credentials;
use crate::problems::problem;
use crate::resource::{SessionResource, opened};

/// Log in
///
/// Opens a session. An unknown address, a wrong password and a disabled account answer alike.
/// After ten failures within a quarter of an hour an address has to wait, at first a minute, then longer.
#[endpoint(
    POST "/api/v1/auth/login", access = Public, tag = "Accounts", id = "logIn",
    returns = "The account and its new session",
    401 = "`invalid-credentials`: the address or the password is wrong",
    429 = "Too many wrong passwords of late; the right one has to wait, too",
    504 = "`timeout`: it took longer than the server allows, because many others log in; try again",
)]
pub async fn login(
    Json(credentials): Json<Credentials>,
    ClientAddress(client): ClientAddress,
) -> Result<Secret<Json<SessionResource>>, Problem> {
    let command = login::Command {
        email: credentials.email.into(),
        password: credentials.password,
        client,
    };
    let ports = auth::instance().await.map_err(problem)?;
    let session = login::handle(&ports, command).await;
    Ok(opened(session.map_err(problem)?))
}
