//! Payments: sessions at a provider, its webhooks, refunds, and the outbox of payment events.
//!
//! `domain` holds the rules, `application` the use cases and their ports; `store`, `adapters` and `settings`
//! implement the ports, and [`instance`] wires them.

pub mod adapters;
pub mod application;
pub mod domain;
mod instance;
pub mod settings;
mod store;

pub use instance::{Instance, instance};
