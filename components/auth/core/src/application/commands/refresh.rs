use mercato_platform::log;

use crate::application::locks;
use crate::application::ports::Ports;
use crate::application::{Error, Session};
use crate::domain::{
    Account, Client, REFRESH_TOKENS_PER_ACCOUNT_MAX, RefreshSecret, RefreshToken,
    SESSIONS_ENDED_PER_COUNT, Spending, Standing,
};
use crate::store::Records;

/// Trades of one session within [`REUSE_GRACE_MS`](crate::domain::REUSE_GRACE_MS) that are followed from a spent token to the
/// newest one.
const FOLLOWED_MAX: usize = 16;

/// Trades a refresh token for the next pair of its session.
pub struct Command {
    /// The token as it was presented.
    pub presented: RefreshSecret,
    /// The IP address that it comes from, if it is known.
    pub client: Option<String>,
    /// What the client says that it is.
    pub user_agent: Option<String>,
}

/// Trades a refresh token for a new pair; the old one is spent. The client that spent it may send it again for some seconds
/// and gets the same pair: its answer was lost, or it has two tabs. In all other cases a token that was spent before ends its
/// session: either its bearer or a thief has the newer one, and nobody can tell which.
///
/// # Errors
/// [`Error::InvalidRefreshToken`], or a fault of the database.
pub fn handle(ports: &Ports, command: Command) -> Result<Session, Error> {
    let client = command.client.as_deref().and_then(Client::parse);
    let client = Spending::client_key(client.as_ref(), command.user_agent.as_deref());
    // The end of a session must be kept, so it is an outcome of the unit of work and not an error.
    let hash = command.presented.hash();
    let session = ports.store.write(locks::refresh_token(&hash), |records| {
        let Some(token) = records.refresh_token_alone(&hash)? else {
            return Ok(None);
        };
        match token.standing(ports.clock.now_ms()) {
            Standing::Usable => {
                rotate(ports, records, token, &command.presented, client.as_deref())
            }
            Standing::Expired => Ok(None),
            Standing::Spent => {
                let (presented, client) = (command.presented.clone(), client.as_deref());
                match traded_for(ports, records, &token, presented, client)? {
                    Some(session) => Ok(Some(session)),
                    None => end_session_of(ports, records, &token).map(|()| None),
                }
            }
        }
    })?;
    session.ok_or(Error::InvalidRefreshToken)
}

fn enabled_account(records: &Records<'_>, token: &RefreshToken) -> Result<Option<Account>, Error> {
    let account = records.account(token.account())?;
    Ok(account.filter(Account::is_enabled))
}

fn rotate(
    ports: &Ports,
    records: &Records<'_>,
    token: RefreshToken,
    presented: &RefreshSecret,
    client: Option<&str>,
) -> Result<Option<Session>, Error> {
    let Some(account) = enabled_account(records, &token)? else {
        return Ok(None);
    };
    if token.is_last_of_session() {
        ports.end_session(records, token.session())?;
        return Ok(None);
    }
    let now = ports.clock.now_ms();
    let expires_at = ports.refresh_end(token.session(), now);
    if expires_at <= now {
        // Of a version that let sessions go on for ever.
        ports.end_session(records, token.session())?;
        return Ok(None);
    }
    let (salt, token_id) = (ports.secrets.salt(), ports.ids.new_id());
    let successor = presented.successor(&salt).ok_or_else(unusable_salt)?;
    let spending = Spending {
        at: now,
        client: client.map(str::to_owned),
        salt: Some(salt),
        token_id: Some(token_id.clone()),
    };
    records.forget_expired_tokens(now)?;
    let next = token.next(&successor, now, expires_at);
    records.save_spending(&token.spend(spending))?;
    records.add_refresh_token(&next)?;
    if next.is_to_be_counted() {
        bound_tokens(ports, records, &next)?;
    }
    ports.pair(account, &next, successor, token_id).map(Some)
}

/// Ends sessions of an account that has too many refresh tokens, from the one that was refreshed longest ago; not the one
/// that has just been given the newest.
fn bound_tokens(ports: &Ports, records: &Records<'_>, newest: &RefreshToken) -> Result<(), Error> {
    for _ in 0..SESSIONS_ENDED_PER_COUNT {
        let limit = REFRESH_TOKENS_PER_ACCOUNT_MAX + 1;
        if records.count_refresh_tokens(newest.account(), limit)? < limit {
            break;
        }
        match records.oldest_session(newest.account())? {
            Some(oldest) if oldest != newest.session() => ports.end_session(records, oldest)?,
            _ => break,
        }
    }
    Ok(())
}

/// The pair that a spent token was traded for, if the same client may have it again. When that was traded for the next one
/// meanwhile, the newest pair.
fn traded_for(
    ports: &Ports,
    records: &Records<'_>,
    spent: &RefreshToken,
    presented: RefreshSecret,
    client: Option<&str>,
) -> Result<Option<Session>, Error> {
    let Some(account) = enabled_account(records, spent)? else {
        return Ok(None);
    };
    let now = ports.clock.now_ms();
    let (mut token, mut secret) = (spent.clone(), presented);
    let mut access_token_id = None;
    for _ in 0..=FOLLOWED_MAX {
        let Some(spending) = token.spending() else {
            let pair = |id| ports.pair(account, &token, secret, id);
            return access_token_id.map(pair).transpose();
        };
        if !spending.allows_again(client, now) {
            return Ok(None);
        }
        let (Some(salt), Some(id)) = (&spending.salt, &spending.token_id) else {
            return Ok(None);
        };
        access_token_id = Some(id.clone());
        secret = secret.successor(salt).ok_or_else(unusable_salt)?;
        let Some(successor) = records.refresh_token(&secret.hash())? else {
            return Ok(None);
        };
        token = successor;
    }
    Ok(None)
}

fn end_session_of(ports: &Ports, records: &Records<'_>, token: &RefreshToken) -> Result<(), Error> {
    ports.end_session(records, token.session())?;
    let (user_id, session) = (token.account().text(), token.session().text());
    let fields = [("user_id", &*user_id), ("family", &*session)];
    log::warn(
        "a spent refresh token was used again: its session has ended",
        &fields,
    );
    Ok(())
}

fn unusable_salt() -> Error {
    Error::Internal("the salt of a refresh token cannot be used".to_owned())
}

#[cfg(test)]
mod tests {
    use mercato_platform::ids;

    use super::*;
    use crate::application::testing::{PASSWORD, Shop, refresh_from_anywhere as refresh};
    use crate::domain::{
        PAIRS_PER_COUNT, PAIRS_PER_SESSION_MAX, REUSE_GRACE_MS, RefreshTokenRecord, Revoked, Role,
        SESSION_LIFETIME_MAX_MS,
    };
    use crate::store::testing::session as other_session;

    const HERE: Option<&str> = Some("192.0.2.1");
    const BROWSER: Option<&str> = Some("browser");

    #[test]
    fn a_refresh_gives_a_new_pair_of_the_same_session() {
        let shop = Shop::new();
        let first = shop.register("ada@example.com").tokens.refresh_token;
        let session = refresh(&shop.ports, &first).unwrap();
        assert_ne!(session.tokens.refresh_token, first);
        assert_eq!(
            shop.claims(&session.tokens.access_token).sub,
            session.account.id.to_string()
        );
        let tokens = shop.tokens();
        assert_eq!(tokens.len(), 2);
        assert_eq!(tokens[0].session(), tokens[1].session());
        assert_eq!(
            tokens
                .iter()
                .filter(|token| token.spending().is_some())
                .count(),
            1
        );
        assert!(refresh(&shop.ports, &session.tokens.refresh_token).is_ok());
    }

    #[test]
    fn using_a_spent_token_ends_its_session_and_no_other() {
        let shop = Shop::new();
        let stolen = shop.register("ada@example.com").tokens.refresh_token;
        let other_session = shop
            .login("ada@example.com", PASSWORD)
            .unwrap()
            .tokens
            .refresh_token;
        let newest = refresh(&shop.ports, &stolen).unwrap().tokens.refresh_token;

        assert_eq!(
            refresh(&shop.ports, &stolen).unwrap_err(),
            Error::InvalidRefreshToken
        );
        assert_eq!(
            refresh(&shop.ports, &newest).unwrap_err(),
            Error::InvalidRefreshToken,
            "the session has ended"
        );
        assert!(refresh(&shop.ports, &other_session).is_ok());
    }

    #[test]
    fn each_token_is_good_until_it_expires() {
        let shop = Shop::new();
        let lifetime = shop.ports.lifetimes.refresh_seconds;
        let first = shop.register("ada@example.com").tokens.refresh_token;
        shop.advance_seconds(lifetime - 1);
        let second = refresh(&shop.ports, &first).unwrap().tokens.refresh_token;
        shop.advance_seconds(lifetime - 1);
        let third = refresh(&shop.ports, &second).unwrap().tokens.refresh_token;
        shop.advance_seconds(lifetime);
        assert_eq!(
            refresh(&shop.ports, &third).unwrap_err(),
            Error::InvalidRefreshToken
        );
    }

    #[test]
    fn a_session_ends_a_year_after_it_was_opened() {
        let shop = Shop::new();
        let lifetime = shop.ports.lifetimes.refresh_seconds;
        let mut session = shop.register("ada@example.com");
        let opened_at = ids::made_at_ms(&shop.tokens()[0].session().text()).unwrap();
        let latest = opened_at + SESSION_LIFETIME_MAX_MS;
        while shop.ports.clock.now_ms() + lifetime * 1_000 < latest {
            shop.advance_seconds(lifetime - 1);
            session = refresh(&shop.ports, &session.tokens.refresh_token).unwrap();
        }
        let ends_at = |session: &Session| {
            let hash = session.tokens.refresh_token.hash();
            let tokens = shop.tokens();
            let token = tokens.into_iter().find(|token| token.record().hash == hash);
            token.unwrap().expires_at()
        };
        assert_eq!(ends_at(&session), latest);
        let claims = shop.claims(&session.tokens.access_token);
        assert!(claims.exp <= latest / 1_000);
        shop.advance_seconds((latest - shop.ports.clock.now_ms()) / 1_000 + 1);
        assert_eq!(
            refresh(&shop.ports, &session.tokens.refresh_token).unwrap_err(),
            Error::InvalidRefreshToken
        );
    }

    #[test]
    fn what_is_no_token_of_ours_is_refused() {
        let shop = Shop::new();
        shop.register("ada@example.com");
        let hash_itself = shop.tokens()[0].record().hash.as_str().to_owned();
        for text in [
            String::new(),
            "x".to_owned(),
            "0".repeat(64),
            hash_itself,
            "é".repeat(10_000),
        ] {
            assert_eq!(
                refresh(&shop.ports, &RefreshSecret::new(text)).unwrap_err(),
                Error::InvalidRefreshToken
            );
        }
    }

    #[test]
    fn the_new_token_has_the_role_of_now() {
        let shop = Shop::new();
        let token = shop.register("ada@example.com").tokens.refresh_token;
        shop.change("ada@example.com", |record| record.role = Role::Admin);
        let session = refresh(&shop.ports, &token).unwrap();
        assert_eq!(shop.claims(&session.tokens.access_token).role, Role::Admin);
    }

    #[test]
    fn a_disabled_account_gets_nothing() {
        let shop = Shop::new();
        let token = shop.register("ada@example.com").tokens.refresh_token;
        shop.disable("ada@example.com");
        assert_eq!(
            refresh(&shop.ports, &token).unwrap_err(),
            Error::InvalidRefreshToken
        );
        assert_eq!(shop.tokens()[0].spending(), None);
    }

    #[test]
    fn the_same_client_gets_the_same_pair_for_ten_seconds() {
        let shop = Shop::new();
        let first = shop.register("ada@example.com");
        let refresh = || shop.refresh_as(&first, HERE, BROWSER).unwrap().tokens;
        let given = refresh();
        shop.advance_seconds(REUSE_GRACE_MS / 1_000 - 1);
        let again = refresh();
        assert_eq!(again.refresh_token, given.refresh_token);
        assert_eq!(again.access_token, given.access_token);
        assert_eq!((shop.tokens().len(), shop.revoked().len()), (2, 0));
    }

    #[test]
    fn later_or_from_elsewhere_it_is_theft() {
        for (wait_seconds, client, user_agent) in [
            (REUSE_GRACE_MS / 1_000, HERE, BROWSER),
            (0, Some("198.51.100.1"), BROWSER),
            (0, HERE, Some("other")),
            (0, HERE, None),
            (0, None, BROWSER),
        ] {
            let shop = Shop::new();
            let first = shop.register("ada@example.com");
            let session = shop.caller(&first).session.unwrap();
            shop.refresh_as(&first, HERE, BROWSER).unwrap();
            shop.advance_seconds(wait_seconds);
            let refused = shop.refresh_as(&first, client, user_agent);
            assert_eq!(refused.unwrap_err(), Error::InvalidRefreshToken);
            assert_eq!(shop.tokens(), []);
            assert_eq!(shop.revoked(), [Revoked::Session(session)]);
        }
    }

    #[test]
    fn whoever_comes_late_gets_the_newest_pair() {
        let shop = Shop::new();
        let first = shop.register("ada@example.com");
        let second = shop.refresh_as(&first, HERE, BROWSER).unwrap();
        let third = shop.refresh_as(&second, HERE, BROWSER).unwrap();
        let again = shop.refresh_as(&first, HERE, BROWSER).unwrap();
        assert_eq!(again.tokens.refresh_token, third.tokens.refresh_token);
        assert_eq!(again.tokens.access_token, third.tokens.access_token);
    }

    #[test]
    fn a_token_that_an_older_version_spent_has_no_grace() {
        let shop = Shop::new();
        let first = shop.register("ada@example.com");
        let spending = Spending {
            at: shop.ports.clock.now_ms(),
            client: Spending::client_key(Client::parse("192.0.2.1").as_ref(), BROWSER),
            salt: None,
            token_id: None,
        };
        let spent = shop.tokens().remove(0).spend(spending);
        let save = |records: &Records<'_>| records.save_spending(&spent);
        shop.ports.store.change(save).unwrap();
        assert!(shop.refresh_as(&first, HERE, BROWSER).is_err());
        assert_eq!(shop.tokens(), []);
    }

    #[test]
    fn too_many_tokens_end_the_sessions_refreshed_longest_ago() {
        let shop = Shop::new();
        let session = shop.register("ada@example.com");
        let token = shop.tokens().remove(0);
        let nearly = RefreshToken::restore(RefreshTokenRecord {
            number: PAIRS_PER_COUNT - 1,
            issued_at: token.issued_at() + 9,
            ..token.record().clone()
        });
        let other = |number: u64, secret: u64| {
            let secret = RefreshSecret::new(format!("{number}-{secret}"));
            let (issued_at, expires_at) = (token.issued_at() + number, token.expires_at());
            RefreshToken::first(
                &secret,
                other_session(number),
                token.account(),
                issued_at,
                expires_at,
            )
        };
        let spent = Spending {
            at: token.issued_at(),
            client: None,
            salt: None,
            token_id: None,
        };
        let fill = |records: &Records<'_>| -> Result<(), Error> {
            records.end_session(nearly.session())?;
            records.add_refresh_token(&nearly)?;
            for secret in 0..REFRESH_TOKENS_PER_ACCOUNT_MAX - 4 {
                let other = other(2, secret);
                records.add_refresh_token(&other)?;
                records.save_spending(&other.spend(spent.clone()))?;
            }
            // Of these sessions the first was refreshed longest ago.
            for number in 1..=3 {
                records.add_refresh_token(&other(number, u64::MAX))?;
            }
            Ok(())
        };
        shop.ports.store.change(fill).unwrap();
        let sessions = || {
            let list = |records: &Records<'_>| records.sessions(token.account(), 0, 10);
            let list = shop.ports.store.read(list).unwrap();
            list.into_iter()
                .map(|session| session.id)
                .collect::<Vec<_>>()
        };
        assert_eq!(sessions().len(), 4);
        shop.advance_seconds(1);
        let session = shop.refresh(&session).unwrap();
        assert_eq!(
            sessions(),
            [token.session(), other_session(3), other_session(2)]
        );
        assert!(shop.refresh(&session).is_ok());
        assert_eq!(sessions().len(), 3, "it is not counted each time");
    }

    #[test]
    fn a_session_that_has_had_too_many_pairs_ends() {
        let shop = Shop::new();
        let mut session = shop.register("ada@example.com");
        let nearly = RefreshToken::restore(RefreshTokenRecord {
            number: PAIRS_PER_SESSION_MAX - 1,
            ..shop.tokens().remove(0).record().clone()
        });
        let replace = |records: &Records<'_>| {
            records.end_session(nearly.session())?;
            records.add_refresh_token(&nearly)
        };
        shop.ports.store.change(replace).unwrap();
        session = shop.refresh(&session).unwrap();
        let refused = shop.refresh(&session);
        assert_eq!(refused.unwrap_err(), Error::InvalidRefreshToken);
        assert_eq!(shop.tokens(), []);
    }
}
