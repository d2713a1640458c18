//! Payments: sessions at a provider, its webhooks, refunds, and the outbox of payment events.
//!
//! `domain` holds the rules, `application` the use cases over `ports`; `store`, `adapters` and `settings` implement the ports,
//! and [`instance`] wires them.

pub mod adapters;
pub mod application;
pub mod domain;
mod instance;
pub mod ports;
pub mod settings;
mod store;
pub mod wit;

pub use instance::{Instance, instance};

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
        path: "../../../wit",
        world: "mercato:shop/payments",
        runtime_path: "::spin_sdk::wit_bindgen::rt",
        generate_all,
    });

    #[cfg(target_family = "wasm")]
    use crate::wit::Component;
    #[cfg(target_family = "wasm")]
    export!(Component);
}
