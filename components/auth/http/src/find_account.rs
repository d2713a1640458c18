use auth::application::queries::accounts;
use auth::domain::AccountId;
use mercato_edge::{Path, Problem, Tagged, endpoint};

use crate::caller::AdminOfNow;
use crate::problems::problem;
use crate::resource::{AccountResource, tagged};

/// Read somebody's account
#[endpoint(
    GET "/api/v1/auth/users/{id}", access = Admin, tag = "Accounts", id = "getAccount",
    returns = "The account",
    404 = "No such account",
)]
pub async fn find_account(
    Path(id): Path<AccountId>,
    _: AdminOfNow,
) -> Result<Tagged<AccountResource>, Problem> {
    let ports = auth::instance().await.map_err(problem)?;
    let account = accounts::find(&ports, id).map_err(problem)?;
    Ok(tagged(account))
}
