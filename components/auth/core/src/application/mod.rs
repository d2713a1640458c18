//! Use cases of accounts: what changes something in [`commands`], what changes nothing in [`queries`].

pub mod commands;
mod error;
pub mod locks;
pub mod ports;
pub mod queries;
mod session;
mod throttle;
mod turn;
mod verify;

pub use error::Error;
pub use session::{Renewal, Session, TokenPair};

#[cfg(test)]
pub(crate) mod testing;
