//! The catalogue and its stock.
//!
//! `domain` has the rules, `application` the use cases over its ports, `store` the database behind them. Adapters take the
//! wired [`instance`] and hand it to the use cases.

pub mod application;
pub mod domain;
mod instance;
mod settings;
mod store;
#[cfg(test)]
mod testing;

pub use instance::{Products, instance, log_cause};
pub use settings::{SettingsError, currency, max_age_seconds};
