//! Use cases over ports: commands change, queries read.

pub mod commands;
pub mod locks;
pub mod ports;
pub mod queries;

#[cfg(test)]
mod tests;
