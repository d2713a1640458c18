use crate::application::session::{account_id, enabled_account};
use crate::application::{Error, Renewal};
use crate::ports::{Ports, Store};

/// A new access token for an account whose current one has been verified. Opens no session.
///
/// # Errors
/// [`Error::NotFound`], [`Error::InvalidCredentials`] when the account is disabled, or a fault of the database.
pub fn renew<S: Store>(ports: &Ports<S>, user_id: &str) -> Result<Renewal, Error> {
    let id = account_id(user_id)?;
    let account = ports.store.read(|records| enabled_account(records, &id))?;
    let access_token = ports.access_token(&account)?;
    Ok(Renewal {
        account,
        access_token,
        expires_in: ports.lifetimes.access_seconds,
    })
}

#[cfg(test)]
mod tests {
    use mercato_tokens::Role;

    use super::*;
    use crate::application::testing::Shop;

    #[test]
    fn a_renewal_is_a_new_access_token_and_no_new_session() {
        let shop = Shop::new();
        let session = shop.register("ada@example.com");
        let before = shop.claims(&session.tokens.access_token);
        shop.change("ada@example.com", |account| account.role = Role::Admin);
        shop.advance_seconds(10);
        let renewal = renew(&shop.ports, session.account.id.as_str()).unwrap();
        let after = shop.claims(&renewal.access_token);
        assert_eq!((after.sub, after.role), (before.sub, Role::Admin));
        assert_eq!(after.exp, before.exp + 10);
        assert_ne!(after.jti, before.jti);
        assert_eq!(shop.tokens().len(), 1);
    }

    #[test]
    fn there_is_none_for_nobody_and_for_the_disabled() {
        let shop = Shop::new();
        for id in ["", "1", "01890a5d-ac96-774b-bcce-b302099a8057"] {
            assert_eq!(renew(&shop.ports, id).unwrap_err(), Error::NotFound);
        }
        let id = shop.register("ada@example.com").account.id;
        shop.disable("ada@example.com");
        assert_eq!(
            renew(&shop.ports, id.as_str()).unwrap_err(),
            Error::InvalidCredentials
        );
    }
}
