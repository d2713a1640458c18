//! Payments: sessions at a provider, its webhooks, refunds, and the outbox of payment events.
//!
//! `domain` holds the rules, `application` the use cases over `ports`, `infrastructure` what stands behind the ports
//! in a component.

pub mod application;
pub mod domain;
pub mod infrastructure;
pub mod ports;

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
    use crate::infrastructure::wit::Component;
    #[cfg(target_family = "wasm")]
    export!(Component);
}
