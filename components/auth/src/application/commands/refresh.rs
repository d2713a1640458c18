use mercato_platform::log;

use crate::application::{Error, Session};
use crate::domain::{RefreshSecret, RefreshToken, Standing};
use crate::ports::{Ports, Records, Store};

/// Trades a refresh token for a new pair; the old one is spent. A token that was spent before ends its family: either
/// its bearer or a thief has the newer one, and nobody can tell which.
///
/// # Errors
/// [`Error::InvalidRefreshToken`], or a fault of the database.
pub fn refresh<S: Store>(ports: &Ports<S>, presented: &RefreshSecret) -> Result<Session, Error> {
    let now = ports.clock.now_ms();
    // The end of a family must be kept, so it is an outcome of the unit of work and not an error.
    let session = ports.store.write(|records| {
        let Some(token) = records.refresh_token(&presented.hash())? else {
            return Ok(None);
        };
        match token.standing(now) {
            Standing::Usable => rotate(ports, records, token, now),
            Standing::Expired => Ok(None),
            Standing::Spent => {
                records.end_family(&token.family)?;
                let fields = [
                    ("user_id", token.account.as_str()),
                    ("family", &token.family),
                ];
                log::warn(
                    "a spent refresh token was used again: its session has ended",
                    &fields,
                );
                Ok(None)
            }
        }
    })?;
    session.ok_or(Error::InvalidRefreshToken)
}

fn rotate<S: Store>(
    ports: &Ports<S>,
    records: &dyn Records,
    token: RefreshToken,
    now: u64,
) -> Result<Option<Session>, Error> {
    let Some(account) = records
        .account(&token.account)?
        .filter(|account| !account.disabled)
    else {
        return Ok(None);
    };
    records.spend_refresh_token(&token.hash, now)?;
    ports
        .grant_tokens(records, account, Some(token.family))
        .map(Some)
}

#[cfg(test)]
mod tests {
    use mercato_tokens::Role;

    use super::*;
    use crate::application::testing::{PASSWORD, Shop};

    #[test]
    fn a_refresh_gives_a_new_pair_of_the_same_family() {
        let shop = Shop::new();
        let first = shop.register("ada@example.com").tokens.refresh_token;
        let session = refresh(&shop.ports, &first).unwrap();
        assert_ne!(session.tokens.refresh_token, first);
        assert_eq!(
            shop.claims(&session.tokens.access_token).sub,
            session.account.id.as_str()
        );
        let tokens = shop.tokens();
        assert_eq!(tokens.len(), 2);
        assert_eq!(tokens[0].family, tokens[1].family);
        assert_eq!(
            tokens
                .iter()
                .filter(|token| token.spent_at.is_some())
                .count(),
            1
        );
        assert!(refresh(&shop.ports, &session.tokens.refresh_token).is_ok());
    }

    #[test]
    fn using_a_spent_token_ends_its_family_and_no_other() {
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
            "the family has ended"
        );
        assert!(refresh(&shop.ports, &other_session).is_ok());
    }

    #[test]
    fn a_token_is_good_until_it_expires_and_each_new_one_has_its_own_time() {
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
    fn what_is_no_token_of_ours_is_refused() {
        let shop = Shop::new();
        shop.register("ada@example.com");
        let hash_itself = shop.tokens()[0].hash.as_str().to_owned();
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
        shop.change("ada@example.com", |account| account.role = Role::Admin);
        let session = refresh(&shop.ports, &token).unwrap();
        assert_eq!(shop.claims(&session.tokens.access_token).role, Role::Admin);
    }

    #[test]
    fn a_disabled_account_gets_nothing() {
        let shop = Shop::new();
        let token = shop.register("ada@example.com").tokens.refresh_token;
        shop.change("ada@example.com", |account| account.disabled = true);
        assert_eq!(
            refresh(&shop.ports, &token).unwrap_err(),
            Error::InvalidRefreshToken
        );
        assert_eq!(shop.tokens()[0].spent_at, None);
    }
}
