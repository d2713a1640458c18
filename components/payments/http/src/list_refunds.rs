use mercato_edge::{Context, PageInfo, PageParameters, Problem, ProblemDocument, Reply, paged};
use mercato_platform::log;

use super::viewer;
use crate::bindings::mercato::payments_old::queries::{self, PageRequest};
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
    let mut query = context.query();
    let page = query.page();
    query.finish()?;
    let viewer = viewer(&context)?;
    let id = context.id("id")?;
    log::record("payment_id", &id);
    let request = PageRequest {
        page: page.page,
        limit: page.limit,
        after: page.after,
    };
    let list = queries::list_refunds(viewer, id, request)
        .await
        .map_err(problem)?;
    let is_admin = context.is_admin();
    let refunds = list
        .refunds
        .iter()
        .map(|refund| RefundResource::new(refund, &list.currency, is_admin))
        .collect::<Result<Vec<_>, _>>()?;
    let info = PageInfo {
        total: list.total,
        total_is_exact: list.total_is_exact,
        page: list.page,
        next: list.next,
    };
    paged(&refunds, info, page.limit)
}
