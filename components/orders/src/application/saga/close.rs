//! Cancelling an order: first the payment, then the order, then the stock.

use mercato_platform::clock::Clock;
use mercato_platform::log;

use crate::application::RESUME_AFTER_MS;
use crate::application::commands::apply_payment_event;
use crate::application::saga::follow_ups;
use crate::domain::{Closing, Order, OrderError, OrderId, OrderStatus, PaymentStatus, Saga, Step};
use crate::ports::{OrderRecords, OrderRepository, Payments, Ports, Task};

/// Why the sweeper cancels an order.
pub const EXPIRED: &str = "The reservation ran out before the order was paid";

/// Cancels a PENDING order, unless its payment is faster. Gives the order as it then is: whoever calls looks at its
/// status.
///
/// # Errors
/// When a database or payments cannot be used; the intent stands and is taken up again.
pub async fn close(
    ports: &impl Ports,
    order_id: &OrderId,
    closing: Closing,
) -> Result<Order, OrderError> {
    let now = ports.clock().now_ms();
    ports
        .orders()
        .write(|records| match records.saga(order_id)? {
            Some(saga) => intend(records, saga, closing, now),
            None => Ok(()),
        })?;
    resume(ports, order_id).await
}

/// Records the intent to cancel an order. One that was recorded before stays.
///
/// # Errors
/// When the orders database cannot be used.
pub fn intend(
    records: &dyn OrderRecords,
    mut saga: Saga,
    closing: Closing,
    now: u64,
) -> Result<(), OrderError> {
    if !matches!(saga.step, Step::Reserved | Step::Ready) {
        return Ok(());
    }
    saga.step = Step::Closing;
    saga.closing = Some(closing);
    saga.next_attempt_at = now + RESUME_AFTER_MS;
    saga.attempts = 0;
    records.update_saga(&saga)
}

/// Carries a recorded intent out; without one, gives the order as it is.
///
/// # Errors
/// As [`close`].
pub async fn resume(ports: &impl Ports, order_id: &OrderId) -> Result<Order, OrderError> {
    let saga = ports.orders().read(|records| records.saga(order_id))?;
    if let Some(closing) = saga.and_then(|saga| saga.closing) {
        let payment = ports.payments().cancel(order_id, &closing.reason).await?;
        match payment.map(|payment| payment.status) {
            None | Some(PaymentStatus::Cancelled | PaymentStatus::Failed) => {
                cancel_order(ports, order_id)?
            }
            Some(PaymentStatus::Succeeded | PaymentStatus::Refunded) => {
                apply_payment_event::apply_pending(ports, order_id).await?;
            }
            Some(PaymentStatus::Pending) => return Err(OrderError::PaymentUnavailable),
        }
        follow_ups::run_or_leave(ports, order_id).await;
    }
    let order = ports
        .orders()
        .read(|records| records.order(order_id))?
        .ok_or(OrderError::NotFound)?;
    let still_closing = ports
        .orders()
        .read(|records| records.saga(order_id))?
        .is_some_and(|saga| saga.closing.is_some());
    if still_closing {
        log::error(
            "the payment of an order is decided, but its event is missing",
            &[("order_id", order_id.as_str())],
        );
        return Err(OrderError::Unavailable);
    }
    Ok(order)
}

fn cancel_order(ports: &impl Ports, order_id: &OrderId) -> Result<(), OrderError> {
    let now = ports.clock().now_ms();
    ports.orders().write(|records| {
        let mut saga = records.saga(order_id)?.ok_or(OrderError::Internal)?;
        let Some(closing) = saga.closing.take() else {
            return Ok(());
        };
        let mut order = records.order(order_id)?.ok_or(OrderError::Internal)?;
        let change =
            order.change_status(OrderStatus::Cancelled, closing.actor, closing.reason, now)?;
        records.update_order(&order)?;
        records.add_history(order_id, &change)?;
        saga.step = Step::Done;
        records.update_saga(&saga)?;
        records.add_follow_up(order_id, &Task::ReleaseStock, now + RESUME_AFTER_MS)
    })
}
