use mercato_edge::{Context, IfNoneMatch, Problem, ProblemDocument, Reply};
use mercato_platform::log;

use payments::application::queries;
use payments::instance;

use crate::parameters::PaymentId;
use crate::problems::problem;
use crate::resource::{PaymentResource, reply};

/// `GET /payments/{id}`.
#[utoipa::path(
    get,
    path = "/api/v1/payments/{id}",
    tag = "Payments",
    operation_id = "getPayment",
    summary = "Read a payment",
    description = "A customer sees their own, an admin any.",
    params(PaymentId, IfNoneMatch),
    responses(
        (status = 200, description = "The payment", body = PaymentResource,
            headers(("ETag" = String, description = "The payment's version"))),
        (status = 304, description = "Unchanged since the answer with that `ETag`",
            headers(("ETag" = String, description = "The same"))),
        (status = 404, description = "No such payment, or somebody else's", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn find(context: Context) -> Result<Reply, Problem> {
    context.query_string().finish()?;
    let caller = context.caller()?;
    let id = context.id("id")?;
    log::record("payment_id", &id);
    let payment = queries::find_payment(&*instance(), &caller, &id).map_err(problem)?;
    reply(&payment)
}
