//! The catalogue's stock behind the port [`Inventory`].

use mercato_contracts::products::inventory::{
    self, InventoryError, Rejection, RejectionReason, ReservationState,
};
use mercato_kernel::{OrderId, ProductId};
use mercato_money::Money;
use mercato_platform::log;

use crate::domain::{
    Choice, Demand, LineProblem, OrderError, OrderItem, OrderRequest, Quantity, RejectedLine,
};
use crate::ports::{Inventory, ReserveError};

/// The stock of the component this one is composed with.
pub struct ComposedInventory;

impl Inventory for ComposedInventory {
    async fn reserve(&self, request: &OrderRequest) -> Result<Vec<OrderItem>, ReserveError> {
        let to_wit = |demand: Demand| inventory::Line {
            product_id: demand.line.product_id.to_string(),
            quantity: demand.line.quantity.get(),
            expected_price: demand.expected_price.map(Money::units),
        };
        let lines = request.demands().into_iter().map(to_wit).collect();
        let checkout = request.checkout_id().map(|id| id.to_string());
        match inventory::reserve(request.order_id.to_string(), lines, checkout).await {
            Ok(lines) => lines
                .into_iter()
                .map(item_of)
                .collect::<Result<_, _>>()
                .map_err(ReserveError::Failed),
            Err(error) => Err(reserve_error(error)),
        }
    }

    async fn reserved(&self, order_id: OrderId) -> Result<Option<Vec<OrderItem>>, OrderError> {
        let lines = inventory::reserved(order_id.to_string()).await;
        let lines = lines.map_err(|error| failure("find", &order_id.text(), error))?;
        let items = lines.map(|lines| lines.into_iter().map(item_of).collect());
        items.transpose()
    }

    async fn commit(&self, order_id: OrderId) -> Result<(), OrderError> {
        use ReservationState::{Committed, Restocked};
        settled(
            "commit",
            order_id,
            inventory::commit(order_id.to_string()).await,
            &[Committed, Restocked],
        )
    }

    async fn release(&self, order_id: OrderId) -> Result<(), OrderError> {
        use ReservationState::{Released, Restocked};
        settled(
            "release",
            order_id,
            inventory::release(order_id.to_string()).await,
            &[Released, Restocked],
        )
    }

    async fn release_all(
        &self,
        order_ids: &[OrderId],
    ) -> Result<Vec<Result<(), OrderError>>, OrderError> {
        use ReservationState::{Released, Restocked};
        let ids = order_ids.iter().map(|id| id.to_string());
        let outcomes = inventory::release_all(ids.collect()).await;
        let outcomes = outcomes.map_err(|error| failure("release", "several", error))?;
        let settled =
            |(outcome, id): (_, &OrderId)| settled("release", *id, outcome, &[Released, Restocked]);
        Ok(outcomes.into_iter().zip(order_ids).map(settled).collect())
    }

    async fn purge(&self, released_for_ms: u64, limit: u32) -> Result<u32, OrderError> {
        let purged = inventory::purge(released_for_ms, limit).await;
        purged.map_err(|error| failure("purge", "several", error))
    }

    async fn restock(&self, order_id: OrderId) -> Result<(), OrderError> {
        use ReservationState::{Released, Restocked};
        settled(
            "restock",
            order_id,
            inventory::restock(order_id.to_string()).await,
            &[Released, Restocked],
        )
    }
}

/// A reservation that is already where it should be, or beyond, is settled.
fn settled(
    what: &str,
    order_id: OrderId,
    result: Result<(), InventoryError>,
    good: &[ReservationState],
) -> Result<(), OrderError> {
    match result {
        Ok(()) => Ok(()),
        Err(InventoryError::Conflict(state)) if good.contains(&state) => Ok(()),
        Err(error) => Err(failure(what, &order_id.text(), error)),
    }
}

fn failure(what: &str, order_id: &str, error: InventoryError) -> OrderError {
    if matches!(error, InventoryError::Unavailable) {
        return OrderError::Unavailable;
    }
    let cause = format!("{error:?}");
    let fields = [
        ("what", what),
        ("order_id", order_id),
        ("error", cause.as_str()),
    ];
    log::error("the stock of an order cannot be moved", &fields);
    OrderError::Internal
}

fn reserve_error(error: InventoryError) -> ReserveError {
    match error {
        InventoryError::Rejected(lines) => {
            let rejected = lines
                .iter()
                .filter_map(|line| rejected_line_of(line).transpose());
            let rejected = rejected.collect::<Result<Vec<_>, _>>();
            if rejected
                .as_ref()
                .is_ok_and(|named| named.len() < lines.len())
            {
                return ReserveError::PriceChanged;
            }
            rejected.map_or_else(ReserveError::Failed, ReserveError::Rejected)
        }
        InventoryError::Conflict(ReservationState::Released) => ReserveError::Released,
        InventoryError::Unavailable => ReserveError::Failed(OrderError::Unavailable),
        other => {
            log::error(
                "the stock of an order cannot be reserved",
                &[("error", &format!("{other:?}"))],
            );
            ReserveError::Failed(OrderError::Internal)
        }
    }
}

/// None for a price that has changed: only quotes expect one, and a quote is shown anew as a whole.
fn rejected_line_of(line: &Rejection) -> Result<Option<RejectedLine>, OrderError> {
    let code = match line.reason {
        RejectionReason::UnknownProduct => LineProblem::UnknownProduct,
        RejectionReason::InsufficientStock => LineProblem::InsufficientStock,
        RejectionReason::PriceChanged => return Ok(None),
    };
    Ok(Some(RejectedLine {
        product_id: ProductId::parse(&line.product_id)?,
        code,
        requested: line.requested,
        available: line.available,
    }))
}

fn item_of(line: inventory::ReservedLine) -> Result<OrderItem, OrderError> {
    Ok(OrderItem {
        product_id: ProductId::parse(&line.product_id)?,
        name: line.name,
        choices: line.choices.into_iter().map(choice).collect(),
        unit_price: Money::from_units(line.unit_price),
        quantity: Quantity::new(line.quantity).ok_or(OrderError::Internal)?,
    })
}

fn choice(choice: inventory::Choice) -> Choice {
    Choice {
        name: choice.name,
        value: choice.value,
    }
}
