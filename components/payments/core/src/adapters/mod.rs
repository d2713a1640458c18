//! The provider, the broker and the provider's webhooks behind their ports.

pub mod provider;
pub mod publisher;
pub mod stripe_webhook;
