//! Sessions: what registration, login and refresh have in common.

use mercato_tokens::Claims;

use super::Error;
use crate::domain::{Account, AccountId, RefreshSecret, RefreshToken};
use crate::ports::{Ports, Records, Store};

const MS_PER_SECOND: u64 = 1_000;

/// The two tokens of a session.
#[derive(Debug)]
pub struct TokenPair {
    /// For the `Authorization` header.
    pub access_token: String,
    /// For the next pair.
    pub refresh_token: RefreshSecret,
    /// Lifetime of the access token in seconds.
    pub expires_in: u64,
}

/// An account with its session's tokens.
#[derive(Debug)]
pub struct Session {
    /// Whose session it is.
    pub account: Account,
    /// Its tokens.
    pub tokens: TokenPair,
}

/// An account with a new access token.
#[derive(Debug)]
pub struct Renewal {
    /// Whose token it is.
    pub account: Account,
    /// For the `Authorization` header.
    pub access_token: String,
    /// Lifetime of the access token in seconds.
    pub expires_in: u64,
}

impl<S: Store> Ports<S> {
    /// A signed access token for the account as it is now.
    pub(super) fn access_token(&self, account: &Account) -> Result<String, Error> {
        let claims = Claims::new(
            account.id.as_str(),
            account.role,
            self.ids.new_id(),
            self.clock.now_seconds(),
            self.lifetimes.access_seconds,
        );
        Ok(self.keys.sign(&claims)?)
    }

    /// Adds the session's next refresh token and gives the pair to its bearer. Without a family it is a new session.
    pub(super) fn grant_tokens(
        &self,
        records: &dyn Records,
        account: Account,
        family: Option<String>,
    ) -> Result<Session, Error> {
        let (token, refresh_token) = self.new_refresh_token(&account.id, family);
        records.forget_expired_tokens(token.issued_at)?;
        records.add_refresh_token(&token)?;
        let access_token = self.access_token(&account)?;
        let tokens = TokenPair {
            access_token,
            refresh_token,
            expires_in: self.lifetimes.access_seconds,
        };
        Ok(Session { account, tokens })
    }

    fn new_refresh_token(
        &self,
        account: &AccountId,
        family: Option<String>,
    ) -> (RefreshToken, RefreshSecret) {
        let secret = self.secrets.refresh_secret();
        let now = self.clock.now_ms();
        let token = RefreshToken {
            hash: secret.hash(),
            family: family.unwrap_or_else(|| self.ids.new_id()),
            account: account.clone(),
            issued_at: now,
            expires_at: now
                .saturating_add(self.lifetimes.refresh_seconds.saturating_mul(MS_PER_SECOND)),
            spent_at: None,
        };
        (token, secret)
    }
}

/// The account of that id, if it is enabled.
pub(super) fn enabled_account(records: &dyn Records, id: &AccountId) -> Result<Account, Error> {
    let account = records.account(id)?.ok_or(Error::NotFound)?;
    if account.disabled {
        Err(Error::InvalidCredentials)
    } else {
        Ok(account)
    }
}

/// The account as it is now, if it is enabled and still has the password that was just verified: hashing takes its time.
///
/// Another hash at the same version is the same password, hashed anew by a login meanwhile.
pub(super) fn unchanged_account(
    records: &dyn Records,
    verified: &Account,
) -> Result<Account, Error> {
    let has_that_password = |account: &Account| {
        account.password_hash == verified.password_hash || account.version == verified.version
    };
    let account = records.account(&verified.id)?;
    account
        .filter(|account| !account.disabled && has_that_password(account))
        .ok_or(Error::InvalidCredentials)
}

/// The id that a caller named; what is no id belongs to no account.
pub(super) fn account_id(text: &str) -> Result<AccountId, Error> {
    AccountId::parse(text).map_err(|_| Error::NotFound)
}

/// Refuses when the caller expected another version.
pub(super) fn check_version(account: &Account, expected: Option<u64>) -> Result<(), Error> {
    match expected {
        Some(version) if version != account.version => Err(Error::VersionMismatch),
        _ => Ok(()),
    }
}
