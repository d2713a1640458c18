use super::change_password::verify_password;
use crate::application::Error;
use crate::application::locks;
use crate::application::ports::Ports;
use crate::application::session::{check_version, unchanged_account};
use crate::application::throttle::make_familiar;
use crate::application::turn::in_turn;
use crate::domain::{
    Account, AccountView, Client, Email, Fields, Name, Place, ProfileChanges, SessionCaller,
};

/// Changes name or address of an account; absent fields stay.
pub struct Command {
    /// Who changes it.
    pub caller: SessionCaller,
    /// New name.
    pub name: Option<String>,
    /// New address.
    pub email: Option<String>,
    /// The current password: another address needs it.
    pub current_password: Option<String>,
    /// The version that the caller saw.
    pub expected_version: Option<u64>,
    /// The IP address that the attempt comes from, if it is known.
    pub client: Option<String>,
}

/// Changes name or address of an account. Whoever has the address can have the password changed, and whoever holds a stolen
/// access token must not have it: another address needs the current password, which is counted as that of a login is. So is an
/// address that another account has: the answer shows who has one.
///
/// # Errors
/// [`Error::Invalid`], [`Error::SessionEnded`], [`Error::VersionMismatch`], [`Error::EmailTaken`], for another address also
/// [`Error::PasswordRequired`], [`Error::InvalidCredentials`], [`Error::TooManyAttempts`] and [`Error::Busy`], or a fault of the
/// database.
pub async fn handle(ports: &Ports, command: Command) -> Result<AccountView, Error> {
    let account = in_turn(|place| attempt(ports, &command, place)).await?;
    Ok(account.into())
}

pub(crate) fn attempt(
    ports: &Ports,
    command: &Command,
    place: Option<Place>,
) -> Result<Account, Error> {
    let (caller, expected_version) = (&command.caller, command.expected_version);
    let changes = validate(command)?;
    let account = ports
        .store
        .read(|records| ports.caller_account(records, caller))?;
    check_version(&account, expected_version)?;
    match &changes.email {
        Some(email) if email != account.email() => {
            move_address(ports, command, &changes, &account, place)
        }
        _ => ports.store.write(locks::account(account.id()), |records| {
            let account = ports.caller_account(records, caller)?;
            check_version(&account, expected_version)?;
            // The address may have changed meanwhile: it stays as it is now.
            let name = changes.name.clone();
            let changes = ProfileChanges { name, email: None };
            let Some(changed) = account.with_profile(changes, ports.clock.now_ms()) else {
                return Ok(account);
            };
            records.save_account(&changed)?;
            Ok(changed)
        }),
    }
}

fn move_address(
    ports: &Ports,
    command: &Command,
    changes: &ProfileChanges,
    account: &Account,
    place: Option<Place>,
) -> Result<Account, Error> {
    let password = command.current_password.as_deref();
    let password = password.ok_or(Error::PasswordRequired)?;
    let client = command.client.as_deref().and_then(Client::parse);
    let id = Some(account.id());
    let attempt = ports.begin_attempt(account.email(), id, client.as_ref(), place)?;
    ports.in_slot(&attempt.slot, || {
        verify_password(ports, account, password)?;
        let mut locks = attempt.locks().and(locks::account(account.id()));
        if let Some(email) = &changes.email {
            locks = locks.and(locks::email(email));
        }
        ports.store.write(locks, |records| {
            let now = ports.clock.now_ms();
            ports.caller_account(records, &command.caller)?;
            let account = unchanged_account(records, account)?;
            check_version(&account, command.expected_version)?;
            let Some(changed) = account.with_profile(changes.clone(), now) else {
                attempt.succeeded(records, now)?;
                return Ok(account);
            };
            records.save_account(&changed)?;
            attempt.succeeded(records, now)?;
            if let Some(client) = &client {
                make_familiar(records, &[changed.email().as_str()], client, now)?;
            }
            Ok(changed)
        })
    })
}

fn validate(command: &Command) -> Result<ProfileChanges, Error> {
    let mut fields = Fields::default();
    let name = fields.take_optional("name", command.name.as_deref().map(Name::parse));
    let email = fields.take_optional("email", command.email.as_deref().map(Email::parse));
    if fields.is_valid() {
        Ok(ProfileChanges { name, email })
    } else {
        Err(Error::Invalid(fields.into_errors()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::testing::{COST_UNITS, PASSWORD, Shop, caller_of, nobody};
    use crate::domain::AccountId;

    fn update_profile(ports: &Ports, command: Command) -> Result<AccountView, Error> {
        attempt(ports, &command, None).map(AccountView::from)
    }

    fn command(id: AccountId) -> Command {
        Command {
            caller: caller_of(id),
            name: None,
            email: None,
            current_password: Some(PASSWORD.to_owned()),
            expected_version: None,
            client: Some("192.0.2.1".to_owned()),
        }
    }

    #[test]
    fn given_fields_change_and_absent_ones_stay() {
        let shop = Shop::new();
        let before = shop.register("ada@example.com").account;
        shop.advance_seconds(5);
        let name = Some(" Ada King ".to_owned());
        let after = update_profile(
            &shop.ports,
            Command {
                name,
                ..command(before.id)
            },
        )
        .unwrap();
        assert_eq!((&*after.name, &after.email), ("Ada King", &before.email));
        assert_eq!(
            (after.version, after.updated_at),
            (2, before.updated_at + 5_000)
        );
        assert_eq!(shop.view("ada@example.com"), after);
    }

    #[test]
    fn a_new_address_is_the_one_to_log_in_with() {
        let shop = Shop::new();
        let id = shop.register("ada@example.com").account.id;
        let email = Some("Countess@Example.com".to_owned());
        update_profile(
            &shop.ports,
            Command {
                email,
                ..command(id)
            },
        )
        .unwrap();
        assert!(shop.login("countess@example.com", PASSWORD).is_ok());
        assert_eq!(
            shop.login("ada@example.com", PASSWORD).unwrap_err(),
            Error::InvalidCredentials
        );
    }

    #[test]
    fn the_address_of_another_account_is_taken() {
        let shop = Shop::new();
        let id = shop.register("ada@example.com").account.id;
        shop.register("grace@example.com");
        let email = Some("Grace@example.com".to_owned());
        let refused = update_profile(
            &shop.ports,
            Command {
                email,
                ..command(id)
            },
        );
        assert_eq!(refused.unwrap_err(), Error::EmailTaken);
        let own = Some("ADA@example.com".to_owned());
        assert!(
            update_profile(
                &shop.ports,
                Command {
                    email: own,
                    ..command(id)
                }
            )
            .is_ok()
        );
    }

    #[test]
    fn a_change_of_nothing_leaves_the_version() {
        let shop = Shop::new();
        let before = shop.register("ada@example.com").account;
        let after = update_profile(&shop.ports, command(before.id)).unwrap();
        assert_eq!(after, before);
    }

    #[test]
    fn another_version_than_expected_is_refused() {
        let shop = Shop::new();
        let id = shop.register("ada@example.com").account.id;
        let attempt = |name: &str, expected_version| {
            let name = Some(name.to_owned());
            update_profile(
                &shop.ports,
                Command {
                    name,
                    expected_version,
                    ..command(id)
                },
            )
        };
        assert_eq!(attempt("One", Some(1)).unwrap().version, 2);
        assert_eq!(attempt("Two", Some(1)).unwrap_err(), Error::VersionMismatch);
        assert_eq!(shop.account("ada@example.com").name.as_str(), "One");
    }

    #[test]
    fn invalid_fields_nobody_and_the_disabled_are_refused() {
        let shop = Shop::new();
        let id = shop.register("ada@example.com").account.id;
        let (name, email) = (Some("\0".to_owned()), Some("ada".to_owned()));
        let invalid = update_profile(
            &shop.ports,
            Command {
                name,
                email,
                ..command(id)
            },
        );
        assert!(matches!(invalid, Err(Error::Invalid(errors)) if errors.len() == 2));
        assert_eq!(
            update_profile(&shop.ports, command(nobody())).unwrap_err(),
            Error::SessionEnded
        );
        shop.disable("ada@example.com");
        assert_eq!(
            update_profile(&shop.ports, command(id)).unwrap_err(),
            Error::SessionEnded
        );
    }

    fn move_to(
        shop: &Shop,
        id: AccountId,
        email: &str,
        password: Option<&str>,
    ) -> Result<AccountView, Error> {
        let changes = Command {
            email: Some(email.to_owned()),
            current_password: password.map(str::to_owned),
            ..command(id)
        };
        update_profile(&shop.ports, changes)
    }

    #[test]
    fn only_another_address_needs_the_password() {
        let shop = Shop::new();
        let id = shop.register("ada@example.com").account.id;
        let move_to = |email, password| move_to(&shop, id, email, password);
        let without = move_to("other@example.com", None);
        assert_eq!(without.unwrap_err(), Error::PasswordRequired);
        assert_eq!(shop.work(), COST_UNITS, "nothing was hashed");
        let wrong = move_to("other@example.com", Some("Wrong-1"));
        assert_eq!(wrong.unwrap_err(), Error::InvalidCredentials);
        assert!(move_to(" ADA@example.com", None).is_ok(), "it stays");
        assert_eq!(shop.account("ada@example.com").version, 1);
        let moved = move_to("other@example.com", Some(PASSWORD)).unwrap();
        assert_eq!(moved.email, "other@example.com");
    }

    #[test]
    fn wrong_passwords_count_with_those_of_logins() {
        let shop = Shop::new();
        let id = shop.register("ada@example.com").account.id;
        for _ in 0..5 {
            shop.login_from("192.0.2.1", "ada@example.com", "Wrong-1")
                .unwrap_err();
            let wrong = move_to(&shop, id, "other@example.com", Some("Wrong-1"));
            assert_eq!(wrong.unwrap_err(), Error::InvalidCredentials);
        }
        let refused = move_to(&shop, id, "other@example.com", Some(PASSWORD));
        assert_eq!(refused.unwrap_err(), Error::TooManyAttempts(60));
        let login = shop.login_from("192.0.2.1", "ada@example.com", PASSWORD);
        assert_eq!(login.unwrap_err(), Error::TooManyAttempts(60));
    }

    #[test]
    fn taken_addresses_count_like_wrong_passwords() {
        let shop = Shop::new();
        let id = shop.register("ada@example.com").account.id;
        shop.register("grace@example.com");
        let attempt = |email| move_to(&shop, id, email, Some(PASSWORD));
        for _ in 0..10 {
            let taken = attempt("grace@example.com");
            assert_eq!(taken.unwrap_err(), Error::EmailTaken);
        }
        let refused = attempt("free@example.com");
        assert_eq!(refused.unwrap_err(), Error::TooManyAttempts(60));
        shop.advance_seconds(60);
        assert!(attempt("free@example.com").is_ok());
        assert!(
            attempt("other@example.com").is_ok(),
            "a success clears them"
        );
    }
}
