use mercato_edge::{Context, PageInfo, PageParameters, Problem, Reply, paged};

use crate::bindings::mercato::payments_old::queries::{self, PageRequest};
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
    let mut query = context.query();
    let page = query.page();
    query.finish()?;
    let request = PageRequest {
        page: page.page,
        limit: page.limit,
        after: page.after,
    };
    let list = queries::list_payments(request).await.map_err(problem)?;
    let payments = list
        .payments
        .iter()
        .map(PaymentResource::new)
        .collect::<Result<Vec<_>, _>>()?;
    let info = PageInfo {
        total: list.total,
        total_is_exact: list.total_is_exact,
        page: list.page,
        next: list.next,
    };
    paged(&payments, info, page.limit)
}
