//! How an order is made and ended across three databases, step by step.

pub mod close;
pub mod follow_ups;
pub mod place;
