//! Orders: the saga over catalogue and payments.
//!
//! `domain` has the rules, `application` the use cases over the traits of `ports`, `store` the database, `adapters` stock and
//! payments behind the contracts of their contexts.

mod adapters;
pub mod application;
pub mod domain;
mod instance;
pub mod ports;
mod settings;
mod store;

pub use instance::{Orders, instance};
pub use settings::Settings;
