use crate::application::ports::Ports;
use crate::application::session::unchanged_account;
use crate::application::turn::in_turn;
use crate::application::verify::Fit;
use crate::application::{Error, Session};
use crate::domain::{Account, Candidate, Client, Fields, Password, Place, SessionCaller};

/// Changes the password of an account.
pub struct Command {
    /// Who changes it.
    pub caller: SessionCaller,
    /// The current password.
    pub current: String,
    /// The new one.
    pub new: String,
    /// The IP address that the attempt comes from, if it is known.
    pub client: Option<String>,
}

/// Changes the password, given the current one, and ends every session of the account: whoever knew the old password,
/// or holds a token that was stolen, is out. The caller goes on with the session that this opens.
///
/// Wrong passwords count as those of logins do: a stolen access token must not let anyone guess without end.
///
/// # Errors
/// [`Error::Invalid`] for the new password, [`Error::InvalidCredentials`] for the current one, [`Error::SessionEnded`],
/// [`Error::TooManyAttempts`], [`Error::Busy`], or a fault of the database.
pub async fn handle(ports: &Ports, command: Command) -> Result<Session, Error> {
    in_turn(|place| attempt(ports, &command, place)).await
}

pub(crate) fn attempt(
    ports: &Ports,
    command: &Command,
    place: Option<Place>,
) -> Result<Session, Error> {
    let caller = &command.caller;
    let new = validate(&command.new)?;
    let account = ports
        .store
        .read(|records| ports.caller_account(records, caller))?;
    let client = command.client.as_deref().and_then(Client::parse);
    // By the id, too: whoever holds a stolen token can change the address.
    let id = Some(account.id());
    let attempt = ports.begin_attempt(account.email(), id, client.as_ref(), place)?;
    ports.in_slot(&attempt.slot, || {
        verify_password(ports, &account, &command.current)?;
        let hash = ports.passwords.hash(&new)?;
        ports.store.write(attempt.locks(), |records| {
            let now = ports.clock.now_ms();
            ports.caller_account(records, caller)?;
            let account = unchanged_account(records, &account)?.with_password(hash.clone(), now);
            records.save_account(&account)?;
            ports.end_sessions_of(records, &account)?;
            attempt.succeeded(records, now)?;
            ports.open_session(records, account)
        })
    })
}

/// Goes on when that is the account's password.
pub(super) fn verify_password(
    ports: &Ports,
    account: &Account,
    password: &str,
) -> Result<(), Error> {
    match ports.fit(Candidate::new(password), account.password_hash(), None)? {
        Fit::Yes | Fit::AsSent => Ok(()),
        Fit::No => Err(Error::InvalidCredentials),
    }
}

fn validate(new: &str) -> Result<Password, Error> {
    let mut fields = Fields::default();
    fields
        .take("newPassword", Password::parse(new.to_owned()))
        .ok_or_else(|| Error::Invalid(fields.into_errors()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::testing::{
        PASSWORD, Shop, caller_of, nobody, refresh_from_anywhere as refresh,
    };
    use crate::domain::{AccountId, Email, PasswordHash, Revoked};

    const NEW_PASSWORD: &str = "An0ther-Password";

    fn change(shop: &Shop, id: AccountId, current: &str, new: &str) -> Result<Session, Error> {
        change_from(shop, None, id, current, new)
    }

    fn change_from(
        shop: &Shop,
        client: Option<&str>,
        id: AccountId,
        current: &str,
        new: &str,
    ) -> Result<Session, Error> {
        let (current, new) = (current.to_owned(), new.to_owned());
        let command = Command {
            caller: caller_of(id),
            current,
            new,
            client: client.map(str::to_owned),
        };
        attempt(&shop.ports, &command, None)
    }

    #[test]
    fn the_new_password_replaces_the_old_one() {
        let shop = Shop::new();
        let id = shop.register("ada@example.com").account.id;
        change(&shop, id, PASSWORD, NEW_PASSWORD).unwrap();
        assert!(shop.login("ada@example.com", NEW_PASSWORD).is_ok());
        assert_eq!(
            shop.login("ada@example.com", PASSWORD).unwrap_err(),
            Error::InvalidCredentials
        );
        assert_eq!(shop.account("ada@example.com").version, 2);
    }

    #[test]
    fn every_session_ends_and_the_caller_has_a_new_one() {
        let shop = Shop::new();
        let first = shop.register("ada@example.com");
        let second = shop.login("ada@example.com", PASSWORD).unwrap();
        let other = shop.register("grace@example.com");
        let new = change(&shop, first.account.id, PASSWORD, NEW_PASSWORD).unwrap();
        assert_eq!(new.account, shop.view("ada@example.com"));
        assert!(refresh(&shop.ports, &new.tokens.refresh_token).is_ok());
        for session in [first, second] {
            let refused = refresh(&shop.ports, &session.tokens.refresh_token);
            assert_eq!(refused.unwrap_err(), Error::InvalidRefreshToken);
        }
        assert!(refresh(&shop.ports, &other.tokens.refresh_token).is_ok());
    }

    #[test]
    fn access_tokens_from_before_end_and_the_new_one_does_not() {
        let shop = Shop::new();
        let session = shop.register("ada@example.com");
        let new = change(&shop, session.account.id, PASSWORD, NEW_PASSWORD).unwrap();
        let [Revoked::Account(account, generation)] = &shop.revoked()[..] else {
            panic!("not one account")
        };
        assert_eq!(*account, session.account.id);
        assert!(shop.caller(&session).generation < *generation);
        assert_eq!(shop.caller(&new).generation, *generation);
    }

    #[test]
    fn a_caller_whose_session_has_ended_changes_nothing() {
        let shop = Shop::new();
        let session = shop.register("ada@example.com");
        let caller = shop.caller(&session);
        shop.log_out(&session.tokens.refresh_token).unwrap();
        let command = Command {
            caller,
            current: PASSWORD.to_owned(),
            new: NEW_PASSWORD.to_owned(),
            client: None,
        };
        let refused = attempt(&shop.ports, &command, None);
        assert_eq!(refused.unwrap_err(), Error::SessionEnded);
    }

    #[test]
    fn without_the_current_password_nothing_changes() {
        let shop = Shop::new();
        let session = shop.register("ada@example.com");
        let id = session.account.id;
        for wrong in ["", "Wrong-Passw0rd", &*"x".repeat(100)] {
            assert_eq!(
                change(&shop, id, wrong, NEW_PASSWORD).unwrap_err(),
                Error::InvalidCredentials
            );
        }
        assert!(shop.login("ada@example.com", PASSWORD).is_ok());
        assert!(refresh(&shop.ports, &session.tokens.refresh_token).is_ok());
    }

    #[test]
    fn the_new_password_follows_the_rules() {
        let shop = Shop::new();
        let id = shop.register("ada@example.com").account.id;
        let Error::Invalid(errors) = change(&shop, id, PASSWORD, "weak").unwrap_err() else {
            panic!("not Invalid")
        };
        assert_eq!(
            (&*errors[0].field, &*errors[0].code),
            ("newPassword", "min")
        );
    }

    #[test]
    fn of_two_changes_at_once_one_is_refused() {
        let shop = Shop::new();
        let id = shop.register("ada@example.com").account.id;
        let theirs = PasswordHash::new("changed by the other".to_owned());
        let expected = theirs.clone();
        shop.while_hashing(move |account| {
            account.with_password(theirs.clone(), account.record().updated_at)
        });
        assert_eq!(
            change(&shop, id, PASSWORD, NEW_PASSWORD).unwrap_err(),
            Error::InvalidCredentials
        );
        assert_eq!(shop.account("ada@example.com").password_hash, expected);
    }

    #[test]
    fn nobody_and_the_disabled_change_nothing() {
        let shop = Shop::new();
        assert_eq!(
            change(&shop, nobody(), PASSWORD, NEW_PASSWORD).unwrap_err(),
            Error::SessionEnded
        );
        let id = shop.register("ada@example.com").account.id;
        shop.disable("ada@example.com");
        assert_eq!(
            change(&shop, id, PASSWORD, NEW_PASSWORD).unwrap_err(),
            Error::SessionEnded
        );
    }

    #[test]
    fn wrong_passwords_count_with_those_of_logins() {
        let shop = Shop::new();
        let id = shop.register("ada@example.com").account.id;
        let wrong = |client: &str| {
            change_from(&shop, Some(client), id, "Wrong-1", NEW_PASSWORD).unwrap_err()
        };
        for _ in 0..4 {
            shop.login_from("192.0.2.1", "ada@example.com", "Wrong-1")
                .unwrap_err();
        }
        for _ in 0..6 {
            assert_eq!(wrong("192.0.2.1"), Error::InvalidCredentials);
        }
        assert_eq!(wrong("192.0.2.1"), Error::TooManyAttempts(60));
        let login = shop.login_from("192.0.2.1", "ada@example.com", PASSWORD);
        assert_eq!(login.unwrap_err(), Error::TooManyAttempts(60));
        let right = change_from(&shop, Some("192.0.2.2"), id, PASSWORD, NEW_PASSWORD);
        assert!(right.is_ok());
    }

    #[test]
    fn another_address_does_not_give_new_attempts() {
        let shop = Shop::new();
        let id = shop.register("ada@example.com").account.id;
        for _ in 0..10 {
            change(&shop, id, "Wrong-1", NEW_PASSWORD).unwrap_err();
        }
        shop.change("ada@example.com", |record| {
            record.email = Email::parse("other@example.com").unwrap();
        });
        let refused = change(&shop, id, "Wrong-1", NEW_PASSWORD);
        assert_eq!(refused.unwrap_err(), Error::TooManyAttempts(60));
    }

    #[test]
    fn a_password_that_breaks_a_rule_is_no_attempt() {
        let shop = Shop::new();
        let id = shop.register("ada@example.com").account.id;
        for _ in 0..20 {
            change(&shop, id, "Wrong-1", "weak").unwrap_err();
        }
        assert!(change(&shop, id, PASSWORD, NEW_PASSWORD).is_ok());
    }
}
