use auth::application::queries::addresses;
use mercato_edge::{Problem, Tagged, endpoint};

use crate::addresses::{AddressBookResource, tagged};
use crate::caller::SignedIn;
use crate::problems::problem;

/// Read one's own address book
///
/// The whole document; sent back as it is, it changes nothing.
#[endpoint(
    GET "/api/v1/auth/me/addresses", access = Bearer, tag = "Accounts", id = "getAddresses",
    returns = "The address book",
)]
pub async fn show_addresses(
    SignedIn(caller): SignedIn,
) -> Result<Tagged<AddressBookResource>, Problem> {
    let ports = auth::instance().await.map_err(problem)?;
    let found = addresses::own(&ports, &caller).map_err(problem)?;
    Ok(tagged(found))
}
