use mercato_edge::{Json, Problem, Tagged, endpoint};
use mercato_kernel::Caller;
use mercato_platform::log;
use payments::application::commands::open_session;
use payments::instance;

use crate::body::SessionRequest;
use crate::problems::problem;
use crate::resource::{PaymentResource, tagged};

/// Go on paying
///
/// The open session of a pending order, or a new one when the last has ended: send the customer to `session.url`.
#[endpoint(
    POST "/api/v1/payments/session", access = Session, tag = "Payments", id = "openPaymentSession",
    returns = "The payment with its open session",
    404 = "No such order, one without a payment, or somebody else's",
    409 = "The payment is decided already (`conflict`), or the customer has paid and the money is on its way \
        (`payment-under-way`)",
    502 = "The payment provider refused",
)]
pub async fn open_session(
    caller: Caller,
    Json(SessionRequest { order_id }): Json<SessionRequest>,
) -> Result<Tagged<PaymentResource>, Problem> {
    log::record("order_id", &order_id.text());
    let command = open_session::Command { caller, order_id };
    let opened = open_session::handle(&*instance(), command).await;
    tagged(opened.map_err(problem)?)
}
