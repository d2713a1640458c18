use mercato_edge::{Context, IfNoneMatch, Problem, ProblemDocument, Reply};
use mercato_platform::log;

use payments::application::queries;
use payments::instance;

use crate::parameters::OrderId;
use crate::problems::problem;
use crate::resource::{PaymentResource, reply};

/// `GET /payments/order/{orderId}`.
#[utoipa::path(
    get,
    path = "/api/v1/payments/order/{orderId}",
    tag = "Payments",
    operation_id = "getPaymentOfOrder",
    summary = "Read the payment of an order",
    description = "A customer sees their own, an admin any.",
    params(OrderId, IfNoneMatch),
    responses(
        (status = 200, description = "The payment", body = PaymentResource,
            headers(("ETag" = String, description = "The payment's version"))),
        (status = 304, description = "Unchanged since the answer with that `ETag`",
            headers(("ETag" = String, description = "The same"))),
        (status = 404, description = "No such order, one without a payment, or somebody else's", body = ProblemDocument,
            content_type = "application/problem+json"),
    )
)]
pub async fn find_by_order(context: Context) -> Result<Reply, Problem> {
    context.query_string().finish()?;
    let caller = context.caller()?;
    let order_id = context.id("orderId")?;
    log::record("order_id", &order_id);
    let payment = queries::find_payment_of_order(&*instance(), &caller, &order_id);
    reply(&payment.map_err(problem)?)
}
