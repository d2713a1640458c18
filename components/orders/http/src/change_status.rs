use mercato_edge::{
    ExpectedTag, FromText, Json, Path, PathParameter, Problem, Refusal, Tagged, endpoint,
};
use mercato_kernel::{Caller, OrderId};
use mercato_platform::log;
use orders::Orders;
use orders::application::commands::change_status::{self as change, ChangeStatus};
use orders::application::queries::find_order;
use utoipa::ToSchema;

use crate::body::StatusChange;
use crate::conflict::OrderConflict;
use crate::problems::problem;
use crate::resource::{OrderResource, digest, tagged};

/// The order that is changed, where the path may also have a status.
#[derive(Debug, Clone, Copy, ToSchema)]
pub struct ChangedOrder(OrderId);

impl FromText for ChangedOrder {
    fn from_text(text: &str) -> Result<Self, Refusal> {
        OrderId::from_text(text).map(Self)
    }
}

impl PathParameter for ChangedOrder {
    const MEANING: &'static str = OrderId::MEANING;
    const FIELD: Option<&'static str> = Some("id");
}

/// Cancel or deliver an order
///
/// A customer may set `CANCELLED` on a `PENDING` order of their own. An admin may also set `DELIVERED` on a
/// `PAID` one; a paid order is undone by a refund of its payment. Cancelling ends the payment session and gives the
/// stock back.
#[endpoint(
    PATCH "/api/v1/orders/{statusOrId}", access = Session, tag = "Orders", id = "changeOrderStatus",
    returns = "The order as it is now",
    403 = "Not a customer's to change",
    404 = "No such order, or somebody else's",
    409: OrderConflict = "The order's status does not allow it; `from` and `to` name both. Or `payment-under-way`: the \
        customer has paid, and the money is on its way; `stock-returned`: the units were put on sale again; \
        `payment-disputed`: the customer's bank may take the money back",
)]
pub async fn change_status(
    caller: Caller,
    Path(ChangedOrder(order_id)): Path<ChangedOrder>,
    ExpectedTag(tag): ExpectedTag,
    Json(StatusChange { status, reason }): Json<StatusChange>,
) -> Result<Tagged<OrderResource>, Problem> {
    log::record("order_id", &order_id.text());
    let orders = orders::instance().await.map_err(problem)?;
    let expected_version = match tag {
        Some(tag) => Some(expected_version(&orders, tag.numbers(), caller, order_id).await?),
        None => None,
    };
    let command = ChangeStatus {
        caller,
        order_id,
        status,
        reason,
        expected_version,
    };
    let order = change::handle(&*orders, command).await.map_err(problem)?;
    tagged(order)
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
        [version] => Some(version),
        [version, shown] => {
            let details = find_order::handle(orders, caller, id).await;
            let is_shown = digest(&details.map_err(problem)?.try_into()?)? == shown;
            is_shown.then_some(version)
        }
        _ => None,
    }
    .ok_or_else(Problem::precondition_failed)
}

#[cfg(test)]
mod tests {
    use mercato_edge::examples::from_path;

    use super::*;

    #[test]
    fn a_path_names_an_order_whose_id_errors_call_so() {
        let wrong = from_path::<ChangedOrder>("statusOrId", "PAID").unwrap_err();
        let error = &wrong.document("/", "r", "t")["errors"][0];
        assert_eq!(
            (&error["field"], &error["code"]),
            (&"id".into(), &"format".into())
        );
    }
}
