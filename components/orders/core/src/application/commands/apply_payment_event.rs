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
/// Why the event could not be applied. Payments is told, and parks an event that fails again and again; but not when a
/// database was out of reach, which is no fault of the event and passes by itself.
pub async fn handle(ports: &impl Ports, event: &PaymentEvent) -> Result<EventOutcome, OrderError> {
    log::in_span(&ids(event), apply_or_report(ports, event)).await
}

/// What the lines of the log are about.
fn ids(event: &PaymentEvent) -> [(&'static str, &str); 2] {
    [
        ("order_id", event.order_id.as_str()),
        ("event_id", event.id.as_str()),
    ]
}

async fn apply_or_report(
    ports: &impl Ports,
    event: &PaymentEvent,
) -> Result<EventOutcome, OrderError> {
    match apply(ports, event).await {
        Ok(applied) => {
            if let Some(error) = applied.still_owes {
                report(ports, event, &error).await;
            }
            Ok(applied.outcome)
        }
        Err(error) => {
            report(ports, event, &error).await;
            Err(error)
        }
    }
}

/// Applies what payments knows of an order and the order does not. An event that cannot be applied does not stop the
/// others, and payments is not told: whoever reads an order again and again would have its events parked.
///
/// # Errors
/// When payments cannot be asked.
pub async fn apply_pending(ports: &impl Ports, order_id: &OrderId) -> Result<(), OrderError> {
    for event in ports.payments().pending_events(order_id).await? {
        log::in_span(&ids(&event), async {
            if let Err(error) = apply(ports, &event).await {
                log_failure(&error);
            }
        })
        .await;
    }
    Ok(())
}

/// What applying an event came to.
struct Applied {
    outcome: EventOutcome,
    /// Why what follows from it could not be done yet.
    still_owes: Option<OrderError>,
}

async fn apply(ports: &impl Ports, event: &PaymentEvent) -> Result<Applied, OrderError> {
    let (now, receipt_id) = (ports.clock().now_ms(), ports.ids().new_id());
    let outcome = ports
        .orders()
        .write(|records| record(records, event, receipt_id, now))?;
    let still_owes = follow_ups::run_or_leave(ports, &event.order_id).await;
    if still_owes.is_none() && outcome == EventOutcome::Duplicate {
        ports.payments().acknowledge(&event.id).await?;
    }
    Ok(Applied {
        outcome,
        still_owes,
    })
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
    let known_version = order.payment_version;
    let effect = order.apply_payment_event(event, closing, receipt_id, now)?;
    if !effect.changes.is_empty() || order.payment_version != known_version {
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

fn log_failure(error: &OrderError) {
    let cause = error.to_string();
    log::error("a payment event could not be applied", &[("error", &cause)]);
}

async fn report(ports: &impl Ports, event: &PaymentEvent, error: &OrderError) {
    log_failure(error);
    if error.passes_by_itself() {
        return;
    }
    let cause = error.to_string();
    if let Err(error) = ports.payments().report_failure(&event.id, &cause).await {
        let cause = error.to_string();
        log::warn(
            "payments could not be told of the failure",
            &[("error", &cause)],
        );
    }
}
