use crate::application::session::AccessToken;
use crate::application::{Error, Renewal};
use crate::domain::Bearer;
use crate::ports::{Ports, Store};

/// A new access token for the bearer of a valid one, while its session lives. It ends with the session at the latest; that of a
/// bearer without a session ends when the presented one does. Opens no session and keeps none alive.
///
/// # Errors
/// [`Error::SessionEnded`], or a fault of the database.
pub fn renew<S: Store>(ports: &Ports<S>, bearer: &Bearer) -> Result<Renewal, Error> {
    let (account, latest) = ports
        .store
        .read(|records| ports.bearer_session(records, bearer))?;
    let wanted = AccessToken {
        session: bearer.session.as_deref(),
        id: ports.ids.new_id(),
        issued_at: ports.clock.now_seconds(),
        latest,
    };
    let (access_token, expires_in) = ports.access_token(&account, wanted)?;
    Ok(Renewal {
        account,
        access_token,
        expires_in,
    })
}

#[cfg(test)]
mod tests {
    use mercato_tokens::Role;

    use super::*;
    use crate::application::commands::logout;
    use crate::application::testing::{PASSWORD, Shop};
    use crate::domain::AccountId;

    fn refused(shop: &Shop, bearer: &Bearer) -> Error {
        renew(&shop.ports, bearer).unwrap_err()
    }

    #[test]
    fn a_renewal_is_a_new_access_token_and_no_new_session() {
        let shop = Shop::new();
        let session = shop.register("ada@example.com");
        let before = shop.claims(&session.tokens.access_token);
        shop.change("ada@example.com", |account| account.role = Role::Admin);
        shop.advance_seconds(10);
        let renewal = renew(&shop.ports, &shop.bearer(&session)).unwrap();
        let after = shop.claims(&renewal.access_token);
        assert_eq!((after.sub, after.role), (before.sub, Role::Admin));
        assert_eq!(after.exp, before.exp + 10);
        assert_eq!((after.sid, renewal.expires_in), (before.sid, 900));
        assert_ne!(after.jti, before.jti);
        assert_eq!(shop.tokens().len(), 1);
    }

    #[test]
    fn renewals_end_with_the_refresh_token() {
        let shop = Shop::new();
        let session = shop.register("ada@example.com");
        let bearer = shop.bearer(&session);
        let lifetime = shop.ports.lifetimes.refresh_seconds;
        shop.advance_seconds(lifetime - 100);
        let renewal = renew(&shop.ports, &bearer).unwrap();
        assert_eq!(renewal.expires_in, 100);
        shop.advance_seconds(100);
        assert!(shop.has_expired(&renewal.access_token));
        assert_eq!(refused(&shop, &bearer), Error::SessionEnded);
    }

    #[test]
    fn a_session_that_has_ended_renews_nothing() {
        let shop = Shop::new();
        let session = shop.register("ada@example.com");
        let other = shop.login("ada@example.com", PASSWORD).unwrap();
        logout(&shop.ports, &session.tokens.refresh_token).unwrap();
        assert_eq!(refused(&shop, &shop.bearer(&session)), Error::SessionEnded);
        assert!(renew(&shop.ports, &shop.bearer(&other)).is_ok());
    }

    #[test]
    fn a_session_goes_on_when_its_refresh_token_is_traded() {
        let shop = Shop::new();
        let session = shop.register("ada@example.com");
        shop.refresh(&session).unwrap();
        assert!(renew(&shop.ports, &shop.bearer(&session)).is_ok());
    }

    #[test]
    fn the_session_of_another_account_is_none() {
        let shop = Shop::new();
        let ada = shop.bearer(&shop.register("ada@example.com"));
        let grace = shop.bearer(&shop.register("grace@example.com"));
        let mixed = Bearer {
            session: grace.session,
            ..ada
        };
        assert_eq!(refused(&shop, &mixed), Error::SessionEnded);
    }

    #[test]
    fn a_token_without_a_session_is_renewed_until_its_own_end() {
        let shop = Shop::new();
        let session = shop.register("ada@example.com");
        let older = Bearer {
            session: None,
            ..shop.bearer(&session)
        };
        shop.advance_seconds(300);
        let renewal = renew(&shop.ports, &older).unwrap();
        let claims = shop.claims(&renewal.access_token);
        assert_eq!((claims.exp, claims.sid), (older.expires_at, None));
        shop.change("ada@example.com", |account| account.token_generation += 1);
        assert_eq!(refused(&shop, &older), Error::SessionEnded);
    }

    #[test]
    fn there_is_none_for_nobody_and_for_the_disabled() {
        let shop = Shop::new();
        let session = shop.register("ada@example.com");
        let bearer = shop.bearer(&session);
        let nobody = Bearer {
            account: AccountId::parse("01890a5d-ac96-774b-bcce-b302099a8057").unwrap(),
            ..bearer.clone()
        };
        assert_eq!(refused(&shop, &nobody), Error::SessionEnded);
        shop.disable("ada@example.com");
        assert_eq!(refused(&shop, &bearer), Error::SessionEnded);
    }
}
