use mercato_edge::{Context, FieldError, IfMatch, Problem, ProblemDocument, Reply};
use mercato_platform::{ids, log};

use crate::bindings::mercato::orders::commands;
use crate::body::StatusChange;
use crate::parameters::OrderIdInPlaceOfStatus;
use crate::problems::problem;
use crate::resource::{OrderResource, reply};
use crate::schemas::ConflictDocument;
use crate::viewer::viewer;

/// `PATCH /orders/{id}`: the order as it is then. With `If-Match`, only that version of it.
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
            headers(("ETag" = String, description = "The order's version, for `If-Match`"))),
        (status = 403, description = "Not a customer's to change", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No such order, or somebody else's", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "The order's status does not allow it; `from` and `to` name both. Or `payment-under-way`: the \
            customer has paid, and the money is on its way", body = ConflictDocument,
            content_type = "application/problem+json"),
        (status = 412, description = "The order has changed since the version in `If-Match`", body = ProblemDocument,
            content_type = "application/problem+json"),
    )
)]
pub async fn change_status(context: Context) -> Result<Reply, Problem> {
    context.query().finish()?;
    let (viewer, id) = (viewer(&context)?, order_id(&context)?);
    log::learn("order_id", &id);
    let version = context.expected_version()?;
    let change = StatusChange::read(context.json()?)?;
    let order = commands::change_status(viewer, id, change.status, change.reason, version)
        .await
        .map_err(problem)?;
    reply(&order)
}

/// The path has one name for the status that a GET lists and the id that a PATCH changes.
fn order_id(context: &Context) -> Result<String, Problem> {
    ids::parse(context.param("statusOrId")).map_err(|error| {
        Problem::validation(vec![FieldError::new("id", "format", format!("id {error}"))])
    })
}
