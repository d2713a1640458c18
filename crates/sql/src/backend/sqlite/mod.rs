//! SQLite: over the host's `spin:sqlite` in a component, over the crate `rusqlite` in native tests.

#[cfg(not(target_family = "wasm"))]
mod native;
#[cfg(not(target_family = "wasm"))]
mod plans;
#[cfg(not(target_family = "wasm"))]
pub mod pool;
#[cfg(target_family = "wasm")]
mod spin;

#[cfg(not(target_family = "wasm"))]
pub use native::Backend;
#[cfg(target_family = "wasm")]
pub use spin::Backend;
