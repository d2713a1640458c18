//! What becomes of a message.

use mercato_payment_events::PaymentEvent;
use mercato_platform::log;

/// Shortest time between two runs of the relay and of the sweeper, in milliseconds.
const MAINTENANCE_INTERVAL_MS: u32 = 1_000;

/// The parts of the shop that a message concerns.
#[allow(
    async_fn_in_trait,
    reason = "a component has one thread; nothing here needs Send"
)]
pub trait Shop {
    /// An event as payments keeps it.
    type Event;

    /// The event of that id, if payments still waits for it to be applied.
    async fn pending_event(
        &self,
        order_id: &str,
        event_id: &str,
    ) -> Result<Option<Self::Event>, String>;

    /// Lets orders apply an event; tells what became of it.
    async fn apply(&self, event: Self::Event) -> Result<&'static str, String>;

    /// Publishes waiting events, unless that was done just now.
    async fn relay(&self, min_interval_ms: u32) -> Result<(), String>;

    /// Takes up orders that were left half-way, unless that was done just now.
    async fn sweep(&self, min_interval_ms: u32) -> Result<(), String>;
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// No payment event.
    Malformed,
    /// Payments knows no such event that waits: applied already, or forged.
    Unconfirmed,
    /// Orders was given the event.
    Applied,
    /// A part of the shop failed; the event stays with payments and comes again.
    Failed,
}

/// Applies the event that a message names, then keeps other events and orders moving.
///
/// Whoever reaches Redis can write messages, so nothing of the message is believed but the ids it names: what is
/// applied is what payments has under them.
pub async fn handle(shop: &impl Shop, message: &[u8]) -> Outcome {
    let outcome = match PaymentEvent::from_cloud_event_json(message) {
        Ok(named) => {
            let ids = [
                ("event_id", named.id.as_str()),
                ("order_id", named.order_id.as_str()),
            ];
            log::in_span(&ids, apply(shop, &named)).await
        }
        Err(error) => {
            log::warn(
                "a message that is no payment event was dropped",
                &[("error", &error.to_string())],
            );
            Outcome::Malformed
        }
    };
    maintain(shop).await;
    outcome
}

async fn apply(shop: &impl Shop, named: &PaymentEvent) -> Outcome {
    let event = match shop.pending_event(&named.order_id, &named.id).await {
        Ok(Some(event)) => event,
        Ok(None) => {
            log::info("a payment event that nobody waits for was ignored", &[]);
            return Outcome::Unconfirmed;
        }
        Err(error) => return fail("a payment event could not be looked up", &error),
    };
    match shop.apply(event).await {
        Ok(outcome) => {
            log::info("a payment event was handled", &[("outcome", outcome)]);
            Outcome::Applied
        }
        Err(error) => fail("a payment event could not be applied", &error),
    }
}

fn fail(message: &str, error: &str) -> Outcome {
    log::warn(message, &[("error", error)]);
    Outcome::Failed
}

async fn maintain(shop: &impl Shop) {
    if let Err(error) = shop.relay(MAINTENANCE_INTERVAL_MS).await {
        log::warn("the outbox could not be relayed", &[("error", &error)]);
    }
    if let Err(error) = shop.sweep(MAINTENANCE_INTERVAL_MS).await {
        log::warn("orders could not be swept", &[("error", &error)]);
    }
}

#[cfg(test)]
mod tests;
