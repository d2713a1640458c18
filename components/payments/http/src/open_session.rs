use mercato_edge::{Context, Problem, ProblemDocument, Reply};
use mercato_platform::log;

use payments::application::commands;
use payments::instance;

use crate::body::SessionRequest;
use crate::problems::problem;
use crate::resource::{PaymentResource, reply};

/// `POST /payments/session`: 200 with the payment and the session in which it can be paid.
#[utoipa::path(
    post,
    path = "/api/v1/payments/session",
    tag = "Payments",
    operation_id = "openPaymentSession",
    summary = "Go on paying",
    description = "The open session of a pending order, or a new one when the last has ended: send the customer to `session.url`.",
    request_body = SessionRequest,
    responses(
        (status = 200, description = "The payment with its open session", body = PaymentResource,
            headers(("ETag" = String, description = "The payment's version"))),
        (status = 404, description = "No such order, one without a payment, or somebody else's", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 409, description = "The payment is decided already (`conflict`), or the customer has paid and the money is on its way \
            (`payment-under-way`)", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 502, description = "The payment provider refused", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn open_session(context: Context) -> Result<Reply, Problem> {
    context.query_string().finish()?;
    let request = SessionRequest::read(context.json()?)?;
    log::record("order_id", &request.order_id);
    let caller = context.caller()?;
    let payment = commands::open_session::handle(&*instance(), &caller, &request.order_id).await;
    let payment = payment.map_err(problem)?;
    reply(&payment)
}
