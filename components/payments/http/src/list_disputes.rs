use mercato_edge::{Context, Problem, ProblemDocument, Reply};
use mercato_platform::log;
use payments::application::queries;
use payments::instance;
use serde::Serialize;
use utoipa::ToSchema;

use crate::parameters::PaymentId;
use crate::problems::problem;
use crate::resource::DisputeResource;

/// The disputes about a payment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Disputes)]
pub struct DisputesResource<'a> {
    /// Oldest first.
    #[schema(max_items = 16)]
    pub data: Vec<DisputeResource<'a>>,
}

/// `GET /payments/{id}/disputes`: the disputes about the charges of a payment, oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/payments/{id}/disputes",
    tag = "Payments",
    operation_id = "listDisputes",
    summary = "List the disputes about a payment",
    description = "What the payment provider has told of chargebacks and inquiries about the charges of a payment, oldest first, at \
        most 16. While one is `OPEN`, the order is not delivered. They are answered at the payment provider.",
    params(PaymentId),
    responses(
        (status = 200, description = "The disputes", body = DisputesResource),
        (status = 404, description = "No such payment", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn list_disputes(context: Context) -> Result<Reply, Problem> {
    context.query_string().finish()?;
    let caller = context.caller()?;
    let id = context.id("id")?;
    log::record("payment_id", &id);
    let disputes = queries::list_disputes(&*instance(), &caller, &id).map_err(problem)?;
    let data = disputes.iter().map(DisputeResource::new);
    Reply::json(&DisputesResource {
        data: data.collect::<Result<Vec<_>, _>>()?,
    })
}
