//! Stripe behind the port `mercato:payments/provider`: Checkout Sessions and Refunds over HTTPS.
//!
//! `transformers` knows Stripe's requests and answers and does no I/O; `client` asks until there is an answer or no time
//! left; `adapter` is the port on top of both; `host_http`, `pace` and `settings` are the host's HTTP, clock and variables.

pub mod adapter;
pub mod breaker;
pub mod client;
mod component;
mod host_http;
mod metrics;
mod pace;
mod settings;
pub mod transformers;
pub mod tries;

mercato_contracts::component!(
    Component,
    "mercato:shop/payment-provider",
    "../../../../wit"
);

/// The component.
pub struct Component;

/// The port's own records.
pub use bindings::exports::mercato::payments::provider as port;
