use auth::application::queries::accounts;
use mercato_edge::{Problem, Tagged, endpoint};

use crate::caller::SignedIn;
use crate::problems::problem;
use crate::resource::{ProfileResource, tagged};

/// Read one's own account
#[endpoint(
    GET "/api/v1/auth/me", access = Bearer, tag = "Accounts", id = "showProfile",
    returns = "The account",
)]
pub async fn show_profile(SignedIn(caller): SignedIn) -> Result<Tagged<ProfileResource>, Problem> {
    let ports = auth::instance().await.map_err(problem)?;
    let account = accounts::own(&ports, &caller).map_err(problem)?;
    Ok(tagged(account))
}
