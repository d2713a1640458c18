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
            Some(PaymentStatus::Pending) => return Err(OrderError::PaymentUnderWay),
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

/// What came of a recorded intent that was carried out together with others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Closed {
    /// The order is cancelled.
    Cancelled,
    /// The order ended otherwise: its payment was faster, or somebody else had carried the intent out.
    Otherwise,
    /// The intent stands and is taken up again.
    Failed(OrderError),
}

/// Carries recorded intents out, many with few transactions; gives what came of each, in their order.
///
/// # Errors
/// When a database or payments cannot be used at all; the intents stand and are taken up again.
pub async fn resume_all(
    ports: &impl Ports,
    order_ids: &[OrderId],
) -> Result<Vec<Closed>, OrderError> {
    let intents = ports.orders().read(|records| {
        let reason = |id: &OrderId| {
            let saga = records.saga(id)?;
            Ok(saga
                .and_then(|saga| saga.closing)
                .map(|closing| closing.reason))
        };
        order_ids
            .iter()
            .map(reason)
            .collect::<Result<Vec<_>, OrderError>>()
    })?;
    let intended = order_ids.iter().cloned().zip(intents);
    let cancellations: Vec<(OrderId, String)> = intended
        .filter_map(|(id, reason)| Some((id, reason?)))
        .collect();
    let outcomes = ports.payments().cancel_all(&cancellations).await?;
    let (mut cancelled, mut closed) = (Vec::new(), Vec::new());
    for ((id, _), outcome) in cancellations.into_iter().zip(outcomes) {
        let status = outcome.map(|payment| payment.map(|payment| payment.status));
        let outcome = match status {
            Ok(None | Some(PaymentStatus::Cancelled | PaymentStatus::Failed)) => {
                cancelled.push(id.clone());
                Closed::Cancelled
            }
            Ok(Some(PaymentStatus::Succeeded | PaymentStatus::Refunded)) => {
                keep_paid(ports, &id).await
            }
            Ok(Some(PaymentStatus::Pending)) => Closed::Failed(OrderError::PaymentUnderWay),
            Err(error) => Closed::Failed(error),
        };
        closed.push((id, outcome));
    }
    let now = ports.clock().now_ms();
    ports.orders().write(|records| {
        cancelled
            .iter()
            .try_for_each(|id| cancel_in(records, id, now))
    })?;
    follow_ups::release_or_leave(ports, &cancelled).await;
    let of = |id: &OrderId| {
        let found = closed.iter().find(|(closed, _)| closed == id);
        found.map_or(Closed::Otherwise, |(_, outcome)| outcome.clone())
    };
    Ok(order_ids.iter().map(of).collect())
}

/// The payment of an order that was to be cancelled was faster.
async fn keep_paid(ports: &impl Ports, order_id: &OrderId) -> Closed {
    match apply_payment_event::apply_pending(ports, order_id).await {
        Ok(()) => {
            follow_ups::run_or_leave(ports, order_id).await;
            Closed::Otherwise
        }
        Err(error) => Closed::Failed(error),
    }
}

fn cancel_order(ports: &impl Ports, order_id: &OrderId) -> Result<(), OrderError> {
    let now = ports.clock().now_ms();
    ports
        .orders()
        .write(|records| cancel_in(records, order_id, now))
}

/// Cancels an order whose payment is closed; nothing when somebody else has.
fn cancel_in(records: &dyn OrderRecords, order_id: &OrderId, now: u64) -> Result<(), OrderError> {
    let mut saga = records.saga(order_id)?.ok_or(OrderError::Internal)?;
    let Some(closing) = saga.closing.take() else {
        return Ok(());
    };
    let mut order = records.order(order_id)?.ok_or(OrderError::Internal)?;
    let change = order.change_status(OrderStatus::Cancelled, closing.actor, closing.reason, now)?;
    records.update_order(&order)?;
    records.add_history(order_id, &change)?;
    saga.step = Step::Done;
    records.update_saga(&saga)?;
    records.add_follow_up(order_id, &Task::ReleaseStock, now + RESUME_AFTER_MS)
}
