use crate::application::Error;
use crate::application::session::{account_id, check_version, enabled_account};
use crate::domain::{Account, Email, Fields, Name, ProfileChanges};
use crate::ports::{Ports, Store};

/// Changes name or address of an account; absent fields stay.
pub struct UpdateProfile {
    /// Id of the account.
    pub user_id: String,
    /// New name.
    pub name: Option<String>,
    /// New address.
    pub email: Option<String>,
    /// The version that the caller saw.
    pub expected_version: Option<u64>,
}

/// Changes name or address of an account.
///
/// # Errors
/// [`Error::Invalid`], [`Error::NotFound`], [`Error::VersionMismatch`], [`Error::EmailTaken`],
/// [`Error::InvalidCredentials`] when the account is disabled, or a fault of the database.
pub fn update_profile<S: Store>(
    ports: &Ports<S>,
    command: UpdateProfile,
) -> Result<Account, Error> {
    let id = account_id(&command.user_id)?;
    let expected_version = command.expected_version;
    let changes = validate(&command)?;
    ports.store.write(|records| {
        let account = enabled_account(records, &id)?;
        check_version(&account, expected_version)?;
        let Some(changed) = account.with_profile(changes, ports.clock.now_ms()) else {
            return Ok(account);
        };
        records.save_account(&changed)?;
        Ok(changed)
    })
}

fn validate(command: &UpdateProfile) -> Result<ProfileChanges, Error> {
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
    use crate::application::testing::{PASSWORD, Shop};

    fn command(user_id: &str) -> UpdateProfile {
        UpdateProfile {
            user_id: user_id.to_owned(),
            name: None,
            email: None,
            expected_version: None,
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
            UpdateProfile {
                name,
                ..command(before.id.as_str())
            },
        )
        .unwrap();
        assert_eq!(
            (after.name.as_str(), &after.email),
            ("Ada King", &before.email)
        );
        assert_eq!(
            (after.version, after.updated_at),
            (2, before.updated_at + 5_000)
        );
        assert_eq!(shop.account("ada@example.com"), after);
    }

    #[test]
    fn a_new_address_is_the_one_to_log_in_with() {
        let shop = Shop::new();
        let id = shop.register("ada@example.com").account.id;
        let email = Some("Countess@Example.com".to_owned());
        update_profile(
            &shop.ports,
            UpdateProfile {
                email,
                ..command(id.as_str())
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
            UpdateProfile {
                email,
                ..command(id.as_str())
            },
        );
        assert_eq!(refused.unwrap_err(), Error::EmailTaken);
        let own = Some("ADA@example.com".to_owned());
        assert!(
            update_profile(
                &shop.ports,
                UpdateProfile {
                    email: own,
                    ..command(id.as_str())
                }
            )
            .is_ok()
        );
    }

    #[test]
    fn a_change_of_nothing_leaves_the_version() {
        let shop = Shop::new();
        let before = shop.register("ada@example.com").account;
        let after = update_profile(&shop.ports, command(before.id.as_str())).unwrap();
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
                UpdateProfile {
                    name,
                    expected_version,
                    ..command(id.as_str())
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
            UpdateProfile {
                name,
                email,
                ..command(id.as_str())
            },
        );
        assert!(matches!(invalid, Err(Error::Invalid(errors)) if errors.len() == 2));
        assert_eq!(
            update_profile(&shop.ports, command("nobody")).unwrap_err(),
            Error::NotFound
        );
        shop.disable("ada@example.com");
        assert_eq!(
            update_profile(&shop.ports, command(id.as_str())).unwrap_err(),
            Error::InvalidCredentials
        );
    }
}
