//! The seam between Mercato's components and the world outside: clock, ids, randomness, log.
//!
//! Everything a component does not compute itself comes through here (or through a WIT import), so that tests can
//! replace it. `clippy.toml` forbids the raw calls elsewhere.

pub mod client;
pub mod clock;
pub mod ids;
pub mod log;
pub mod metric;
pub mod random;
pub mod text;
pub mod trace;
