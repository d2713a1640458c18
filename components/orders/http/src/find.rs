use mercato_edge::{Context, IfNoneMatch, Problem, ProblemDocument, Reply};
use mercato_platform::log;
use orders::application::queries::find_order;

use crate::parameters::OrderId;
use crate::problems::problem;
use crate::request::order_id;
use crate::resource::{DetailsResource, details_reply};

/// `GET /orders/id/{id}`: the order with its payment and history.
#[utoipa::path(
    get,
    path = "/api/v1/orders/id/{id}",
    tag = "Orders",
    operation_id = "getOrder",
    summary = "Read an order",
    description = "The order with its items, payment, receipt and history. What the payment has decided meanwhile is applied \
        before the answer, so reading it after the customer comes back from paying is enough. A customer sees their own.",
    params(OrderId, IfNoneMatch),
    responses(
        (status = 200, description = "The order", body = DetailsResource,
            headers(("ETag" = String, description = "Changes with the order and its payment"))),
        (status = 304, description = "Unchanged since the answer with that `ETag`",
            headers(("ETag" = String, description = "The same"))),
        (status = 404, description = "No such order, or somebody else's", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn find(context: Context) -> Result<Reply, Problem> {
    context.query_string().finish()?;
    let id = order_id(&context, "id")?;
    log::record("order_id", &id.text());
    let orders = orders::instance().await.map_err(problem)?;
    let details = find_order::handle(&*orders, context.caller()?, id)
        .await
        .map_err(problem)?;
    details_reply(&details)
}
