//! Cancelling an order: first the payment, then the order, then stock and discount codes.

use mercato_kernel::OrderId;
use mercato_platform::clock::Clock;
use mercato_platform::log;

use crate::application::RESUME_AFTER_MS;
use crate::application::locks;
use crate::application::saga::{payment_events, pending_actions};
use crate::domain::{Cancellation, OrderError, OrderStatus, OrderView, PaymentStatus, Saga};
use crate::ports::{CancelPayment, Payments, Ports, Store};
use crate::store::{Action, Records};

/// Why the sweep cancels an order.
pub const EXPIRED: &str = "The reservation ran out before the order was paid";

/// Cancels a PENDING order, unless its payment is faster. Returns the order as it then is: whoever calls looks at its
/// status.
///
/// # Errors
/// When a database or payments cannot be used; the intent stands and is resumed later.
pub async fn cancel(
    ports: &impl Ports,
    order_id: OrderId,
    cancellation: Cancellation,
) -> Result<OrderView, OrderError> {
    let resume_at = ports.clock().now_ms() + RESUME_AFTER_MS;
    ports.store().write(locks::order(order_id), |records| {
        match records.saga(order_id)? {
            Some(saga) => intend(records, saga, cancellation.clone(), resume_at),
            None => Ok(()),
        }
    })?;
    resume(ports, order_id).await
}

/// Records the intent to cancel an order, which the sweep resumes from `resume_at` on. One that was recorded before stays.
///
/// # Errors
/// When the orders database cannot be used.
pub fn intend(
    records: &Records<'_>,
    mut saga: Saga,
    cancellation: Cancellation,
    resume_at: u64,
) -> Result<(), OrderError> {
    if saga.cancel(cancellation, resume_at) {
        records.update_saga(&saga)
    } else {
        Ok(())
    }
}

/// Carries a recorded intent out; without one, returns the order as it is.
///
/// # Errors
/// As [`cancel`].
pub async fn resume(ports: &impl Ports, order_id: OrderId) -> Result<OrderView, OrderError> {
    let cancellation = ports
        .store()
        .read(|records| cancellation_of(records, order_id))?;
    if let Some(cancellation) = cancellation {
        let payment = ports.payments().cancel(&cancellation).await?;
        match payment.map(|payment| payment.status) {
            None | Some(PaymentStatus::Cancelled | PaymentStatus::Failed) => {
                let now = ports.clock().now_ms();
                ports.store().write(locks::order(order_id), |records| {
                    cancel_in(records, order_id, now)
                })?;
            }
            Some(PaymentStatus::Succeeded | PaymentStatus::Refunded) => {
                payment_events::apply_pending(ports, order_id).await?;
            }
            Some(PaymentStatus::Pending) => return Err(OrderError::PaymentUnderWay),
        }
        pending_actions::run_or_leave(ports, order_id).await;
    }
    let order = ports
        .store()
        .read(|records| records.order_view(order_id))?
        .ok_or(OrderError::NotFound)?;
    let still_cancelling = ports
        .store()
        .read(|records| records.saga(order_id))?
        .is_some_and(|saga| saga.cancellation().is_some());
    if still_cancelling {
        log::error(
            "the payment of an order is decided, but its event is missing",
            &[("order_id", &order_id.text())],
        );
        return Err(OrderError::Unavailable);
    }
    Ok(order)
}

/// What payments is asked to carry a recorded intent out. An order that knows no session may have one that payments does not
/// know either.
fn cancellation_of(
    records: &Records<'_>,
    order_id: OrderId,
) -> Result<Option<CancelPayment>, OrderError> {
    let Some(saga) = records.saga(order_id)? else {
        return Ok(None);
    };
    let Some(cancellation) = saga.cancellation() else {
        return Ok(None);
    };
    let order = match saga.session() {
        Some(_) => None,
        None => records.order_view(order_id)?,
    };
    Ok(Some(CancelPayment {
        order_id,
        reason: cancellation.reason.clone(),
        opening: order.map(|order| (order, saga.request().expires_at)),
    }))
}

/// What came of a recorded intent that was carried out together with others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The order is cancelled.
    Cancelled,
    /// The order ended otherwise: its payment was faster, or somebody else had carried the intent out.
    Otherwise,
    /// The intent stands and is resumed later.
    Failed(OrderError),
}

/// Carries recorded intents out, many with few transactions; returns what came of each, in their order.
///
/// # Errors
/// When a database or payments cannot be used at all; the intents stand and are resumed later.
pub async fn resume_all(
    ports: &impl Ports,
    order_ids: &[OrderId],
) -> Result<Vec<Outcome>, OrderError> {
    let cancellations = ports.store().read(|records| {
        let wanted = order_ids.iter().map(|id| cancellation_of(records, *id));
        let wanted: Vec<_> = wanted.collect::<Result<_, _>>()?;
        Ok(wanted.into_iter().flatten().collect::<Vec<_>>())
    })?;
    let closed = ports.payments().cancel_all(&cancellations).await?;
    let (mut cancelled, mut outcomes) = (Vec::new(), Vec::new());
    for (CancelPayment { order_id: id, .. }, closed) in cancellations.into_iter().zip(closed) {
        let status = closed.map(|payment| payment.map(|payment| payment.status));
        let outcome = match status {
            Ok(None | Some(PaymentStatus::Cancelled | PaymentStatus::Failed)) => {
                cancelled.push(id);
                Outcome::Cancelled
            }
            Ok(Some(PaymentStatus::Succeeded | PaymentStatus::Refunded)) => {
                keep_paid(ports, id).await
            }
            Ok(Some(PaymentStatus::Pending)) => Outcome::Failed(OrderError::PaymentUnderWay),
            Err(error) => Outcome::Failed(error),
        };
        outcomes.push((id, outcome));
    }
    let now = ports.clock().now_ms();
    let locks = locks::orders(cancelled.iter().copied());
    ports.store().write(locks, |records| {
        cancelled
            .iter()
            .try_for_each(|id| cancel_in(records, *id, now))
    })?;
    pending_actions::release_or_leave(ports, &cancelled).await;
    let of = |id: &OrderId| {
        let found = outcomes.iter().find(|(resumed, _)| resumed == id);
        found.map_or(Outcome::Otherwise, |(_, outcome)| outcome.clone())
    };
    Ok(order_ids.iter().map(of).collect())
}

/// The payment of an order that was to be cancelled was faster.
async fn keep_paid(ports: &impl Ports, order_id: OrderId) -> Outcome {
    match payment_events::apply_pending(ports, order_id).await {
        Ok(()) => {
            pending_actions::run_or_leave(ports, order_id).await;
            Outcome::Otherwise
        }
        Err(error) => Outcome::Failed(error),
    }
}

/// Cancels an order whose payment is closed; nothing when somebody else has.
fn cancel_in(records: &Records<'_>, order_id: OrderId, now: u64) -> Result<(), OrderError> {
    let mut saga = records.saga(order_id)?.ok_or(OrderError::Internal)?;
    let Some(Cancellation { actor, reason }) = saga.cancellation().cloned() else {
        return Ok(());
    };
    let mut order = records.order(order_id)?.ok_or(OrderError::Internal)?;
    let change = order.change_status(OrderStatus::Cancelled, actor, reason, now)?;
    records.update_order(&order)?;
    records.add_history(order_id, &change)?;
    saga.finish();
    records.update_saga(&saga)?;
    let codes = order.view().has_codes().then_some(Action::ReleaseCodes);
    let actions: Vec<Action> = [Action::ReleaseStock].into_iter().chain(codes).collect();
    records.add_pending_actions(order_id, &actions, now + RESUME_AFTER_MS)
}
