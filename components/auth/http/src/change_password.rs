use auth::application::commands::change_password;
use mercato_edge::{ClientAddress, Json, Problem, Secret, endpoint};

use crate::body::PasswordChange;
use crate::caller::SignedIn;
use crate::problems::{password_problem, problem};
use crate::resource::{SessionResource, opened};

/// Change one's password
///
/// Changes the password and ends every session of the account; go on with the tokens of the answer.
/// Wrong passwords count as they do at the login.
#[endpoint(
    POST "/api/v1/auth/password", access = Bearer, tag = "Accounts", id = "changePassword",
    returns = "The account and its only session",
    401 = "`invalid-credentials`: the current password is wrong; or no valid access token",
    429 = "Too many wrong passwords of late; the right one has to wait, too",
)]
pub async fn change_password(
    SignedIn(caller): SignedIn,
    Json(body): Json<PasswordChange>,
    ClientAddress(client): ClientAddress,
) -> Result<Secret<Json<SessionResource>>, Problem> {
    let command = change_password::Command {
        caller,
        current: body.current_password,
        new: body.new_password.into(),
        client,
    };
    let ports = auth::instance().await.map_err(problem)?;
    let session = change_password::handle(&ports, command).await;
    Ok(opened(session.map_err(password_problem)?))
}
