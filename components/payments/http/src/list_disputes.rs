use mercato_edge::{Json, Path, Problem, endpoint};
use mercato_kernel::{Caller, PaymentId};
use mercato_platform::log;
use payments::application::queries;
use payments::domain::Dispute;
use payments::instance;
use serde::Serialize;
use utoipa::ToSchema;

use crate::problems::problem;
use crate::resource::DisputeResource;

/// List the disputes about a payment
///
/// What the payment provider has told of chargebacks and inquiries about the charges of a payment, oldest first, at
/// most 16. While one is `OPEN`, the order is not delivered. They are answered at the payment provider.
#[endpoint(
    GET "/api/v1/payments/{id}/disputes", access = Admin, tag = "Payments", id = "listDisputes",
    returns = "The disputes",
    404 = "No such payment",
)]
pub async fn list_disputes(
    caller: Caller,
    Path(id): Path<PaymentId>,
) -> Result<Json<DisputesResource>, Problem> {
    log::record("payment_id", &id.text());
    let disputes = queries::list_disputes(&*instance(), &caller, id).map_err(problem)?;
    DisputesResource::new(disputes).map(Json)
}

/// The disputes about a payment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Disputes)]
pub struct DisputesResource {
    /// Oldest first.
    #[schema(max_items = 16)]
    data: Vec<DisputeResource>,
}

impl DisputesResource {
    /// All of them in JSON.
    ///
    /// # Errors
    /// 500 when an amount cannot be written as a decimal number.
    pub fn new(disputes: Vec<Dispute>) -> Result<Self, Problem> {
        let data = disputes.into_iter().map(DisputeResource::new);
        let data = data.collect::<Result<_, _>>()?;
        Ok(Self { data })
    }
}
