use checkout::application::commands::remove_checkout;
use mercato_edge::{ExpectedVersion, GuestToken, NoContent, Path, Problem, endpoint};
use mercato_kernel::{Caller, CheckoutId};

use crate::holder::holder;
use crate::problems::problem;

/// Remove a checkout
///
/// Removes the checkout with everything that was filled in. Orders that were made of it stay.
#[endpoint(
    DELETE "/api/v1/checkouts/{id}", access = Guest, tag = "Checkouts", id = "removeCheckout",
    returns = "The checkout is gone",
    404 = "No such checkout, or somebody else's",
)]
pub async fn remove(
    caller: Option<Caller>,
    token: GuestToken,
    Path(id): Path<CheckoutId>,
    ExpectedVersion(expected_version): ExpectedVersion,
) -> Result<NoContent, Problem> {
    let command = remove_checkout::Command {
        id,
        holder: holder(caller, token)?,
        expected_version,
    };
    let checkouts = checkout::instance().await.map_err(problem)?;
    remove_checkout::handle(&*checkouts, command).map_err(problem)?;
    Ok(NoContent)
}
