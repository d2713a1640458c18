//! What changes nothing: one file per query.

mod authenticate;
mod find_user;
mod list_revocations;
mod list_sessions;
mod list_users;

pub use authenticate::authenticate;
pub use find_user::find_user;
pub use list_revocations::{RevocationList, list_revocations};
pub use list_sessions::list_sessions;
pub use list_users::{ListUsers, PAGE_LIMIT_MAX, UserPage, list_users};
