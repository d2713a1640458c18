//! Checkouts: what the customer saw is what the customer pays.
//!
//! `domain` has the rules and the quote, `application` the use cases, `store` the database, `adapters` the catalogue behind the contract of
//! its context, and the tables of shipping, taxes and codes behind the ports of the quote.

mod adapters;
pub mod application;
pub mod domain;
mod instance;
mod store;

pub use application::Error;
pub use instance::{Checkouts, instance};
