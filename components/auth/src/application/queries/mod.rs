//! What changes nothing: one file per query.

mod find;
mod list_users;

pub use find::find;
pub use list_users::{ListUsers, PAGE_LIMIT_MAX, UserPage, list_users};
