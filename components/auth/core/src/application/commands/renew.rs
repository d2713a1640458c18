use crate::application::ports::Ports;
use crate::application::session::AccessToken;
use crate::application::{Error, Renewal};
use crate::domain::SessionCaller;

/// Makes a new access token.
pub struct Command {
    /// Who wants it.
    pub caller: SessionCaller,
}

/// A new access token for the caller, while the caller's session lives. It ends with the session at the latest; that of a
/// caller without a session ends when the presented one does. Opens no session and keeps none alive.
///
/// # Errors
/// [`Error::SessionEnded`], or a fault of the database.
pub fn handle(ports: &Ports, command: Command) -> Result<Renewal, Error> {
    let Command { caller } = command;
    let (account, latest) = ports
        .store
        .read(|records| ports.caller_session(records, &caller))?;
    let wanted = AccessToken {
        session: caller.session,
        id: ports.ids.new_id(),
        issued_at: ports.clock.now_seconds(),
        latest,
    };
    let (access_token, expires_in) = ports.access_token(&account, wanted)?;
    Ok(Renewal {
        account: account.into(),
        access_token,
        expires_in,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::testing::{PASSWORD, Shop, nobody};
    use crate::domain::Role;

    fn refused(shop: &Shop, caller: &SessionCaller) -> Error {
        shop.renew(caller).unwrap_err()
    }

    #[test]
    fn a_renewal_is_a_new_access_token_and_no_new_session() {
        let shop = Shop::new();
        let session = shop.register("ada@example.com");
        let before = shop.claims(&session.tokens.access_token);
        shop.change("ada@example.com", |record| record.role = Role::Admin);
        shop.advance_seconds(10);
        let renewal = shop.renew(&shop.caller(&session)).unwrap();
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
        let caller = shop.caller(&session);
        let lifetime = shop.ports.lifetimes.refresh_seconds;
        shop.advance_seconds(lifetime - 100);
        let renewal = shop.renew(&caller).unwrap();
        assert_eq!(renewal.expires_in, 100);
        shop.advance_seconds(100);
        assert!(shop.has_expired(&renewal.access_token));
        assert_eq!(refused(&shop, &caller), Error::SessionEnded);
    }

    #[test]
    fn a_session_that_has_ended_renews_nothing() {
        let shop = Shop::new();
        let session = shop.register("ada@example.com");
        let other = shop.login("ada@example.com", PASSWORD).unwrap();
        shop.log_out(&session.tokens.refresh_token).unwrap();
        assert_eq!(refused(&shop, &shop.caller(&session)), Error::SessionEnded);
        assert!(shop.renew(&shop.caller(&other)).is_ok());
    }

    #[test]
    fn a_session_goes_on_when_its_refresh_token_is_traded() {
        let shop = Shop::new();
        let session = shop.register("ada@example.com");
        shop.refresh(&session).unwrap();
        assert!(shop.renew(&shop.caller(&session)).is_ok());
    }

    #[test]
    fn the_session_of_another_account_is_none() {
        let shop = Shop::new();
        let ada = shop.caller(&shop.register("ada@example.com"));
        let grace = shop.caller(&shop.register("grace@example.com"));
        let mixed = SessionCaller {
            session: grace.session,
            ..ada
        };
        assert_eq!(refused(&shop, &mixed), Error::SessionEnded);
    }

    #[test]
    fn a_token_without_a_session_is_renewed_until_its_own_end() {
        let shop = Shop::new();
        let session = shop.register("ada@example.com");
        let older = SessionCaller {
            session: None,
            ..shop.caller(&session)
        };
        shop.advance_seconds(300);
        let renewal = shop.renew(&older).unwrap();
        let claims = shop.claims(&renewal.access_token);
        assert_eq!((claims.exp, claims.sid), (older.expires_at, None));
        shop.change("ada@example.com", |record| record.token_generation += 1);
        assert_eq!(refused(&shop, &older), Error::SessionEnded);
    }

    #[test]
    fn there_is_none_for_nobody_and_for_the_disabled() {
        let shop = Shop::new();
        let session = shop.register("ada@example.com");
        let caller = shop.caller(&session);
        let nobody = SessionCaller {
            account: nobody(),
            ..caller
        };
        assert_eq!(refused(&shop, &nobody), Error::SessionEnded);
        shop.disable("ada@example.com");
        assert_eq!(refused(&shop, &caller), Error::SessionEnded);
    }
}
