use checkout::application::commands::change_checkout;
use checkout::domain::{Changes, Client};
use mercato_edge::{
    ClientAddress, Draft, ExpectedVersion, GuestToken, Path, Problem, Tagged, endpoint,
};
use mercato_kernel::{Caller, CheckoutId};
use mercato_platform::log;

use crate::body::CheckoutBody;
use crate::holder::holder;
use crate::problems::problem;
use crate::resource::{CheckoutResource, tagged};

/// Fill in a checkout
///
/// Changes any subset of the members; `items` and `codes` are replaced as a whole. The answer is the new quote, which can be ordered for
/// half an hour. A discount code that takes nothing off is no error: `messages` says why it does not.
#[endpoint(
    PATCH "/api/v1/checkouts/{id}", access = Guest, tag = "Checkouts", id = "changeCheckout",
    returns = "The checkout and what it would cost",
    404 = "No such checkout, or somebody else's",
    429 = "Too many unknown discount codes from this client of late",
)]
pub async fn change(
    caller: Option<Caller>,
    token: GuestToken,
    Path(id): Path<CheckoutId>,
    ExpectedVersion(expected_version): ExpectedVersion,
    body: Draft<CheckoutBody>,
    ClientAddress(address): ClientAddress,
) -> Result<Tagged<CheckoutResource>, Problem> {
    log::record("checkout_id", &id.text());
    let holder = holder(caller, token)?;
    let body = body.check(|body| Changes::from(body).check().err().unwrap_or_default())?;
    let command = change_checkout::Command {
        id,
        holder,
        client: address.as_deref().and_then(Client::parse),
        changes: (&body).into(),
        expected_version,
    };
    let checkouts = checkout::instance().await.map_err(problem)?;
    let view = change_checkout::handle(&*checkouts, command).await;
    tagged(view.map_err(problem)?)
}
