//! What the application needs from outside.

use mercato_kernel::Total;
use mercato_platform::clock::Clock;
use mercato_platform::ids::Ids;
use mercato_tokens::KeyRing;

use crate::application::Error;
use crate::domain::{
    Account, AccountId, CounterKey, Email, Failures, Password, PasswordHash, RefreshSecret,
    RefreshToken, Revocation, RevocationBounds, SessionSummary, Slots, Spending, TokenHash, Turn,
};

/// The accounts' database.
pub trait Store {
    /// Reads.
    ///
    /// # Errors
    /// What the closure returns, or why the database could not be read.
    fn read<T>(&self, work: impl FnOnce(&dyn Records) -> Result<T, Error>) -> Result<T, Error>;

    /// Reads and writes as one unit: all of it when the closure returns `Ok`, nothing when it returns `Err`.
    ///
    /// # Errors
    /// What the closure returns, or why the database could not be written.
    fn write<T>(&self, work: impl FnOnce(&dyn Records) -> Result<T, Error>) -> Result<T, Error>;
}

/// The records of a [`Store`], inside a unit of work. Every function fails when the database does.
#[allow(clippy::missing_errors_doc, reason = "said once, above")]
pub trait Records {
    /// The account of that id.
    fn account(&self, id: &AccountId) -> Result<Option<Account>, Error>;

    /// The account of that address.
    fn account_by_email(&self, email: &Email) -> Result<Option<Account>, Error>;

    /// Accounts, oldest first, from the so-manieth on.
    fn accounts(&self, offset: u64, limit: u32) -> Result<Vec<Account>, Error>;

    /// Accounts, oldest first, after the place that such an account has or would have.
    fn accounts_after(
        &self,
        created_at: u64,
        id: &AccountId,
        limit: u32,
    ) -> Result<Vec<Account>, Error>;

    /// Number of all accounts, as far as they are counted.
    fn count_accounts(&self) -> Result<Total, Error>;

    /// Number of enabled admins other than that account.
    fn count_other_active_admins(&self, id: &AccountId) -> Result<u64, Error>;

    /// One of the password hashes that take longest to verify; none without accounts.
    fn costliest_hash(&self) -> Result<Option<PasswordHash>, Error>;

    /// Whether any account, enabled or not, is an admin's.
    fn has_admin(&self) -> Result<bool, Error>;

    /// Adds an account; [`Error::EmailTaken`] when another one has its address.
    fn add_account(&self, account: &Account) -> Result<(), Error>;

    /// Replaces the account of that id; [`Error::EmailTaken`] when another one has its address.
    fn save_account(&self, account: &Account) -> Result<(), Error>;

    /// The refresh token of that hash, spent and expired ones included.
    fn refresh_token(&self, hash: &TokenHash) -> Result<Option<RefreshToken>, Error>;

    /// Adds a refresh token.
    fn add_refresh_token(&self, token: &RefreshToken) -> Result<(), Error>;

    /// Marks a refresh token as traded.
    fn spend_refresh_token(&self, hash: &TokenHash, spending: &Spending) -> Result<(), Error>;

    /// When the session ends unless it is refreshed, in milliseconds since the Unix epoch; none when the account has no such
    /// session or it has ended at `now` (milliseconds since the Unix epoch).
    fn session_end(
        &self,
        account: &AccountId,
        family: &str,
        now: u64,
    ) -> Result<Option<u64>, Error>;

    /// The account's sessions that have not ended at `now` (milliseconds since the Unix epoch), the one refreshed last first.
    fn sessions(
        &self,
        account: &AccountId,
        now: u64,
        limit: u32,
    ) -> Result<Vec<SessionSummary>, Error>;

    /// Number of the account's sessions, some that expired lately included.
    fn count_sessions(&self, account: &AccountId) -> Result<u64, Error>;

    /// The account's session that was refreshed longest ago.
    fn oldest_session(&self, account: &AccountId) -> Result<Option<String>, Error>;

    /// Number of the account's refresh tokens, spent ones too; no more than `limit` are counted.
    fn count_refresh_tokens(&self, account: &AccountId, limit: u64) -> Result<u64, Error>;

    /// Ends a session: forgets every token of the family.
    fn end_family(&self, family: &str) -> Result<(), Error>;

    /// Ends every session of an account.
    fn end_sessions(&self, account: &AccountId) -> Result<(), Error>;

    /// Keeps a revocation under the next number and forgets some of those that have expired by then. When there are more
    /// than [`REVOCATIONS_MAX`](crate::domain::REVOCATIONS_MAX), the oldest go and the floor rises to their time.
    fn add_revocation(&self, revocation: &Revocation) -> Result<(), Error>;

    /// The revocations with higher numbers than that, in their order, that have not expired at `now` (milliseconds since the
    /// Unix epoch).
    fn revocations_after(
        &self,
        sequence: u64,
        now: u64,
        limit: u32,
    ) -> Result<Vec<Revocation>, Error>;

    /// What is known beside the revocations themselves.
    fn revocation_bounds(&self) -> Result<RevocationBounds, Error>;

    /// Forgets some of the tokens that have expired at `now` (milliseconds since the Unix epoch), so that they do not
    /// pile up.
    fn forget_expired_tokens(&self, now: u64) -> Result<(), Error>;

    /// The failed logins under that key, old ones included; none when there were none.
    fn failures(&self, key: &CounterKey) -> Result<Failures, Error>;

    /// Replaces the failed logins under that key.
    fn save_failures(&self, key: &CounterKey, failures: &Failures) -> Result<(), Error>;

    /// Forgets the failed logins under that key.
    fn clear_failures(&self, key: &CounterKey) -> Result<(), Error>;

    /// Whether the pair of account and client behind that key is familiar at `now` (milliseconds since the Unix epoch).
    fn is_familiar(&self, key: &CounterKey, now: u64) -> Result<bool, Error>;

    /// Makes the pair of account and client behind that key familiar until then (milliseconds since the Unix epoch).
    fn make_familiar(&self, key: &CounterKey, until: u64) -> Result<(), Error>;

    /// Everybody who hashes or waits, in the order in which they came. Bounded: see [`Line`](crate::domain::Line).
    fn turns(&self) -> Result<Vec<Turn>, Error>;

    /// Adds a turn and gives its number.
    fn add_turn(&self, turn: &Turn) -> Result<u64, Error>;

    /// Replaces the turn of that number.
    fn save_turn(&self, turn: &Turn) -> Result<(), Error>;

    /// Forgets the turn of that number.
    fn remove_turn(&self, id: u64) -> Result<(), Error>;

    /// Forgets the turns that have gone at `now` (milliseconds since the Unix epoch).
    fn forget_turns(&self, now: u64) -> Result<(), Error>;

    /// How long a slot is held on average, in milliseconds; 0 when that is not known.
    fn held_ms(&self) -> Result<u64, Error>;

    /// Replaces that average.
    fn save_held_ms(&self, held_ms: u64) -> Result<(), Error>;

    /// Forgets some of the failures and familiar clients whose time is over at `now` (milliseconds since the Unix
    /// epoch), so that they do not pile up.
    fn forget_old_attempts(&self, now: u64) -> Result<(), Error>;
}

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

/// Everything the application needs, chosen once per instance.
pub struct Ports<S: Store> {
    /// The database.
    pub store: S,
    /// Password hashing.
    pub passwords: Box<dyn Passwords>,
    /// Refresh tokens.
    pub secrets: Box<dyn Secrets>,
    /// The keys that sign access tokens.
    pub keys: KeyRing,
    /// The time.
    pub clock: Box<dyn Clock>,
    /// New ids.
    pub ids: Box<dyn Ids>,
    /// How long tokens are valid.
    pub lifetimes: Lifetimes,
    /// What outsiders may take.
    pub limits: Limits,
}
