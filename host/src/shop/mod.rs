//! A shop: built from settings, started, and ended.

pub(crate) mod builder;
mod check_settings;
mod components;
mod listener;
mod plan;
pub(crate) mod running;
mod start;
mod wiring;
