use crate::application::Error;
use crate::application::locks;
use crate::application::ports::Ports;
use crate::domain::RefreshSecret;

/// Ends the session that a refresh token belongs to.
pub struct Command {
    /// The token as it was presented, spent or not.
    pub presented: RefreshSecret,
}

/// Ends the session that a refresh token belongs to. An unknown one is not an error.
///
/// # Errors
/// Only a fault of the database.
pub fn handle(ports: &Ports, command: Command) -> Result<(), Error> {
    let hash = command.presented.hash();
    ports.store.write(locks::refresh_token(&hash), |records| {
        match records.refresh_token_alone(&hash)? {
            Some(token) => ports.end_session(records, token.session()),
            None => Ok(()),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::testing::{PASSWORD, Shop, refresh_from_anywhere as refresh};

    #[test]
    fn a_logout_ends_that_session_only() {
        let shop = Shop::new();
        let here = shop.register("ada@example.com").tokens.refresh_token;
        let elsewhere = shop
            .login("ada@example.com", PASSWORD)
            .unwrap()
            .tokens
            .refresh_token;
        shop.log_out(&here).unwrap();
        assert_eq!(
            refresh(&shop.ports, &here).unwrap_err(),
            Error::InvalidRefreshToken
        );
        assert!(refresh(&shop.ports, &elsewhere).is_ok());
    }

    #[test]
    fn an_older_token_of_the_session_ends_it_too() {
        let shop = Shop::new();
        let older = shop.register("ada@example.com").tokens.refresh_token;
        let newer = refresh(&shop.ports, &older).unwrap().tokens.refresh_token;
        shop.log_out(&older).unwrap();
        assert_eq!(
            refresh(&shop.ports, &newer).unwrap_err(),
            Error::InvalidRefreshToken
        );
    }

    #[test]
    fn an_unknown_token_is_no_error() {
        let shop = Shop::new();
        shop.register("ada@example.com");
        shop.log_out(&RefreshSecret::new("unknown".to_owned()))
            .unwrap();
        assert_eq!(shop.tokens().len(), 1);
    }
}
