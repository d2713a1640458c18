//! Use cases of accounts, over the traits of [`crate::ports`].

pub mod commands;
mod error;
pub mod queries;
mod session;
mod throttle;
mod turn;
mod verify;

pub use error::Error;
pub use session::{Renewal, Session, TokenPair};
pub use turn::Place;

#[cfg(test)]
pub(crate) mod testing;
