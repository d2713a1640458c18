use mercato_edge::{Path, Problem, Tagged, endpoint};
use mercato_kernel::{Caller, OrderId};
use mercato_platform::log;
use payments::application::queries;
use payments::instance;

use crate::problems::problem;
use crate::resource::{PaymentResource, tagged};

/// Read the payment of an order
///
/// A customer sees their own, an admin any.
#[endpoint(
    GET "/api/v1/payments/order/{orderId}", access = Bearer, tag = "Payments", id = "getPaymentOfOrder",
    returns = "The payment",
    404 = "No such order, one without a payment, or somebody else's",
)]
pub async fn find_by_order(
    caller: Caller,
    Path(order_id): Path<OrderId>,
) -> Result<Tagged<PaymentResource>, Problem> {
    log::record("order_id", &order_id.text());
    let payment = queries::find_payment_of_order(&*instance(), &caller, order_id);
    tagged(payment.map_err(problem)?)
}
