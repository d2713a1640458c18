//! Hands payment events from Redis to orders.
//!
//! Redis is the fast path, the databases are the truth: a message only says which event to look up at payments, and
//! one that gets lost is published again or fetched by the sweeper.

mod handler;
mod shop;

#[allow(
    unsafe_code,
    missing_docs,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    reason = "generated"
)]
mod bindings {
    spin_sdk::wit_bindgen::generate!({
        path: "../../../wit",
        world: "mercato:shop/order-events",
        runtime_path: "::spin_sdk::wit_bindgen::rt",
        generate_all,
    });

    // Only a component has these exports: no native linker takes their names.
    #[cfg(target_family = "wasm")]
    export!(Component);
    #[cfg(target_family = "wasm")]
    use super::Component;
}

use bindings::exports::spin::redis::inbound_redis::{Error, Guest, Payload};
use shop::ComposedShop;

/// What the world `order-events` exports.
pub struct Component;

impl Guest for Component {
    /// Never fails: the trigger could do nothing about it but log, and what went wrong is logged here.
    async fn handle_message(message: Payload) -> Result<(), Error> {
        handler::handle(&ComposedShop, &message).await;
        Ok(())
    }
}
