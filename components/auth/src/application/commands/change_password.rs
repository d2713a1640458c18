use crate::application::Error;
use crate::application::session::{account_id, enabled_account, unchanged_account};
use crate::domain::{Fields, Password};
use crate::ports::{Ports, Store};

/// Changes the password of an account.
pub struct ChangePassword {
    /// Id of the account.
    pub user_id: String,
    /// The current password.
    pub current: String,
    /// The new one.
    pub new: String,
}

/// Changes the password, given the current one, and ends every session of the account: whoever knew the old password
/// is out.
///
/// # Errors
/// [`Error::Invalid`] for the new password, [`Error::InvalidCredentials`] for the current one or a disabled account,
/// [`Error::NotFound`], or a fault of the database.
pub fn change_password<S: Store>(ports: &Ports<S>, command: ChangePassword) -> Result<(), Error> {
    let id = account_id(&command.user_id)?;
    let new = validate(command.new)?;
    let account = ports.store.read(|records| enabled_account(records, &id))?;
    if !ports
        .passwords
        .verify(&command.current, &account.password_hash)?
    {
        return Err(Error::InvalidCredentials);
    }
    let hash = ports.passwords.hash(&new)?;
    ports.store.write(|records| {
        let account = unchanged_account(records, &account)?;
        records.save_account(&account.with_password(hash, ports.clock.now_ms()))?;
        records.end_sessions(&id)
    })
}

fn validate(new: String) -> Result<Password, Error> {
    let mut fields = Fields::default();
    fields
        .take("newPassword", Password::parse(new))
        .ok_or_else(|| Error::Invalid(fields.into_errors()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::commands::refresh;
    use crate::application::testing::{PASSWORD, Shop};
    use crate::domain::PasswordHash;

    const NEW_PASSWORD: &str = "An0ther-Password";

    fn change(shop: &Shop, user_id: &str, current: &str, new: &str) -> Result<(), Error> {
        let (user_id, current, new) = (user_id.to_owned(), current.to_owned(), new.to_owned());
        change_password(
            &shop.ports,
            ChangePassword {
                user_id,
                current,
                new,
            },
        )
    }

    #[test]
    fn the_new_password_replaces_the_old_one() {
        let shop = Shop::new();
        let id = shop.register("ada@example.com").account.id;
        change(&shop, id.as_str(), PASSWORD, NEW_PASSWORD).unwrap();
        assert!(shop.login("ada@example.com", NEW_PASSWORD).is_ok());
        assert_eq!(
            shop.login("ada@example.com", PASSWORD).unwrap_err(),
            Error::InvalidCredentials
        );
        assert_eq!(shop.account("ada@example.com").version, 2);
    }

    #[test]
    fn every_session_of_the_account_ends_and_no_other() {
        let shop = Shop::new();
        let first = shop.register("ada@example.com");
        let second = shop.login("ada@example.com", PASSWORD).unwrap();
        let other = shop.register("grace@example.com");
        change(&shop, first.account.id.as_str(), PASSWORD, NEW_PASSWORD).unwrap();
        for session in [first, second] {
            let refused = refresh(&shop.ports, &session.tokens.refresh_token);
            assert_eq!(refused.unwrap_err(), Error::InvalidRefreshToken);
        }
        assert!(refresh(&shop.ports, &other.tokens.refresh_token).is_ok());
    }

    #[test]
    fn without_the_current_password_nothing_changes() {
        let shop = Shop::new();
        let session = shop.register("ada@example.com");
        let id = session.account.id.as_str();
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
        let Error::Invalid(errors) = change(&shop, id.as_str(), PASSWORD, "weak").unwrap_err()
        else {
            panic!("not Invalid")
        };
        assert_eq!((errors[0].field, errors[0].code), ("newPassword", "min"));
    }

    #[test]
    fn of_two_changes_at_once_one_is_refused() {
        let shop = Shop::new();
        let id = shop.register("ada@example.com").account.id;
        let theirs = PasswordHash::new("changed by the other".to_owned());
        let expected = theirs.clone();
        shop.while_hashing(move |account| {
            account.with_password(theirs.clone(), account.updated_at)
        });
        assert_eq!(
            change(&shop, id.as_str(), PASSWORD, NEW_PASSWORD).unwrap_err(),
            Error::InvalidCredentials
        );
        assert_eq!(shop.account("ada@example.com").password_hash, expected);
    }

    #[test]
    fn nobody_and_the_disabled_change_nothing() {
        let shop = Shop::new();
        assert_eq!(
            change(&shop, "nobody", PASSWORD, NEW_PASSWORD).unwrap_err(),
            Error::NotFound
        );
        let id = shop.register("ada@example.com").account.id;
        shop.disable("ada@example.com");
        assert_eq!(
            change(&shop, id.as_str(), PASSWORD, NEW_PASSWORD).unwrap_err(),
            Error::InvalidCredentials
        );
    }
}
