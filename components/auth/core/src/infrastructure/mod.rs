//! Adapters: SQLite, bcrypt, variables, and the contract's exports.

mod bcrypt;
mod random;
mod service;
mod settings;
mod sqlite;
mod wit;

#[cfg(target_family = "wasm")]
pub use wit::Component;
