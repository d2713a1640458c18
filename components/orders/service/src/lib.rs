//! What orders do with payment events, and without a customer waiting: the contract `mercato:orders`.

use mercato_kernel::Throttle;
use mercato_platform::clock::{Clock, SystemClock};
use orders::application::commands::{apply_payment_event, maintain};
use orders::domain::{EventOutcome, OrderError};

mercato_contracts::component!(Component, "mercato:shop/orders-service", "../../../wit");

use bindings::exports::mercato::orders::{events, maintenance};

/// What the world `orders-service` exports.
pub struct Component;

thread_local! {
    /// Spares most calls a look into the databases.
    static MAINTENANCE: Throttle = const { Throttle::new() };
}

impl events::Guest for Component {
    async fn apply(event: events::Event) -> Result<events::EventOutcome, events::EventError> {
        let orders = orders::instance().await.map_err(error)?;
        let outcome = apply_payment_event::handle_named(&*orders, &event.id, &event.subject).await;
        outcome.map(outcome_of).map_err(error)
    }
}

impl maintenance::Guest for Component {
    async fn sweep(min_interval_ms: u32) -> Result<(), events::EventError> {
        let now = SystemClock.now_ms();
        if !MAINTENANCE.with(|throttle| throttle.is_due(now, min_interval_ms)) {
            return Ok(());
        }
        let orders = orders::instance().await.map_err(error)?;
        let report = maintain::handle(&*orders, min_interval_ms).await;
        report.map(drop).map_err(error)
    }
}

const fn outcome_of(outcome: EventOutcome) -> events::EventOutcome {
    match outcome {
        EventOutcome::Applied => events::EventOutcome::Applied,
        EventOutcome::Duplicate => events::EventOutcome::Duplicate,
        EventOutcome::Ignored => events::EventOutcome::Ignored,
        EventOutcome::Unconfirmed => events::EventOutcome::Unconfirmed,
    }
}

/// Whoever calls can only wait; the cause of anything else is in the log.
fn error(error: OrderError) -> events::EventError {
    if error.passes_by_itself() {
        events::EventError::Unavailable
    } else {
        events::EventError::Internal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_passes_by_itself_is_worth_waiting_for() {
        let kinds = [
            OrderError::Unavailable,
            OrderError::PaymentUnavailable,
            OrderError::NotFound,
            OrderError::Internal,
        ];
        let waits = kinds.map(|kind| matches!(error(kind), events::EventError::Unavailable));
        assert_eq!(waits, [true, true, false, false]);
    }
}
