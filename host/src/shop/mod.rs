//! A shop: built from settings, started, and ended.

pub(crate) mod builder;
mod check_settings;
mod components;
mod listener;
mod migrate;
pub(crate) mod plan;
pub(crate) mod running;
mod start;
mod wiring;
