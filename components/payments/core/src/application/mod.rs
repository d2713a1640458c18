//! Use cases over ports: commands change, queries read.

pub mod commands;
pub mod queries;

#[cfg(test)]
mod tests;
