//! One order with payment and history. What was decided or left half-made meanwhile is caught up with first.

use mercato_kernel::{Caller, OrderId};
use mercato_platform::log;

use crate::application::saga::{cancel, payment_events, place};
use crate::domain::{OrderError, OrderStatus, OrderView, Payment, Saga, StatusChange, Step};
use crate::ports::{Payments, Ports, Store};

/// An order and what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderDetails {
    /// The order.
    pub order: OrderView,
    /// Its payment, once opened.
    pub payment: Option<Payment>,
    /// Its history, oldest first.
    pub history: Vec<StatusChange>,
}

/// Returns the order as it is now.
///
/// # Errors
/// [`OrderError::NotFound`] for an order that does not exist or is somebody else's.
pub async fn handle(
    ports: &impl Ports,
    caller: Caller,
    order_id: OrderId,
) -> Result<OrderDetails, OrderError> {
    let (owner, saga) = ports.store().read(|records| {
        let order = records.order_view(order_id)?;
        let is_open = order
            .as_ref()
            .is_none_or(|order| order.status == OrderStatus::Pending);
        let saga = if is_open {
            records.saga(order_id)?
        } else {
            None
        };
        let of_saga = saga.as_ref().map(|saga| saga.request().customer_id);
        Ok((order.map(|order| order.customer_id).or(of_saga), saga))
    })?;
    if !owner.is_some_and(|owner| caller.may_see(owner)) {
        return Err(OrderError::NotFound);
    }
    if let Some(saga) = saga {
        catch_up(ports, &saga).await;
    }
    let payment = ports.payments().of_order(order_id).await?;
    ports.store().read(|records| {
        Ok(OrderDetails {
            order: records.order_view(order_id)?.ok_or(OrderError::NotFound)?,
            payment,
            history: records.history(order_id)?,
        })
    })
}

/// The order can be shown as it stands when this fails.
async fn catch_up(ports: &impl Ports, saga: &Saga) {
    let id = saga.request().order_id;
    let result = match saga.step() {
        Step::New | Step::Reserved => place::advance(ports, id).await.map(drop),
        Step::Cancelling => cancel::resume(ports, id).await.map(drop),
        Step::Ready => payment_events::apply_pending(ports, id).await,
        Step::Done | Step::Rejected => Ok(()),
    };
    if let Err(error) = result {
        let cause = error.to_string();
        log::warn(
            "an order is shown as it stands",
            &[("order_id", &id.text()), ("error", &cause)],
        );
    }
}
