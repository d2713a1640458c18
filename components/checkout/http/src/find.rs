use checkout::application::commands::show_checkout;
use mercato_edge::{GuestToken, Path, Problem, Tagged, endpoint};
use mercato_kernel::{Caller, CheckoutId};
use mercato_platform::log;

use crate::holder::holder;
use crate::problems::problem;
use crate::resource::{CheckoutResource, tagged};

/// Read a checkout
///
/// The checkout with what it costs now, for whoever has its token or its account. A price that has changed since the customer last changed
/// something is among the `messages`.
#[endpoint(
    GET "/api/v1/checkouts/{id}", access = Guest, tag = "Checkouts", id = "getCheckout",
    returns = "The checkout and what it would cost",
    404 = "No such checkout, or somebody else's",
)]
pub async fn find(
    caller: Option<Caller>,
    token: GuestToken,
    Path(id): Path<CheckoutId>,
) -> Result<Tagged<CheckoutResource>, Problem> {
    log::record("checkout_id", &id.text());
    let holder = holder(caller, token)?;
    let checkouts = checkout::instance().await.map_err(problem)?;
    let command = show_checkout::Command { id, holder };
    let view = show_checkout::handle(&*checkouts, command).await;
    tagged(view.map_err(problem)?)
}
