//! The use cases, over the traits of [`crate::ports`].

pub mod commands;
pub mod queries;

#[cfg(test)]
pub(crate) mod memory;
