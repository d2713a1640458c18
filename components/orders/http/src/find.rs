use mercato_edge::{GuestToken, Path, Problem, Tagged, endpoint};
use mercato_kernel::{Caller, OrderId};
use mercato_platform::log;
use orders::application::queries::find_order::{self, Viewer};
use orders::domain::{OrderError, OrderToken};

use crate::problems::problem;
use crate::resource::{DetailsResource, tagged_details};

/// Read an order
///
/// The order with its items, payment, receipt and history. What the payment has decided meanwhile is applied
/// before the answer, so reading it after the customer comes back from paying is enough. A customer sees their own, and a guest the
/// one order whose `orderToken` they send as a bearer token.
#[endpoint(
    GET "/api/v1/orders/id/{id}", access = GuestBearer, tag = "Orders", id = "getOrder",
    returns = "The order",
    404 = "No such order, or somebody else's",
)]
pub async fn find(
    caller: Option<Caller>,
    token: GuestToken,
    Path(id): Path<OrderId>,
) -> Result<Tagged<DetailsResource>, Problem> {
    log::record("order_id", &id.text());
    let orders = orders::instance().await.map_err(problem)?;
    let viewer = match (caller, token.0) {
        (Some(caller), _) => Viewer::Caller(caller),
        (None, Some(token)) => Viewer::Guest(OrderToken::new(token)),
        (None, None) => return Err(problem(OrderError::NotFound)),
    };
    let details = find_order::handle(&*orders, viewer, id).await;
    tagged_details(details.map_err(problem)?)
}
