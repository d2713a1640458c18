//! Use cases of accounts, over the traits of [`crate::ports`].

pub mod commands;
mod error;
pub mod queries;
mod session;
mod throttle;

pub use error::Error;
pub use session::{Renewal, Session, TokenPair};

#[cfg(test)]
pub(crate) mod testing;
