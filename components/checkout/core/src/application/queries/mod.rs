//! What changes nothing: one file per noun.

/// Discount codes, one or a page of them.
pub mod codes;
/// Whether the database can be read.
pub mod readiness;
/// The documents that admins set.
pub mod settings;
