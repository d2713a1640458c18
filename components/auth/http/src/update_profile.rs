use auth::application::commands::update_profile;
use mercato_edge::{ClientAddress, ExpectedVersion, Json, Problem, Tagged, endpoint};

use crate::body::ProfileChanges;
use crate::caller::SignedIn;
use crate::problems::{password_problem, problem};
use crate::resource::{ProfileResource, tagged};

/// Change one's own account
///
/// Changes name or address; what is not given stays. Another address needs `currentPassword`. Wrong passwords, and
/// addresses that have another account, count as wrong passwords do at the login.
#[endpoint(
    PATCH "/api/v1/auth/me", access = Bearer, tag = "Accounts", id = "updateProfile",
    returns = "The account as it is now",
    401 = "`invalid-credentials`: the current password is wrong; or no valid access token",
    403 = "`password-required`: another address needs `currentPassword`",
    409 = "`email-taken`: the address has another account",
    429 = "Too many wrong passwords or taken addresses of late; the right ones have to wait, too",
)]
pub async fn update_profile(
    SignedIn(caller): SignedIn,
    ExpectedVersion(expected_version): ExpectedVersion,
    Json(changes): Json<ProfileChanges>,
    ClientAddress(client): ClientAddress,
) -> Result<Tagged<ProfileResource>, Problem> {
    let command = update_profile::Command {
        caller,
        name: changes.name.map(Into::into),
        email: changes.email.map(Into::into),
        current_password: changes.current_password,
        expected_version,
        client,
    };
    let ports = auth::instance().await.map_err(problem)?;
    let account = update_profile::handle(&ports, command).await;
    Ok(tagged(account.map_err(password_problem)?))
}
