//! Sessions: what registration, login and refresh have in common.

use mercato_tokens::{CLOCK_SKEW_MAX_SECONDS, Claims};

use super::Error;
use super::ports::Ports;
use crate::domain::{
    Account, AccountView, RefreshSecret, RefreshToken, Revocation, Revoked,
    SESSIONS_PER_ACCOUNT_MAX, SessionCaller, SessionId, latest_end,
};
use crate::store::Records;

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
    pub account: AccountView,
    /// Its tokens.
    pub tokens: TokenPair,
}

/// An account with a new access token.
#[derive(Debug)]
pub struct Renewal {
    /// Whose token it is.
    pub account: AccountView,
    /// For the `Authorization` header.
    pub access_token: String,
    /// Lifetime of the access token in seconds.
    pub expires_in: u64,
}

/// What an access token is made of beside its account.
pub(super) struct AccessToken {
    /// The session that it belongs to.
    pub session: Option<SessionId>,
    /// Its id.
    pub id: String,
    /// When it is made, in seconds since the Unix epoch.
    pub issued_at: u64,
    /// It does not end after that, in seconds since the Unix epoch.
    pub latest: u64,
}

impl Ports {
    /// A signed access token for the account as it is now, and its lifetime in seconds.
    pub(super) fn access_token(
        &self,
        account: &Account,
        token: AccessToken,
    ) -> Result<(String, u64), Error> {
        let claims = Claims::new(
            &account.id().text(),
            account.role(),
            token.id,
            token.issued_at,
            self.lifetimes.access_seconds,
        )
        .of_session(
            token.session.map(|id| id.to_string()),
            account.token_generation(),
        )
        .ending_by(token.latest);
        let expires_in = claims.exp.saturating_sub(claims.iat);
        Ok((self.keys.sign(&claims)?, expires_in))
    }

    /// Opens a session of the account and returns its first pair of tokens. An account that has too many loses the one that
    /// was refreshed longest ago.
    pub(super) fn open_session(
        &self,
        records: &Records<'_>,
        account: Account,
    ) -> Result<Session, Error> {
        let now = self.clock.now_ms();
        records.forget_expired_tokens(now)?;
        if records.count_sessions(account.id())? >= SESSIONS_PER_ACCOUNT_MAX
            && let Some(oldest) = records.oldest_session(account.id())?
        {
            self.end_session(records, oldest)?;
        }
        let secret = self.secrets.refresh_secret();
        let session = self.new_session_id()?;
        let expires_at = self.refresh_end(session, now);
        let token = RefreshToken::first(&secret, session, account.id(), now, expires_at);
        records.add_refresh_token(&token)?;
        self.pair(account, &token, secret, self.ids.new_id())
    }

    /// When a refresh token of a session that is made at that moment ends, both in milliseconds since the Unix epoch: with
    /// the session at the latest.
    pub(super) fn refresh_end(&self, session: SessionId, issued_at: u64) -> u64 {
        let lifetime_ms = self.lifetimes.refresh_seconds.saturating_mul(MS_PER_SECOND);
        let end = issued_at.saturating_add(lifetime_ms);
        latest_end(session).map_or(end, |latest| end.min(latest))
    }

    /// The pair of a refresh token, which is kept: always the same for the same account, token and id.
    pub(super) fn pair(
        &self,
        account: Account,
        token: &RefreshToken,
        refresh_token: RefreshSecret,
        access_token_id: String,
    ) -> Result<Session, Error> {
        let wanted = AccessToken {
            session: Some(token.session()),
            id: access_token_id,
            issued_at: token.issued_at() / MS_PER_SECOND,
            latest: token.expires_at() / MS_PER_SECOND,
        };
        let (access_token, expires_in) = self.access_token(&account, wanted)?;
        let tokens = TokenPair {
            access_token,
            refresh_token,
            expires_in,
        };
        Ok(Session {
            account: account.into(),
            tokens,
        })
    }

    /// Ends a session: its refresh tokens go, its access tokens are revoked.
    pub(super) fn end_session(
        &self,
        records: &Records<'_>,
        session: SessionId,
    ) -> Result<(), Error> {
        records.end_session(session)?;
        self.revoke(records, Revoked::Session(session))
    }

    /// Ends all sessions of an account, whose generation of tokens has been raised already.
    pub(super) fn end_sessions_of(
        &self,
        records: &Records<'_>,
        account: &Account,
    ) -> Result<(), Error> {
        records.end_sessions(account.id())?;
        self.revoke_tokens_of(records, account)
    }

    /// Revokes the access tokens of an account's earlier generations.
    pub(super) fn revoke_tokens_of(
        &self,
        records: &Records<'_>,
        account: &Account,
    ) -> Result<(), Error> {
        let revoked = Revoked::Account(account.id(), account.token_generation());
        self.revoke(records, revoked)
    }

    fn revoke(&self, records: &Records<'_>, revoked: Revoked) -> Result<(), Error> {
        let now = self.clock.now_ms();
        let last = self
            .lifetimes
            .access_seconds
            .saturating_add(CLOCK_SKEW_MAX_SECONDS);
        records.add_revocation(&Revocation {
            sequence: 0,
            revoked,
            revoked_at: now,
            expires_at: now.saturating_add(last.saturating_mul(MS_PER_SECOND)),
        })
    }

    /// The caller's account, if it is enabled and the caller's session lives. A token without a session is good as long as
    /// all tokens of its generation are.
    pub(super) fn caller_account(
        &self,
        records: &Records<'_>,
        caller: &SessionCaller,
    ) -> Result<Account, Error> {
        Ok(self.caller_session(records, caller)?.0)
    }

    /// As [`Ports::caller_account`], with the end of the session in seconds since the Unix epoch: a new access token must not
    /// outlive it. Without a session it is the end of the presented token.
    pub(super) fn caller_session(
        &self,
        records: &Records<'_>,
        caller: &SessionCaller,
    ) -> Result<(Account, u64), Error> {
        let account = records
            .account(caller.account)?
            .filter(Account::is_enabled)
            .ok_or(Error::SessionEnded)?;
        let end = match caller.session {
            Some(session) => records
                .session_end(account.id(), session, self.clock.now_ms())?
                .map(|end| end / MS_PER_SECOND),
            None => (caller.generation >= account.token_generation()).then_some(caller.expires_at),
        };
        end.map(|end| (account, end)).ok_or(Error::SessionEnded)
    }
}

/// The account as it is now, if it is enabled and still has the password that was just verified: hashing takes its time.
///
/// Another hash at the same version is the same password, hashed anew by a login meanwhile.
pub(super) fn unchanged_account(
    records: &Records<'_>,
    verified: &Account,
) -> Result<Account, Error> {
    let has_that_password = |account: &Account| {
        account.password_hash() == verified.password_hash()
            || account.version() == verified.version()
    };
    let account = records.account(verified.id())?;
    account
        .filter(|account| account.is_enabled() && has_that_password(account))
        .ok_or(Error::InvalidCredentials)
}

/// Refuses when the caller expected another version.
pub(super) fn check_version(account: &Account, expected: Option<u64>) -> Result<(), Error> {
    match expected {
        Some(version) if version != account.version() => Err(Error::VersionMismatch),
        _ => Ok(()),
    }
}
