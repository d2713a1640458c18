//! Accounts: registration, login, sessions, and their administration. Whoever links this crate reaches password hashes.
//!
//! An adapter runs the use cases of [`application`] with the ports that [`instance`] returns.

mod adapters;
pub mod application;
pub mod domain;
mod instance;
mod settings;
mod store;

pub use application::Error;
pub use instance::instance;
