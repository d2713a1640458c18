//! Table `refresh_tokens`: the sessions.

use mercato_platform::ids;
use mercato_sql::{Row, params};

use super::accounts::account_id;
use super::{FORGET_MAX_ROWS, Records, damaged};
use crate::application::Error;
use crate::application::locks;
use crate::domain::{
    AccountId, RefreshToken, RefreshTokenRecord, SessionId, SessionSummary, Spending, TokenHash,
};

const SELECT_TOKEN: &str = "
    SELECT token_hash, family_id, user_id, issued_at, expires_at, number,
      spent_at, spent_by, successor_salt, successor_token_id
    FROM refresh_tokens
    WHERE token_hash = ?";

const INSERT_TOKEN: &str = "
    INSERT INTO refresh_tokens (token_hash, family_id, user_id, issued_at, expires_at, number)
    VALUES (?, ?, ?, ?, ?, ?)";

const SPEND_TOKEN: &str = "
    UPDATE refresh_tokens
    SET spent_at = ?, spent_by = ?, successor_salt = ?, successor_token_id = ?
    WHERE token_hash = ?";

const SELECT_SESSION_END: &str = "
    SELECT expires_at
    FROM refresh_tokens
    WHERE family_id = ?
      AND spent_at IS NULL
      AND expires_at > ?
      AND user_id = ?
    ORDER BY expires_at DESC
    LIMIT 1";

const SELECT_SESSIONS: &str = "
    SELECT family_id, issued_at, expires_at
    FROM refresh_tokens
    WHERE user_id = ?
      AND spent_at IS NULL
      AND expires_at > ?
    ORDER BY issued_at DESC
    LIMIT ?";

const COUNT_SESSIONS: &str = "
    SELECT COUNT(*) AS count
    FROM refresh_tokens
    WHERE user_id = ?
      AND spent_at IS NULL";

const COUNT_TOKENS: &str = "
    SELECT COUNT(*) AS count
    FROM (
      SELECT 1
      FROM refresh_tokens
      WHERE user_id = ?
      LIMIT ?
    ) AS counted";

const SELECT_OLDEST_SESSION: &str = "
    SELECT family_id
    FROM refresh_tokens
    WHERE user_id = ?
      AND spent_at IS NULL
    ORDER BY issued_at
    LIMIT 1";

const DELETE_TOKENS_OF_SESSION: &str = "
    DELETE FROM refresh_tokens
    WHERE family_id = ?";

const DELETE_TOKENS_OF_USER: &str = "
    DELETE FROM refresh_tokens
    WHERE user_id = ?";

const DELETE_EXPIRED_TOKENS: &str = "
    DELETE FROM refresh_tokens
    WHERE token_hash IN (
      SELECT token_hash
      FROM refresh_tokens
      WHERE expires_at <= ?
      ORDER BY expires_at
      LIMIT ?
    )";

impl Records<'_> {
    /// The refresh token of that hash, spent and expired ones included.
    pub fn refresh_token(&self, hash: &TokenHash) -> Result<Option<RefreshToken>, Error> {
        self.first(SELECT_TOKEN, params![hash.as_str()], refresh_token)
    }

    /// The token with that hash, while nobody else changes its account.
    pub fn refresh_token_alone(&self, hash: &TokenHash) -> Result<Option<RefreshToken>, Error> {
        let found = self.refresh_token(hash)?;
        match &found {
            Some(token)
                if self
                    .0
                    .lock(|| Ok::<_, Error>(locks::account(token.account())))? =>
            {
                self.refresh_token(hash)
            }
            _ => Ok(found),
        }
    }

    /// Adds a refresh token.
    pub fn add_refresh_token(&self, token: &RefreshToken) -> Result<(), Error> {
        let token = token.record();
        let values = params![
            token.hash.as_str(),
            &*token.session.text(),
            &*token.account.text(),
            token.issued_at,
            token.expires_at,
            token.number,
        ];
        self.execute(INSERT_TOKEN, values)
    }

    /// Keeps for what a refresh token was traded, if it was.
    pub fn save_spending(&self, token: &RefreshToken) -> Result<(), Error> {
        let Some(spending) = token.spending() else {
            return Ok(());
        };
        let values = params![
            spending.at,
            spending.client.as_deref(),
            spending.salt.as_deref(),
            spending.token_id.as_deref(),
            token.record().hash.as_str(),
        ];
        self.execute(SPEND_TOKEN, values)
    }

    /// When the session ends unless it is refreshed, in milliseconds since the Unix epoch; none when the account has no such
    /// session or it has ended at `now` (milliseconds since the Unix epoch).
    pub fn session_end(
        &self,
        account: AccountId,
        session: SessionId,
        now: u64,
    ) -> Result<Option<u64>, Error> {
        let values = params![&*session.text(), now, &*account.text()];
        self.first(SELECT_SESSION_END, values, |row| Ok(row.get("expires_at")?))
    }

    /// The account's sessions that have not ended at `now` (milliseconds since the Unix epoch), the one refreshed last first.
    pub fn sessions(
        &self,
        account: AccountId,
        now: u64,
        limit: u32,
    ) -> Result<Vec<SessionSummary>, Error> {
        self.all(
            SELECT_SESSIONS,
            params![&*account.text(), now, limit],
            summary,
        )
    }

    /// Number of the account's sessions, some that expired lately included.
    pub fn count_sessions(&self, account: AccountId) -> Result<u64, Error> {
        self.number(COUNT_SESSIONS, params![&*account.text()], "count")
    }

    /// The account's session that was refreshed longest ago.
    pub fn oldest_session(&self, account: AccountId) -> Result<Option<SessionId>, Error> {
        let values = params![&*account.text()];
        self.first(SELECT_OLDEST_SESSION, values, |row| {
            session_id(row, "family_id")
        })
    }

    /// Number of the account's refresh tokens, spent ones too; no more than `limit` are counted.
    pub fn count_refresh_tokens(&self, account: AccountId, limit: u64) -> Result<u64, Error> {
        self.number(COUNT_TOKENS, params![&*account.text(), limit], "count")
    }

    /// Ends a session: forgets every token of it.
    pub fn end_session(&self, session: SessionId) -> Result<(), Error> {
        self.execute(DELETE_TOKENS_OF_SESSION, params![&*session.text()])
    }

    /// Ends every session of an account.
    pub fn end_sessions(&self, account: AccountId) -> Result<(), Error> {
        self.execute(DELETE_TOKENS_OF_USER, params![&*account.text()])
    }

    /// Forgets some of the tokens that have expired at `now` (milliseconds since the Unix epoch), so that they do not
    /// pile up.
    pub fn forget_expired_tokens(&self, now: u64) -> Result<(), Error> {
        self.execute(DELETE_EXPIRED_TOKENS, params![now, FORGET_MAX_ROWS])
    }

    /// All refresh tokens.
    #[cfg(test)]
    pub fn refresh_tokens(&self) -> Result<Vec<RefreshToken>, Error> {
        self.all(
            "SELECT * FROM refresh_tokens -- of a test",
            params![],
            refresh_token,
        )
    }
}

fn refresh_token(row: &Row) -> Result<RefreshToken, Error> {
    Ok(RefreshToken::restore(RefreshTokenRecord {
        hash: TokenHash::stored(row.get("token_hash")?),
        session: session_id(row, "family_id")?,
        account: account_id(row, "user_id")?,
        issued_at: row.get("issued_at")?,
        expires_at: row.get("expires_at")?,
        number: row.get("number")?,
        spent: spending(row)?,
    }))
}

fn spending(row: &Row) -> Result<Option<Spending>, Error> {
    let Some(at) = row.get("spent_at")? else {
        return Ok(None);
    };
    Ok(Some(Spending {
        at,
        client: row.get("spent_by")?,
        salt: row.get("successor_salt")?,
        token_id: row.get("successor_token_id")?,
    }))
}

fn summary(row: &Row) -> Result<SessionSummary, Error> {
    let id = session_id(row, "family_id")?;
    let refreshed_at = row.get("issued_at")?;
    Ok(SessionSummary {
        created_at: ids::made_at_ms(&id.text()).unwrap_or(refreshed_at),
        id,
        refreshed_at,
        expires_at: row.get("expires_at")?,
    })
}

/// The id of a session in that column.
pub(super) fn session_id(row: &Row, column: &str) -> Result<SessionId, Error> {
    let id = SessionId::parse(&row.get::<String>(column)?);
    id.map_err(|error| damaged(column, &error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::RefreshSecret;
    use crate::store::Store;
    use crate::store::testing::{NOW, add, id, kept, session, somebody, token};

    /// That token with another record.
    fn with(token: &RefreshToken, change: impl FnOnce(&mut RefreshTokenRecord)) -> RefreshToken {
        let mut record = token.record().clone();
        change(&mut record);
        RefreshToken::restore(record)
    }

    fn add_token(store: &Store, token: &RefreshToken) {
        store
            .change(|records| records.add_refresh_token(token))
            .unwrap();
    }

    #[test]
    fn a_token_is_kept_until_its_session_ends() {
        let store = Store::for_test();
        add(&store, &somebody(1));
        let (first, second, other) = (
            token("a", session(1), &somebody(1)),
            token("b", session(1), &somebody(1)),
            token("c", session(2), &somebody(1)),
        );
        for token in [&first, &second, &other] {
            add_token(&store, token);
        }
        let spending = Spending {
            at: NOW + 5,
            client: Some("client".to_owned()),
            salt: Some("salt".to_owned()),
            token_id: Some("id".to_owned()),
        };
        let spent = first.clone().spend(spending);
        store
            .change(|records| records.save_spending(&spent))
            .unwrap();
        assert_eq!(kept(&store, &first), Some(spent));
        assert_eq!(kept(&store, &second), Some(second.clone()));
        store
            .change(|records| records.end_session(session(1)))
            .unwrap();
        assert_eq!((kept(&store, &first), kept(&store, &second)), (None, None));
        assert_eq!(kept(&store, &other), Some(other));
    }

    #[test]
    fn the_sessions_of_one_account_end_together() {
        let store = Store::for_test();
        add(&store, &somebody(1));
        add(&store, &somebody(2));
        let (mine, mine_too, theirs) = (
            token("a", session(1), &somebody(1)),
            token("b", session(2), &somebody(1)),
            token("c", session(3), &somebody(2)),
        );
        for token in [&mine, &mine_too, &theirs] {
            add_token(&store, token);
        }
        store.change(|records| records.end_sessions(id(1))).unwrap();
        assert_eq!((kept(&store, &mine), kept(&store, &mine_too)), (None, None));
        assert_eq!(kept(&store, &theirs), Some(theirs));
    }

    #[test]
    fn expired_tokens_are_forgotten_a_bounded_number_at_a_time() {
        let store = Store::for_test();
        add(&store, &somebody(1));
        let count = FORGET_MAX_ROWS + 1;
        for number in 0..count {
            let expires_at = NOW + 1 + u64::from(number);
            let token = token(&number.to_string(), session(1), &somebody(1));
            let token = with(&token, |record| record.expires_at = expires_at);
            add_token(&store, &token);
        }
        let is_kept = |number: u32| {
            kept(
                &store,
                &token(&number.to_string(), session(1), &somebody(1)),
            )
            .is_some()
        };
        store
            .change(|records| records.forget_expired_tokens(NOW))
            .unwrap();
        assert!(is_kept(0));
        store
            .change(|records| records.forget_expired_tokens(NOW + 1))
            .unwrap();
        assert!(!is_kept(0) && is_kept(1));
        store
            .change(|records| records.forget_expired_tokens(NOW + 1_000))
            .unwrap();
        assert!(!(1..count).any(is_kept));
    }

    fn spend(store: &Store, token: &RefreshToken) {
        let spending = Spending {
            at: NOW,
            client: None,
            salt: None,
            token_id: None,
        };
        let spent = token.clone().spend(spending);
        store
            .change(|records| records.save_spending(&spent))
            .unwrap();
    }

    #[test]
    fn a_session_lives_while_its_account_has_an_unspent_token_of_it() {
        let store = Store::for_test();
        add(&store, &somebody(1));
        add(&store, &somebody(2));
        let end = |account: u32, number: u64, now: u64| {
            let end = store.read(|records| records.session_end(id(account), session(number), now));
            end.unwrap()
        };
        let first = token("a", session(1), &somebody(1));
        add_token(&store, &first);
        assert_eq!(end(1, 1, NOW + 999), Some(NOW + 1_000));
        assert_eq!(end(1, 1, NOW + 1_000), None);
        assert_eq!(end(2, 1, NOW), None);
        assert_eq!(end(1, 2, NOW), None);
        spend(&store, &first);
        assert_eq!(end(1, 1, NOW), None);
        let secret = RefreshSecret::new("b".to_owned());
        let second = first.next(&secret, NOW + 500, NOW + 1_500);
        add_token(&store, &second);
        assert_eq!(end(1, 1, NOW + 1_000), Some(NOW + 1_500));
    }

    #[test]
    fn sessions_are_listed_newest_first_and_the_oldest_is_known() {
        let store = Store::for_test();
        add(&store, &somebody(1));
        for number in 1..=3 {
            let issued_at = NOW + number - 1;
            let token = token(&number.to_string(), session(number), &somebody(1));
            let token = with(&token, |record| {
                record.issued_at = issued_at;
                record.expires_at = issued_at + 1_000;
            });
            add_token(&store, &token);
        }
        let list = |limit| store.read(|records| records.sessions(id(1), NOW + 1_000, limit));
        let ids = |limit| -> Vec<SessionId> {
            let sessions = list(limit).unwrap().into_iter();
            sessions.map(|session| session.id).collect()
        };
        assert_eq!(ids(10), [session(3), session(2)]);
        assert_eq!(ids(1), [session(3)]);
        assert_eq!(list(1).unwrap()[0].refreshed_at, NOW + 2);
        let count = || store.read(|records| records.count_sessions(id(1))).unwrap();
        let oldest = || store.read(|records| records.oldest_session(id(1))).unwrap();
        assert_eq!((count(), oldest()), (3, Some(session(1))));
        let tokens = |limit| {
            store
                .read(|records| records.count_refresh_tokens(id(1), limit))
                .unwrap()
        };
        assert_eq!((tokens(10), tokens(2)), (3, 2));
        store
            .change(|records| records.end_session(session(1)))
            .unwrap();
        assert_eq!((count(), oldest()), (2, Some(session(2))));
    }
}
