use mercato_edge::{Context, PageParameters, Problem, ProblemDocument, Reply};
use mercato_platform::log;
use payments::application::queries;
use payments::instance;

use crate::page;
use crate::parameters::PaymentId;
use crate::problems::problem;
use crate::resource::RefundResource;
use crate::schemas::RefundPageDocument;

/// `GET /payments/{id}/refunds`: the refunds of a payment, oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/payments/{id}/refunds",
    tag = "Payments",
    operation_id = "listRefunds",
    summary = "List the refunds of a payment",
    description = "Oldest first, those that failed too. A customer sees those of their own payments, without `reason` and `error`, which \
        are for admins.",
    params(PaymentId, PageParameters),
    responses(
        (status = 200, description = "One page of refunds", body = RefundPageDocument),
        (status = 404, description = "No such payment, or somebody else's", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn list_refunds(context: Context) -> Result<Reply, Problem> {
    let request = page::requested(&context)?;
    let caller = context.caller()?;
    let id = context.id("id")?;
    log::record("payment_id", &id);
    let list = queries::list_refunds(&*instance(), &caller, &id, &request);
    let (currency, list) = list.map_err(problem)?;
    let resource = |refund| RefundResource::new(refund, &currency, caller.is_admin());
    page::reply(&list, resource, ())
}
