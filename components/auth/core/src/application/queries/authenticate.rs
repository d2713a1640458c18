use crate::application::Error;
use crate::domain::{Account, Bearer};
use crate::ports::{Ports, Store};

/// The account of a bearer, as it is now.
///
/// # Errors
/// [`Error::SessionEnded`], or a fault of the database.
pub fn authenticate<S: Store>(ports: &Ports<S>, bearer: &Bearer) -> Result<Account, Error> {
    ports
        .store
        .read(|records| ports.bearer_account(records, bearer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::commands::logout;
    use crate::application::testing::Shop;

    #[test]
    fn a_bearer_is_known_while_account_and_session_are_good() {
        let shop = Shop::new();
        let session = shop.register("ada@example.com");
        let bearer = shop.bearer(&session);
        assert_eq!(
            authenticate(&shop.ports, &bearer),
            Ok(session.account.clone())
        );
        let older = Bearer {
            session: None,
            ..bearer.clone()
        };
        logout(&shop.ports, &session.tokens.refresh_token).unwrap();
        let refused = Err(Error::SessionEnded);
        assert_eq!(authenticate(&shop.ports, &bearer), refused);
        assert!(authenticate(&shop.ports, &older).is_ok());
        shop.disable("ada@example.com");
        assert_eq!(authenticate(&shop.ports, &older), refused);
    }
}
