use mercato_edge::{Context, PageParameters, Problem, Reply};
use payments::application::queries;
use payments::instance;

use crate::page;
use crate::problems::problem;
use crate::resource::PaymentResource;
use crate::schemas::PaymentPageDocument;

/// `GET /payments`: everybody's payments, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/payments",
    tag = "Payments",
    operation_id = "listPayments",
    summary = "List payments",
    description = "Everybody's payments, newest first.",
    params(PageParameters),
    responses((status = 200, description = "One page of payments", body = PaymentPageDocument))
)]
pub async fn list(context: Context) -> Result<Reply, Problem> {
    let request = page::requested(&context)?;
    let list = queries::list_payments(&*instance(), &request).map_err(problem)?;
    page::reply(&list, PaymentResource::new, ())
}
