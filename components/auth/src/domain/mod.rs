//! Entities and rules of accounts. No I/O.

mod account;
mod client;
mod email;
mod password;
mod refresh_token;
mod rules;
mod throttle;

pub use account::{Account, AccountChanges, AccountId, ProfileChanges};
pub use client::Client;
pub use email::{EMAIL_MAX_BYTES, Email};
pub use password::{PASSWORD_MAX_BYTES, PASSWORD_MIN_CHARS, Password, PasswordHash};
pub use refresh_token::{RefreshSecret, RefreshToken, Standing, TokenHash};
pub use rules::{BrokenRule, FieldError, Fields, NAME_MAX_CHARS, Name};
pub use throttle::{
    CLIENT_FAILURES_MAX, CounterKey, FAMILIAR_MS, Failures, Mark, PAIR_FAILURES_MAX,
    SUBJECT_FAILURES_MAX, WAIT_MAX_MS, WAIT_MIN_MS, WINDOW_MS,
};
