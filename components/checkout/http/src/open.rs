use checkout::application::commands::open_checkout;
use checkout::domain::{Changes, Client};
use mercato_edge::{BASE_PATH, ClientAddress, Created, Draft, Problem, Secret, Tagged, endpoint};
use mercato_kernel::Caller;

use crate::body::CheckoutBody;
use crate::problems::problem;
use crate::resource::{CheckoutResource, opened};

/// Open a checkout
///
/// What a customer fills in before ordering: lines, e-mail address, addresses, a way of shipping, discount codes. Every answer is a whole
/// quote, exact to the minor unit. With an account's token the checkout belongs to the account; without, the answer has a `token` that is
/// the only way back to it.
#[endpoint(
    POST "/api/v1/checkouts", access = Guest, tag = "Checkouts", id = "openCheckout",
    returns = "The checkout and what it would cost",
    429 = "Too many unknown discount codes, or too many checkouts, from this client of late",
)]
pub async fn open(
    caller: Option<Caller>,
    body: Draft<CheckoutBody>,
    ClientAddress(address): ClientAddress,
) -> Result<Created<Secret<Tagged<CheckoutResource>>>, Problem> {
    let body = body.check(|body| Changes::from(body).check().err().unwrap_or_default())?;
    let command = open_checkout::Command {
        account: caller.and_then(|caller| caller.account()),
        client: address.as_deref().and_then(Client::parse),
        changes: (&body).into(),
    };
    let checkouts = checkout::instance().await.map_err(problem)?;
    let answer = open_checkout::handle(&*checkouts, command).await;
    let answer = answer.map_err(problem)?;
    Ok(Created {
        location: format!("{BASE_PATH}/checkouts/{}", answer.view.checkout.id()),
        shown: Secret(opened(answer)?),
    })
}
