use auth::application::commands::update_account;
use auth::domain::AccountId;
use mercato_edge::{ExpectedVersion, Json, Path, Problem, Tagged, endpoint};

use crate::body::AccountChangesBody;
use crate::caller::AdminOfNow;
use crate::problems::problem;
use crate::resource::{AccountResource, tagged};

/// Change somebody's account
///
/// Sets the role or disables the account. A disabled account's sessions end at once. Access tokens of an account
/// that is disabled, or is no admin any more, are good for nothing about accounts at once and for orders, refunds and
/// whatever admins do a few seconds later; reading one's own orders and payments goes on until they end.
#[endpoint(
    PATCH "/api/v1/auth/users/{id}", access = Admin, tag = "Accounts", id = "updateAccount",
    returns = "The account as it is now",
    404 = "No such account",
    409 = "`last-admin`: the shop would be without an active admin",
)]
pub async fn update_account(
    Path(account): Path<AccountId>,
    ExpectedVersion(expected_version): ExpectedVersion,
    Json(changes): Json<AccountChangesBody>,
    _: AdminOfNow,
) -> Result<Tagged<AccountResource>, Problem> {
    let command = update_account::Command {
        account,
        changes: changes.into(),
        expected_version,
    };
    let ports = auth::instance().await.map_err(problem)?;
    let account = update_account::handle(&ports, command).map_err(problem)?;
    Ok(tagged(account))
}
