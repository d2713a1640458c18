//! Use cases of checkouts: what changes something in [`commands`], what changes nothing in [`queries`].

pub mod commands;
mod error;
pub mod locks;
pub mod ports;
pub mod queries;
mod quoting;
#[cfg(test)]
mod tests;
mod throttle;

pub use error::{Error, UnavailableLine};

use crate::domain::Checkout;
use crate::domain::quote::Quote;

/// A checkout and what it costs now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckoutView {
    /// What was filled in.
    pub checkout: Checkout,
    /// What it costs.
    pub quote: Quote,
}
