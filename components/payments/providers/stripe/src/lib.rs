//! Stripe behind the port `mercato:payments/provider`: Checkout Sessions and Refunds over HTTPS.
//!
//! `transformers` knows Stripe's requests and answers and does no I/O; `client` asks until there is an answer or no time
//! left; `adapter` is the port on top of both; `infrastructure` brings HTTP and the variables.

pub mod adapter;
pub mod breaker;
pub mod client;
pub mod infrastructure;
pub mod transformers;
pub mod watch;

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
        world: "mercato:shop/stripe",
        runtime_path: "::spin_sdk::wit_bindgen::rt",
        generate_all,
    });

    #[cfg(target_family = "wasm")]
    use crate::infrastructure::wit::Component;
    #[cfg(target_family = "wasm")]
    export!(Component);
}

/// The port's own records.
pub use bindings::exports::mercato::payments_old::provider as port;
