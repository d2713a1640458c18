//! A stand-in for Stripe: sessions whose checkout page the gateway shows, and webhooks signed like Stripe's.
//!
//! It keeps nothing: every id is made from the idempotency key or the session it belongs to.

pub mod checkout;
mod component;
mod ids;
pub mod webhook;

mercato_contracts::component!(
    Component,
    "mercato:shop/payment-provider",
    "../../../../wit"
);

/// The component.
pub struct Component;
