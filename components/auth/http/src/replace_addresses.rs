use auth::application::commands::replace_addresses;
use mercato_edge::{Draft, ExpectedVersion, Problem, Tagged, endpoint};

use crate::addresses::{AddressBookBody, AddressBookResource, tagged};
use crate::caller::SignedIn;
use crate::problems::problem;

/// Replace one's own address book
///
/// Replaces the whole document. One with an address that its country does not have so changes nothing, and `errors` names everything
/// that is wrong with it. Checkouts and orders keep the addresses that they have.
#[endpoint(
    PUT "/api/v1/auth/me/addresses", access = Bearer, tag = "Accounts", id = "replaceAddresses",
    returns = "The address book as it is now",
)]
pub async fn replace_addresses(
    SignedIn(caller): SignedIn,
    ExpectedVersion(expected_version): ExpectedVersion,
    body: Draft<AddressBookBody>,
) -> Result<Tagged<AddressBookResource>, Problem> {
    let body = body.check(|body| replace_addresses::check(&body.drafts()))?;
    let command = replace_addresses::Command {
        caller,
        addresses: body.drafts(),
        expected_version,
    };
    let ports = auth::instance().await.map_err(problem)?;
    let saved = replace_addresses::handle(&ports, command).map_err(problem)?;
    Ok(tagged(saved))
}
