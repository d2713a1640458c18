//! What becomes of a message.

use mercato_contracts::orders::events::{Event, EventError, EventOutcome};
use mercato_payment_events::EventReference;
use mercato_platform::log;

/// Shortest time between two runs of the relay and of the sweep, in milliseconds.
const MAINTENANCE_INTERVAL_MS: u32 = 1_000;

/// Orders, as the trigger uses them.
#[allow(
    async_fn_in_trait,
    reason = "a component has one thread; nothing here needs Send"
)]
pub trait Orders {
    /// Looks the event up at payments and applies it.
    async fn apply(&self, event: Event) -> Result<EventOutcome, EventError>;

    /// Keeps other events and orders moving, unless that was done just now.
    async fn sweep(&self, min_interval_ms: u32) -> Result<(), EventError>;
}

/// Applies the event that a message names, then keeps other events and orders moving.
///
/// Whoever reaches Redis can write messages, so nothing of the message is believed but the ids it names: what is
/// applied is what payments has under them.
pub async fn handle(orders: &impl Orders, message: &[u8]) {
    match EventReference::from_cloud_event_json(message) {
        Ok(EventReference { id, subject }) => {
            let ids = [("event_id", id.as_str()), ("order_id", subject.as_str())];
            let event = Event {
                id: id.clone(),
                subject: subject.clone(),
            };
            log::in_span(&ids, apply(orders, event)).await;
        }
        Err(error) => log::warn(
            "a message that is no payment event was dropped",
            &[("error", &error.to_string())],
        ),
    }
    if let Err(error) = orders.sweep(MAINTENANCE_INTERVAL_MS).await {
        let cause = format!("{error:?}");
        log::warn("orders could not be swept", &[("error", &cause)]);
    }
}

/// An event that cannot be applied stays in the outbox of payments and comes again.
async fn apply(orders: &impl Orders, event: Event) {
    match orders.apply(event).await {
        Ok(EventOutcome::Unconfirmed) => {
            log::info("a payment event that nobody waits for was ignored", &[]);
        }
        Ok(outcome) => {
            let outcome = match outcome {
                EventOutcome::Applied => "applied",
                EventOutcome::Duplicate => "duplicate",
                EventOutcome::Ignored | EventOutcome::Unconfirmed => "ignored",
            };
            log::info("a payment event was handled", &[("outcome", outcome)]);
        }
        Err(error) => {
            let cause = format!("{error:?}");
            log::warn("a payment event could not be applied", &[("error", &cause)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use mercato_testing::run;

    use super::*;

    const EVENT_ID: &str = "01939f6e-8a00-7000-8000-000000000001";
    const ORDER_ID: &str = "01939f6e-8a00-7000-8000-000000000002";

    /// Orders that record what is asked of them.
    struct FakeOrders {
        outcome: Result<EventOutcome, EventError>,
        calls: RefCell<Vec<String>>,
    }

    impl Orders for FakeOrders {
        async fn apply(&self, event: Event) -> Result<EventOutcome, EventError> {
            let call = format!("apply {} {}", event.id, event.subject);
            self.calls.borrow_mut().push(call);
            self.outcome
        }

        async fn sweep(&self, min_interval_ms: u32) -> Result<(), EventError> {
            let call = format!("sweep {min_interval_ms}");
            self.calls.borrow_mut().push(call);
            Err(EventError::Unavailable)
        }
    }

    fn calls_of(message: &[u8], outcome: Result<EventOutcome, EventError>) -> Vec<String> {
        let orders = FakeOrders {
            outcome,
            calls: RefCell::default(),
        };
        run(handle(&orders, message));
        orders.calls.into_inner()
    }

    #[test]
    fn orders_get_the_ids_of_a_message_and_nothing_else_of_it() {
        let message = format!(
            r#"{{"specversion":"1.0","type":"payment.refunded","id":"{EVENT_ID}","subject":"{ORDER_ID}","data":{{"amount":1}}}}"#
        );
        for outcome in [
            Ok(EventOutcome::Applied),
            Ok(EventOutcome::Unconfirmed),
            Err(EventError::Internal),
        ] {
            let expected = [format!("apply {EVENT_ID} {ORDER_ID}"), "sweep 1000".into()];
            assert_eq!(calls_of(message.as_bytes(), outcome), expected);
        }
    }

    #[test]
    fn a_malformed_message_is_dropped_and_the_shop_goes_on() {
        let deep = "[".repeat(60_000);
        for message in [
            &b""[..],
            b"\xff\xfe\x00",
            b"{}",
            b"{\"id\":1}",
            deep.as_bytes(),
        ] {
            assert_eq!(calls_of(message, Ok(EventOutcome::Applied)), ["sweep 1000"]);
        }
    }
}
