//! How an order is made and cancelled across three databases, step by step.

pub mod cancel;
pub mod payment_events;
pub mod pending_actions;
pub mod place;
pub mod unplaced;
