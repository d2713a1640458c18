//! Applies a payment event exactly once, also when its order is still being made.

use mercato_kernel::OrderId;
use mercato_platform::log;

use crate::application::saga::payment_events::Applied;
use crate::application::saga::{payment_events, place};
use crate::domain::{EventOutcome, OrderError, PaymentEvent, Step};
use crate::ports::{Payments, Ports, Store};

/// Applies the event that a message names. Whoever reaches Redis can write messages: what is applied is what payments has
/// under that id, if it is about that order.
///
/// # Errors
/// As [`handle`], and when payments cannot be asked.
pub async fn handle_named(
    ports: &impl Ports,
    event_id: &str,
    order_id: &str,
) -> Result<EventOutcome, OrderError> {
    log::in_span(&[("order_id", order_id), ("event_id", event_id)], async {
        let event = ports.payments().pending_event(event_id).await?;
        match event.filter(|event| event.order_id == order_id) {
            Some(event) => apply_or_report(ports, &event).await,
            None => Ok(EventOutcome::Unconfirmed),
        }
    })
    .await
}

/// An event that comes again changes nothing, but what the first time may have left undone is done.
///
/// # Errors
/// Why the event could not be applied. Payments records it, and parks an event that fails again and again; but not when a
/// database was out of reach, which is no fault of the event and passes by itself.
pub async fn handle(ports: &impl Ports, event: &PaymentEvent) -> Result<EventOutcome, OrderError> {
    log::in_span(
        &payment_events::fields(event),
        apply_or_report(ports, event),
    )
    .await
}

async fn apply_or_report(
    ports: &impl Ports,
    event: &PaymentEvent,
) -> Result<EventOutcome, OrderError> {
    match apply(ports, event).await {
        Ok(applied) => {
            if let Some(error) = applied.left_undone {
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

/// Applies events one after another; returns how many could be.
pub async fn apply_all(ports: &impl Ports, events: &[PaymentEvent]) -> u32 {
    let mut applied = 0;
    for event in events {
        applied += u32::from(handle(ports, event).await.is_ok());
    }
    applied
}

async fn apply(ports: &impl Ports, event: &PaymentEvent) -> Result<Applied, OrderError> {
    match payment_events::apply(ports, event).await {
        // A payment is opened before its order is stored: whoever was to store it may have gone away.
        Err(OrderError::NotFound) if is_being_made(ports, event)? => {
            place::advance(ports, OrderId::parse(&event.order_id)?).await?;
            payment_events::apply(ports, event).await
        }
        applied => applied,
    }
}

/// Whether there is a saga of the event's order, which is not stored yet.
fn is_being_made(ports: &impl Ports, event: &PaymentEvent) -> Result<bool, OrderError> {
    let order_id = OrderId::parse(&event.order_id)?;
    let saga = ports.store().read(|records| records.saga(order_id))?;
    Ok(saga.is_some_and(|saga| saga.step() == Step::New))
}

async fn report(ports: &impl Ports, event: &PaymentEvent, error: &OrderError) {
    payment_events::log_failure(error);
    if error.passes_by_itself() {
        return;
    }
    let cause = error.to_string();
    if let Err(error) = ports.payments().report_failure(&event.id, &cause).await {
        let cause = error.to_string();
        log::warn(
            "the failure could not be reported to payments",
            &[("error", &cause)],
        );
    }
}
