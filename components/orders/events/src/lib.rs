//! Hands payment events from Redis to orders.
//!
//! Redis is the fast path, the databases are the truth: a message only says which event to look up at payments, and
//! one that gets lost is published again or fetched by the sweep.

mod handler;

mercato_contracts::component!(Component, "mercato:shop/redis-trigger", "../../../wit");

use bindings::exports::spin::redis::inbound_redis::{Error, Guest, Payload};
use mercato_contracts::orders::{events, maintenance};

/// What the world `redis-trigger` exports.
pub struct Component;

impl Guest for Component {
    /// Never fails: the trigger could do nothing about it but log, and what went wrong is logged here.
    async fn handle_message(message: Payload) -> Result<(), Error> {
        handler::handle(&ComposedOrders, &message).await;
        Ok(())
    }
}

/// The orders that this component is composed with.
struct ComposedOrders;

impl handler::Orders for ComposedOrders {
    async fn apply(
        &self,
        event: events::Event,
    ) -> Result<events::EventOutcome, events::EventError> {
        events::apply(event).await
    }

    async fn sweep(&self, min_interval_ms: u32) -> Result<(), events::EventError> {
        maintenance::sweep(min_interval_ms).await
    }
}
