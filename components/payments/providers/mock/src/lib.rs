//! A stand-in for Stripe: sessions whose checkout page the gateway shows, and webhooks signed like Stripe's.
//!
//! It keeps nothing: every id is made from the idempotency key or the session it belongs to.

pub mod checkout;
mod ids;
pub mod webhook;
pub mod wit;

#[allow(
    unsafe_code,
    missing_docs,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "generated"
)]
mod bindings {
    spin_sdk::wit_bindgen::generate!({
        path: "../../../../wit",
        world: "mercato:shop/stripe-mock",
        runtime_path: "::spin_sdk::wit_bindgen::rt",
        generate_all,
    });

    #[cfg(target_family = "wasm")]
    use crate::wit::Component;
    #[cfg(target_family = "wasm")]
    export!(Component);
}
