use mercato_edge::{Path, Problem, Tagged, endpoint};
use mercato_kernel::{Caller, OrderId};
use mercato_platform::log;
use orders::application::queries::find_order;

use crate::problems::problem;
use crate::resource::{DetailsResource, tagged_details};

/// Read an order
///
/// The order with its items, payment, receipt and history. What the payment has decided meanwhile is applied
/// before the answer, so reading it after the customer comes back from paying is enough. A customer sees their own.
#[endpoint(
    GET "/api/v1/orders/id/{id}", access = Bearer, tag = "Orders", id = "getOrder",
    returns = "The order",
    404 = "No such order, or somebody else's",
)]
pub async fn find(
    caller: Caller,
    Path(id): Path<OrderId>,
) -> Result<Tagged<DetailsResource>, Problem> {
    log::record("order_id", &id.text());
    let orders = orders::instance().await.map_err(problem)?;
    let details = find_order::handle(&*orders, caller, id).await;
    tagged_details(details.map_err(problem)?)
}
