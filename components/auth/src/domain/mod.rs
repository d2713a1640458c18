//! Entities and rules of accounts. No I/O.

mod account;
mod email;
mod password;
mod refresh_token;
mod rules;

pub use account::{Account, AccountChanges, AccountId, ProfileChanges};
pub use email::{EMAIL_MAX_BYTES, Email};
pub use password::{PASSWORD_MAX_BYTES, PASSWORD_MIN_CHARS, Password, PasswordHash};
pub use refresh_token::{RefreshSecret, RefreshToken, Standing, TokenHash};
pub use rules::{BrokenRule, FieldError, Fields, NAME_MAX_CHARS, Name};
