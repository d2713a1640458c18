//! The use cases of ordering.
//!
//! Commands change orders, queries read them. A change that concerns several databases is a saga: its next step is
//! recorded before it is taken, every step may be repeated, and whoever meets an unfinished saga resumes it.

pub mod commands;
pub mod locks;
pub mod queries;
mod saga;

#[cfg(test)]
mod tests;

/// How long a request is left alone before the sweep resumes its saga or its pending actions, in milliseconds.
pub const RESUME_AFTER_MS: u64 = 5_000;

/// The same for a request without an idempotency key, which can only be ended, in milliseconds.
pub const ABANDON_AFTER_MS: u64 = 60_000;

/// Why an order is ended that was left half-way and that nobody can ask for again.
pub const INTERRUPTED: &str = "Placing the order was interrupted";

/// How long idempotency keys and finished sagas are kept, in milliseconds.
pub const KEY_KEPT_MS: u64 = 24 * 60 * 60 * 1_000;

/// How long the inbox remembers an event, in milliseconds. One that is acknowledged, as everything is once its order
/// has no pending action any more, is never published again; only copies that are on their way already can still arrive.
pub const INBOX_KEPT_MS: u64 = 30 * KEY_KEPT_MS;
