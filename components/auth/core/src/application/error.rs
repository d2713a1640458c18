use mercato_tokens::SignError;

use crate::domain::{FieldError, Place};

/// Why a use case was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Fields that break a rule, each named.
    #[error("invalid fields")]
    Invalid(Vec<FieldError>),
    /// An account with this address exists.
    #[error("the address is taken")]
    EmailTaken,
    /// Unknown address, wrong password or disabled account.
    #[error("invalid credentials")]
    InvalidCredentials,
    /// Another address needs the current password, and there was none.
    #[error("the current password is needed")]
    PasswordRequired,
    /// Too many wrong passwords of late; holds the seconds until the next attempt, at least 1.
    #[error("too many attempts: wait {0} seconds")]
    TooManyAttempts(u64),
    /// Too many passwords are being hashed; holds the seconds until another attempt, at least 1.
    #[error("busy: wait {0} seconds")]
    Busy(u64),
    /// Has a place in the line of those whose password is to be hashed. No use case returns it: the attempt is made again with
    /// the place.
    #[error("waiting for a slot")]
    MustWait(Place),
    /// Unknown, expired, spent or ended.
    #[error("invalid refresh token")]
    InvalidRefreshToken,
    /// The caller's session has ended, or the account is gone or disabled.
    #[error("the session has ended")]
    SessionEnded,
    /// The account has no such session.
    #[error("no such session")]
    SessionNotFound,
    /// No such account.
    #[error("no such account")]
    NotFound,
    /// The account has changed since the version that the caller named.
    #[error("the account has changed")]
    VersionMismatch,
    /// The change would leave the shop without an active admin.
    #[error("the last active admin")]
    LastAdmin,
    /// Access tokens are signed with a key that this runner does not have.
    #[error("access tokens are signed with another key")]
    OtherSigningKey,
    /// The database is busy or out of reach; holds the cause, for the log.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// A fault of ours; holds the cause, for the log.
    #[error("internal: {0}")]
    Internal(String),
}

impl From<SignError> for Error {
    fn from(error: SignError) -> Self {
        Self::Internal(error.to_string())
    }
}
