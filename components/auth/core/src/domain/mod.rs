//! Entities and rules of accounts. No I/O.

mod account;
mod address_book;
mod email;
mod hashing;
mod password;
mod refresh_token;
mod rules;
mod session;
mod throttle;

pub use account::{Account, AccountChanges, AccountRecord, AccountView, ProfileChanges};
pub use address_book::{
    ADDRESSES_MAX, AddressBook, AddressBookView, LABEL_CHARS_MAX, Label, SavedAddress,
    SavedAddressDraft,
};
pub use email::{EMAIL_MAX_BYTES, Email};
pub use hashing::{
    Applicant, Decision, LINE_MAX, Lane, Line, PLACE_MS, PLACE_RENEWED_MS, Place, SLOT_MAX_MS,
    SLOT_MIN_MS, SLOT_WAIT_MAX_MS, Slots, Turn, TurnRecord, average_ms, slot_ms,
};
pub use mercato_address::{Address, AddressDraft};
pub use mercato_kernel::{
    AccountId, Counter, FieldError, SessionId, WAIT_MAX_MS, WAIT_MIN_MS, WINDOW_MS,
};
pub use mercato_platform::client::Client;
pub use mercato_tokens::Role;
pub use password::{Candidate, PASSWORD_MAX_BYTES, PASSWORD_MIN_CHARS, Password, PasswordHash};
pub use refresh_token::{
    REUSE_GRACE_MS, RefreshSecret, RefreshToken, RefreshTokenRecord, Spending, Standing, TokenHash,
};
pub use rules::{BrokenRule, Fields, NAME_MAX_CHARS, Name};
pub use session::{
    PAIRS_PER_COUNT, PAIRS_PER_SESSION_MAX, REFRESH_TOKENS_PER_ACCOUNT_MAX, REVOCATIONS_LISTED_MAX,
    REVOCATIONS_MAX, Revocation, RevocationBounds, Revoked, SESSION_LIFETIME_MAX_MS,
    SESSIONS_ENDED_PER_COUNT, SESSIONS_LISTED_MAX, SESSIONS_PER_ACCOUNT_MAX, SessionCaller,
    SessionSummary, latest_end,
};
pub use throttle::{
    ALL_REGISTRATIONS_WINDOW_MS, CLIENT_FAILURES_MAX, CounterKey, FAMILIAR_MS, FIRST_REGISTRATIONS,
    Mark, PAIR_FAILURES_MAX, REGISTRATIONS_WINDOW_MS, SUBJECT_FAILURES_MAX,
};
