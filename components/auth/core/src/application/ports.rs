//! What the use cases need from outside.

use mercato_platform::clock::Clock;
use mercato_platform::ids::{Ids, NotAnId};
use mercato_tokens::KeyRing;

use super::Error;
use crate::domain::{AccountId, Password, PasswordHash, RefreshSecret, SessionId, Slots};
use crate::store::Store;

/// Hashing of passwords. Slow on purpose, so never inside a unit of work.
pub trait Passwords {
    /// A hash of the password at the current cost.
    ///
    /// # Errors
    /// When hashing fails.
    fn hash(&self, password: &Password) -> Result<PasswordHash, Error>;

    /// Whether the candidate is the password behind the hash. Takes the time of the current cost or that of `costliest`,
    /// whichever is longer, and not that of the hash itself: how old a hash is must not be seen.
    ///
    /// # Errors
    /// When the hash is damaged.
    fn verify(
        &self,
        candidate: &str,
        hash: &PasswordHash,
        costliest: Option<&PasswordHash>,
    ) -> Result<bool, Error>;

    /// Takes the same time as [`Passwords::verify`] without a hash to compare with.
    ///
    /// # Errors
    /// When hashing fails.
    fn verify_nothing(
        &self,
        candidate: &str,
        costliest: Option<&PasswordHash>,
    ) -> Result<(), Error>;

    /// Whether the hash was made at a lower cost than the current one.
    fn is_outdated(&self, hash: &PasswordHash) -> bool;
}

/// Makes refresh tokens that nobody can guess.
pub trait Secrets {
    /// A new refresh token.
    fn refresh_secret(&self) -> RefreshSecret;

    /// A salt for the [successor](RefreshSecret::successor) of a refresh token.
    fn salt(&self) -> String;
}

/// How long tokens are valid, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// Of an access token.
    pub access_seconds: u64,
    /// Of a refresh token, from its own issue: a session that is used lives on.
    pub refresh_seconds: u64,
}

/// What outsiders may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many passwords are hashed at a time.
    pub slots: Slots,
    /// Registrations of one client within a quarter of an hour; 0 means that there is no limit.
    pub registrations_per_client: u32,
    /// Registrations in all within a minute; 0 means that there is no limit.
    pub registrations_per_minute: u32,
}

/// Everything that the use cases need, chosen once per instance.
pub struct Ports {
    /// The database.
    pub(crate) store: Store,
    /// Password hashing.
    pub(crate) passwords: Box<dyn Passwords>,
    /// Refresh tokens.
    pub(crate) secrets: Box<dyn Secrets>,
    /// The keys that sign access tokens.
    pub(crate) keys: KeyRing,
    /// The time.
    pub(crate) clock: Box<dyn Clock>,
    /// New ids.
    pub(crate) ids: Box<dyn Ids>,
    /// How long tokens are valid.
    pub(crate) lifetimes: Lifetimes,
    /// What outsiders may take.
    pub(crate) limits: Limits,
}

impl Ports {
    pub(super) fn new_account_id(&self) -> Result<AccountId, Error> {
        AccountId::parse(&self.ids.new_id()).map_err(unusable_id)
    }

    pub(super) fn new_session_id(&self) -> Result<SessionId, Error> {
        SessionId::parse(&self.ids.new_id()).map_err(unusable_id)
    }
}

fn unusable_id(error: NotAnId) -> Error {
    Error::Internal(format!("a new id {error}"))
}
