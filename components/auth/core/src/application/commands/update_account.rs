use crate::application::Error;
use crate::application::locks;
use crate::application::ports::Ports;
use crate::application::session::check_version;
use crate::domain::{AccountChanges, AccountId, AccountView};

/// Sets role or disables an account.
pub struct Command {
    /// Which account.
    pub account: AccountId,
    /// What to change.
    pub changes: AccountChanges,
    /// The version that the caller saw.
    pub expected_version: Option<u64>,
}

/// Sets role or disables an account; a disabled account's sessions end. Whoever is an admin no more keeps the sessions, whose
/// next access tokens have the new role; the present ones end. The last active admin stays one.
///
/// # Errors
/// [`Error::NotFound`], [`Error::VersionMismatch`], [`Error::LastAdmin`], or a fault of the database.
pub fn handle(ports: &Ports, command: Command) -> Result<AccountView, Error> {
    let id = command.account;
    let locks = locks::account(id).and(locks::admins());
    ports.store.write(locks, |records| {
        let account = records.account(id)?.ok_or(Error::NotFound)?;
        check_version(&account, command.expected_version)?;
        let Some(changed) = account.with_changes(command.changes, ports.clock.now_ms()) else {
            return Ok(account.into());
        };
        let admin_is_lost = account.is_active_admin() && !changed.is_active_admin();
        if admin_is_lost && records.count_other_active_admins(id)? == 0 {
            return Err(Error::LastAdmin);
        }
        records.save_account(&changed)?;
        if !changed.is_enabled() {
            ports.end_sessions_of(records, &changed)?;
        } else if changed.token_generation() > account.token_generation() {
            ports.revoke_tokens_of(records, &changed)?;
        }
        Ok(changed.into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::testing::{PASSWORD, Shop, nobody, refresh_from_anywhere as refresh};
    use crate::domain::{Revoked, Role};

    const DISABLE: AccountChanges = AccountChanges {
        role: None,
        disabled: Some(true),
    };
    const ENABLE: AccountChanges = AccountChanges {
        role: None,
        disabled: Some(false),
    };
    const DEMOTE: AccountChanges = AccountChanges {
        role: Some(Role::Customer),
        disabled: None,
    };
    const PROMOTE: AccountChanges = AccountChanges {
        role: Some(Role::Admin),
        disabled: None,
    };

    fn update(
        shop: &Shop,
        account: AccountId,
        changes: AccountChanges,
    ) -> Result<AccountView, Error> {
        handle(
            &shop.ports,
            Command {
                account,
                changes,
                expected_version: None,
            },
        )
    }

    fn admin(shop: &Shop, email: &str) -> AccountId {
        let id = shop.register(email).account.id;
        shop.change(email, |record| record.role = Role::Admin);
        id
    }

    #[test]
    fn a_disabled_account_is_out_until_it_is_enabled() {
        let shop = Shop::new();
        let session = shop.register("ada@example.com");
        assert!(update(&shop, session.account.id, DISABLE).unwrap().disabled);
        assert!(shop.tokens().is_empty());
        assert_eq!(
            refresh(&shop.ports, &session.tokens.refresh_token).unwrap_err(),
            Error::InvalidRefreshToken
        );
        assert_eq!(
            shop.login("ada@example.com", PASSWORD).unwrap_err(),
            Error::InvalidCredentials
        );
        assert!(!update(&shop, session.account.id, ENABLE).unwrap().disabled);
        assert!(shop.login("ada@example.com", PASSWORD).is_ok());
    }

    #[test]
    fn tokens_are_revoked_when_rights_are_lost() {
        let shop = Shop::new();
        admin(&shop, "root@example.com");
        let session = shop.register("ada@example.com");
        let id = session.account.id;
        let revoked = |generations: &[u64]| {
            let expected = generations.iter();
            let expected = expected.map(|generation| Revoked::Account(id, *generation));
            assert_eq!(shop.revoked(), expected.collect::<Vec<_>>());
        };
        update(&shop, id, PROMOTE).unwrap();
        revoked(&[]);
        update(&shop, id, DEMOTE).unwrap();
        revoked(&[1]);
        let refreshed = shop.refresh(&session).unwrap();
        assert_eq!(shop.caller(&refreshed).generation, 1, "the session goes on");
        update(&shop, id, DISABLE).unwrap();
        revoked(&[1, 2]);
        update(&shop, id, ENABLE).unwrap();
        revoked(&[1, 2]);
    }

    #[test]
    fn a_promoted_account_is_an_admin_at_its_next_refresh() {
        let shop = Shop::new();
        let session = shop.register("ada@example.com");
        let promoted = update(&shop, session.account.id, PROMOTE).unwrap();
        assert_eq!((promoted.role, promoted.version), (Role::Admin, 2));
        let refreshed = refresh(&shop.ports, &session.tokens.refresh_token).unwrap();
        assert_eq!(
            shop.claims(&refreshed.tokens.access_token).role,
            Role::Admin
        );
    }

    #[test]
    fn the_last_active_admin_can_be_neither_demoted_nor_disabled() {
        let shop = Shop::new();
        let id = admin(&shop, "ada@example.com");
        let before = shop.account("ada@example.com");
        assert_eq!(update(&shop, id, DEMOTE).unwrap_err(), Error::LastAdmin);
        assert_eq!(update(&shop, id, DISABLE).unwrap_err(), Error::LastAdmin);
        assert_eq!(shop.account("ada@example.com"), before);
        assert_eq!(shop.tokens().len(), 1, "its session goes on");
    }

    #[test]
    fn a_disabled_admin_does_not_count_as_another_one() {
        let shop = Shop::new();
        let (first, second) = (
            admin(&shop, "ada@example.com"),
            admin(&shop, "grace@example.com"),
        );
        update(&shop, second, DISABLE).unwrap();
        assert_eq!(update(&shop, first, DEMOTE).unwrap_err(), Error::LastAdmin);
        update(&shop, second, DEMOTE).unwrap();
        update(&shop, second, PROMOTE).unwrap();
        assert_eq!(update(&shop, first, DEMOTE).unwrap_err(), Error::LastAdmin);
        update(&shop, second, ENABLE).unwrap();
        assert_eq!(update(&shop, first, DEMOTE).unwrap().role, Role::Customer);
    }

    #[test]
    fn nothing_to_change_changes_nothing() {
        let shop = Shop::new();
        let id = admin(&shop, "ada@example.com");
        let before = shop.view("ada@example.com");
        assert_eq!(
            update(&shop, id, AccountChanges::default()).unwrap(),
            before
        );
        assert_eq!(update(&shop, id, PROMOTE).unwrap(), before);
    }

    #[test]
    fn nobody_and_another_version_are_refused() {
        let shop = Shop::new();
        assert_eq!(
            update(&shop, nobody(), DISABLE).unwrap_err(),
            Error::NotFound
        );
        let command = Command {
            account: shop.register("ada@example.com").account.id,
            changes: DISABLE,
            expected_version: Some(7),
        };
        assert_eq!(
            handle(&shop.ports, command).unwrap_err(),
            Error::VersionMismatch
        );
    }
}
