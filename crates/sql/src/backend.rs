#[cfg(not(target_family = "wasm"))]
mod native;
#[cfg(not(target_family = "wasm"))]
pub mod postgres;
#[cfg(target_family = "wasm")]
mod spin;
#[cfg(not(target_family = "wasm"))]
pub mod sqlite;

#[cfg(not(target_family = "wasm"))]
pub use native::{Backend, Keyed};
#[cfg(target_family = "wasm")]
pub use spin::{Backend, Keyed};
