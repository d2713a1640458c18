use mercato_edge::{Context, IfMatch, Problem, ProblemDocument, Reply};
use mercato_kernel::{Caller, OrderId};
use mercato_platform::log;
use orders::Orders;
use orders::application::commands::change_status::{self, ChangeStatus};
use orders::application::queries::find_order;

use crate::body::StatusChange;
use crate::parameters::OrderIdInPlaceOfStatus;
use crate::problems::problem;
use crate::request::order_id;
use crate::resource::{OrderResource, details_digest, reply};
use crate::schemas::ConflictDocument;

/// `PATCH /orders/{id}`: the order as it is then. With `If-Match`, only if it is still what was read.
#[utoipa::path(
    patch,
    path = "/api/v1/orders/{statusOrId}",
    tag = "Orders",
    operation_id = "changeOrderStatus",
    summary = "Cancel or deliver an order",
    description = "A customer may set `CANCELLED` on a `PENDING` order of their own. An admin may also set `DELIVERED` on a \
        `PAID` one; a paid order is undone by a refund of its payment. Cancelling ends the payment session and gives the \
        stock back.",
    params(OrderIdInPlaceOfStatus, IfMatch),
    request_body = StatusChange,
    responses(
        (status = 200, description = "The order as it is now", body = OrderResource,
            headers(("ETag" = String, description = "For `If-Match`"))),
        (status = 403, description = "Not a customer's to change", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No such order, or somebody else's", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "The order's status does not allow it; `from` and `to` name both. Or `payment-under-way`: the \
            customer has paid, and the money is on its way; `stock-returned`: the units were put on sale again; \
            `payment-disputed`: the customer's bank may take the money back", body = ConflictDocument,
            content_type = "application/problem+json"),
        (status = 412, description = "The order is not what the tag in `If-Match` stands for any more", body = ProblemDocument,
            content_type = "application/problem+json"),
    )
)]
pub async fn change_status(context: Context) -> Result<Reply, Problem> {
    context.query_string().finish()?;
    // The path has one name for the status that a GET lists and the id that a PATCH changes.
    let (caller, id) = (context.caller()?, order_id(&context, "statusOrId")?);
    log::record("order_id", &id.text());
    let tag = context.expected_tag()?;
    let change = StatusChange::read(context.json()?)?;
    let orders = orders::instance().await.map_err(problem)?;
    let expected_version = match tag {
        Some(tag) => Some(expected_version(&orders, tag.numbers(), caller, id).await?),
        None => None,
    };
    let command = ChangeStatus {
        caller,
        order_id: id,
        status: change.status,
        reason: change.reason,
        expected_version,
    };
    let order = change_status::handle(&*orders, command)
        .await
        .map_err(problem)?;
    reply(&order)
}

/// The version that the order must have when it is changed, by the tag of the answer to an earlier change, or of the
/// order's details. Those show the payment too, which has a database of its own: it is looked at here, and the order's
/// version in the transaction that writes. What the payment does in between, cancelling and delivering look at themselves.
async fn expected_version(
    orders: &Orders,
    numbers: &[u64],
    caller: Caller,
    id: OrderId,
) -> Result<u64, Problem> {
    match *numbers {
        [version] => Ok(version),
        [version, shown] => {
            let details = find_order::handle(orders, caller, id)
                .await
                .map_err(problem)?;
            if details_digest(&details)? == shown {
                Ok(version)
            } else {
                Err(Problem::precondition_failed())
            }
        }
        _ => Err(Problem::precondition_failed()),
    }
}
