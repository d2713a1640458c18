//! What changes nothing: one file per noun.

/// Accounts, one or a page of them.
pub mod accounts;
/// The caller's address book.
pub mod addresses;
/// What was revoked.
pub mod revocations;
/// The caller's sessions.
pub mod sessions;
