//! The use cases: what changes the catalogue and its stock, and what is read of them.

pub mod commands;
pub mod locks;
pub mod ports;
pub mod queries;
