//! Applies a payment event exactly once, then moves the stock and acknowledges the event.

use mercato_platform::clock::Clock;
use mercato_platform::ids::Ids;
use mercato_platform::log;

use crate::application::RESUME_AFTER_MS;
use crate::application::saga::follow_ups;
use crate::domain::{
    EventOutcome, OrderError, OrderId, OrderStatus, PaymentEvent, Saga, Step, StockMove,
};
use crate::ports::{OrderRecords, OrderRepository, Payments, Ports, Task};

/// An event that comes again changes nothing, but what the first time may have left undone is done.
///
/// # Errors
/// Why the event could not be applied; payments is told.
pub async fn handle(ports: &impl Ports, event: &PaymentEvent) -> Result<EventOutcome, OrderError> {
    let ids = [
        ("order_id", event.order_id.as_str()),
        ("event_id", event.id.as_str()),
    ];
    log::about(&ids, apply(ports, event)).await
}

async fn apply(ports: &impl Ports, event: &PaymentEvent) -> Result<EventOutcome, OrderError> {
    let (now, receipt_id) = (ports.clock().now_ms(), ports.ids().new_id());
    let outcome = match ports
        .orders()
        .write(|records| record(records, event, receipt_id, now))
    {
        Ok(outcome) => outcome,
        Err(error) => {
            report(ports, event, &error).await;
            return Err(error);
        }
    };
    let settled = follow_ups::run_or_leave(ports, &event.order_id).await;
    if settled && outcome == EventOutcome::Duplicate {
        ports.payments().acknowledge(&event.id).await?;
    }
    Ok(outcome)
}

/// Applies what payments knows of an order and the order does not; gives how many events that were.
/// An event that cannot be applied is reported to payments and does not stop the others.
///
/// # Errors
/// When payments cannot be asked.
pub async fn apply_pending(ports: &impl Ports, order_id: &OrderId) -> Result<u32, OrderError> {
    let events = ports.payments().pending_events(order_id).await?;
    Ok(apply_all(ports, &events).await)
}

/// Applies events one after another; gives how many could be.
pub async fn apply_all(ports: &impl Ports, events: &[PaymentEvent]) -> u32 {
    let mut applied = 0;
    for event in events {
        applied += u32::from(handle(ports, event).await.is_ok());
    }
    applied
}

fn record(
    records: &dyn OrderRecords,
    event: &PaymentEvent,
    receipt_id: String,
    now: u64,
) -> Result<EventOutcome, OrderError> {
    if !records.insert_into_inbox(event, now)? {
        return Ok(EventOutcome::Duplicate);
    }
    let id = &event.order_id;
    let mut order = records.order(id)?.ok_or(OrderError::NotFound)?;
    let saga = records.saga(id)?;
    let closing = saga.as_ref().and_then(|saga| saga.closing.as_ref());
    let effect = order.apply_payment_event(event, closing, receipt_id, now)?;
    if !effect.changes.is_empty() {
        records.update_order(&order)?;
    }
    for change in &effect.changes {
        records.add_history(id, change)?;
    }
    if let Some(saga) =
        saga.filter(|saga| order.status != OrderStatus::Pending && saga.step != Step::Done)
    {
        records.update_saga(&Saga {
            step: Step::Done,
            closing: None,
            ..saga
        })?;
    }
    let stock = effect.stock.map(|stock| match stock {
        StockMove::Commit => Task::CommitStock,
        StockMove::Release => Task::ReleaseStock,
        StockMove::Restock => Task::RestockStock,
    });
    let refund = effect
        .refund
        .then(|| Task::Refund(event.payment_id.clone()));
    for task in stock
        .into_iter()
        .chain([Task::Acknowledge(event.id.clone())])
        .chain(refund)
    {
        records.add_follow_up(id, &task, now + RESUME_AFTER_MS)?;
    }
    Ok(effect.outcome())
}

async fn report(ports: &impl Ports, event: &PaymentEvent, error: &OrderError) {
    let cause = error.to_string();
    log::error("a payment event could not be applied", &[("error", &cause)]);
    if let Err(error) = ports.payments().report_failure(&event.id, &cause).await {
        let cause = error.to_string();
        log::warn(
            "payments could not be told of the failure",
            &[("error", &cause)],
        );
    }
}
