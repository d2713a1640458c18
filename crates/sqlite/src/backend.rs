#[cfg(not(target_family = "wasm"))]
mod native;
#[cfg(target_family = "wasm")]
mod spin;

#[cfg(not(target_family = "wasm"))]
pub use native::Backend;
#[cfg(target_family = "wasm")]
pub use spin::Backend;
