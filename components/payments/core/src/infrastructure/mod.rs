//! What the ports stand for in a component: SQLite, Redis, variables, the provider's interface, Stripe's webhooks.

pub mod provider;
pub mod publisher;
pub mod settings;
pub mod sqlite;
pub mod stripe_webhook;
pub mod wit;
