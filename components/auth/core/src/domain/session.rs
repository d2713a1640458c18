//! Sessions: what a login opens, and whose access tokens end with it.

use mercato_kernel::{AccountId, SessionId};
use mercato_platform::ids;

/// Sessions of one account that have not ended; one more ends the one that was refreshed longest ago.
pub const SESSIONS_PER_ACCOUNT_MAX: u64 = 1_000;

/// Pairs of tokens of one session; then somebody has to log in again. At one pair every fifteen minutes these are 104 days.
pub const PAIRS_PER_SESSION_MAX: u64 = 10_000;

/// Refresh tokens of one account that are kept, spent ones too; over it, sessions end, from the one that was refreshed
/// longest ago. Ten devices that refresh every fifteen minutes have 28,800 in thirty days.
pub const REFRESH_TOKENS_PER_ACCOUNT_MAX: u64 = 50_000;

/// Counting them takes time, so it is done for one in so many pairs of a session.
pub const PAIRS_PER_COUNT: u64 = 100;

/// Most sessions that end at once because their account has too many refresh tokens.
pub const SESSIONS_ENDED_PER_COUNT: u32 = 100;

/// How long a session lasts, however often it is refreshed, in milliseconds: a year.
pub const SESSION_LIFETIME_MAX_MS: u64 = 365 * 24 * 60 * 60 * 1_000;

/// When a session ends at the latest, in milliseconds since the Unix epoch; none when its id does not tell when it was opened.
#[must_use]
pub fn latest_end(session: SessionId) -> Option<u64> {
    Some(ids::made_at_ms(&session.text())?.saturating_add(SESSION_LIFETIME_MAX_MS))
}

/// Sessions that a list of them names.
pub const SESSIONS_LISTED_MAX: u32 = 100;

/// Revocations that are kept at a time; over it the oldest go, and with them all tokens as old as they are.
pub const REVOCATIONS_MAX: u64 = 20_000;

/// Revocations in one list.
pub const REVOCATIONS_LISTED_MAX: u32 = 1_000;

/// Whoever presents a valid access token, as its claims say: the account, and the session that must not have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionCaller {
    /// The account.
    pub account: AccountId,
    /// The session; tokens of versions before sessions were claimed have none.
    pub session: Option<SessionId>,
    /// The account's generation of tokens when the token was made.
    pub generation: u64,
    /// When the token ends, in seconds since the Unix epoch.
    pub expires_at: u64,
}

/// A session that has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionSummary {
    /// Its id.
    pub id: SessionId,
    /// When it was opened, in milliseconds since the Unix epoch.
    pub created_at: u64,
    /// When its last refresh token was made, in milliseconds since the Unix epoch.
    pub refreshed_at: u64,
    /// When that ends, in milliseconds since the Unix epoch.
    pub expires_at: u64,
}

/// What was revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revoked {
    /// All access tokens of a session.
    Session(SessionId),
    /// All access tokens of an account whose generation is below this one.
    Account(AccountId, u64),
}

/// A revocation, kept for as long as a token that it concerns could be valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revocation {
    /// Its number; later ones have higher numbers. 0 until it is kept.
    pub sequence: u64,
    /// What was revoked.
    pub revoked: Revoked,
    /// When, in milliseconds since the Unix epoch.
    pub revoked_at: u64,
    /// When the last token that it concerns has expired, in milliseconds since the Unix epoch.
    pub expires_at: u64,
}

/// What is known beside the revocations themselves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RevocationBounds {
    /// The highest number that was ever given; 0 when none was.
    pub last_sequence: u64,
    /// Tokens that were made at or before this time, in milliseconds since the Unix epoch, may be revoked by a revocation that
    /// was dropped; 0 when none was.
    pub floor: u64,
}
