//! What changes nothing: one file per noun.

/// Accounts, one or a page of them.
pub mod accounts;
/// What was revoked.
pub mod revocations;
/// The caller's sessions.
pub mod sessions;
