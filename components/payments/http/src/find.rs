use mercato_edge::{Path, Problem, Tagged, endpoint};
use mercato_kernel::{Caller, PaymentId};
use mercato_platform::log;
use payments::application::queries;
use payments::instance;

use crate::problems::problem;
use crate::resource::{PaymentResource, tagged};

/// Read a payment
///
/// A customer sees their own, an admin any.
#[endpoint(
    GET "/api/v1/payments/{id}", access = Bearer, tag = "Payments", id = "getPayment",
    returns = "The payment",
    404 = "No such payment, or somebody else's",
)]
pub async fn find(
    caller: Caller,
    Path(id): Path<PaymentId>,
) -> Result<Tagged<PaymentResource>, Problem> {
    log::record("payment_id", &id.text());
    let payment = queries::find_payment(&*instance(), &caller, id);
    tagged(payment.map_err(problem)?)
}
