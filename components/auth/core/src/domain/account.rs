//! Accounts and how they change.

use mercato_platform::ids::{self, NotAnId};
use mercato_tokens::Role;

use super::{Email, Name, PasswordHash};

/// Id of an account: a UUID in its canonical form.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId(String);

impl AccountId {
    /// The canonical form of an id.
    ///
    /// # Errors
    /// When the text is no UUID.
    pub fn parse(text: &str) -> Result<Self, NotAnId> {
        ids::parse(text).map(Self)
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Never changes.
    pub id: AccountId,
    /// The owner's name.
    pub name: Name,
    /// Unique among all accounts.
    pub email: Email,
    /// Hash of the current password.
    pub password_hash: PasswordHash,
    /// What the account may do.
    pub role: Role,
    /// A disabled account can open and renew no session.
    pub disabled: bool,
    /// Access tokens of earlier generations are not valid any more.
    pub token_generation: u64,
    /// Milliseconds since the Unix epoch.
    pub created_at: u64,
    /// Milliseconds since the Unix epoch.
    pub updated_at: u64,
    /// From 1; grows by one with every change that its owner or an admin can see.
    pub version: u64,
}

/// What an account's owner changes; absent fields stay.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfileChanges {
    /// New name.
    pub name: Option<Name>,
    /// New address.
    pub email: Option<Email>,
}

/// What an admin changes; absent fields stay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AccountChanges {
    /// New role.
    pub role: Option<Role>,
    /// Whether the account is to be disabled.
    pub disabled: Option<bool>,
}

impl Account {
    /// A new account, at `now` (milliseconds since the Unix epoch).
    #[must_use]
    pub const fn open(
        id: AccountId,
        name: Name,
        email: Email,
        password_hash: PasswordHash,
        role: Role,
        now: u64,
    ) -> Self {
        Self {
            id,
            name,
            email,
            password_hash,
            role,
            disabled: false,
            token_generation: 0,
            created_at: now,
            updated_at: now,
            version: 1,
        }
    }

    /// Whether the account can administer the shop.
    #[must_use]
    pub fn is_active_admin(&self) -> bool {
        self.role == Role::Admin && !self.disabled
    }

    /// The account with the owner's changes, or none when they change nothing.
    #[must_use]
    pub fn with_profile(&self, changes: ProfileChanges, now: u64) -> Option<Self> {
        let mut changed = self.clone();
        changed.name = changes.name.unwrap_or(changed.name);
        changed.email = changes.email.unwrap_or(changed.email);
        self.revised(changed, now)
    }

    /// The account with an admin's changes, or none when they change nothing.
    #[must_use]
    pub fn with_changes(&self, changes: AccountChanges, now: u64) -> Option<Self> {
        let mut changed = self.clone();
        changed.role = changes.role.unwrap_or(changed.role);
        changed.disabled = changes.disabled.unwrap_or(changed.disabled);
        let loses_rights = (changed.disabled && !self.disabled)
            || (self.role == Role::Admin && changed.role != Role::Admin);
        let changed = self.revised(changed, now)?;
        Some(if loses_rights {
            changed.with_tokens_ended()
        } else {
            changed
        })
    }

    /// The account with another password: its access tokens end.
    #[must_use]
    pub fn with_password(&self, hash: PasswordHash, now: u64) -> Self {
        Self {
            password_hash: hash,
            updated_at: now,
            version: self.version + 1,
            ..self.with_tokens_ended()
        }
    }

    /// The account without valid access tokens. Not a change that anyone can see.
    #[must_use]
    pub fn with_tokens_ended(&self) -> Self {
        Self {
            token_generation: self.token_generation.saturating_add(1),
            ..self.clone()
        }
    }

    /// The account with a costlier hash of the same password: nothing that anyone can see.
    #[must_use]
    pub fn with_stronger_hash(&self, hash: PasswordHash) -> Self {
        Self {
            password_hash: hash,
            ..self.clone()
        }
    }

    fn revised(&self, changed: Self, now: u64) -> Option<Self> {
        (changed != *self).then(|| Self {
            updated_at: now,
            version: self.version + 1,
            ..changed
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> Account {
        Account::open(
            AccountId::parse("01890A5D-AC96-774B-BCCE-B302099A8057").unwrap(),
            Name::parse("Ada").unwrap(),
            Email::parse("ada@example.com").unwrap(),
            PasswordHash::new("hash".to_owned()),
            Role::Customer,
            1_000,
        )
    }

    #[test]
    fn a_new_account_is_enabled_and_at_version_1() {
        let account = account();
        assert_eq!(account.id.as_str(), "01890a5d-ac96-774b-bcce-b302099a8057");
        assert_eq!(
            (
                account.version,
                account.created_at,
                account.updated_at,
                account.disabled
            ),
            (1, 1_000, 1_000, false)
        );
        assert!(AccountId::parse("1").is_err());
    }

    #[test]
    fn a_change_raises_the_version_and_no_change_does_not() {
        let name = Some(Name::parse("Grace").unwrap());
        let renamed = account()
            .with_profile(ProfileChanges { name, email: None }, 2_000)
            .unwrap();
        assert_eq!(
            (renamed.name.as_str(), renamed.email.as_str()),
            ("Grace", "ada@example.com")
        );
        assert_eq!(
            (renamed.version, renamed.created_at, renamed.updated_at),
            (2, 1_000, 2_000)
        );
        let same = ProfileChanges {
            name: Some(account().name),
            email: Some(account().email),
        };
        assert_eq!(account().with_profile(same, 2_000), None);
        assert_eq!(
            account().with_profile(ProfileChanges::default(), 2_000),
            None
        );
        assert_eq!(
            account().with_changes(
                AccountChanges {
                    role: None,
                    disabled: Some(false)
                },
                2_000
            ),
            None
        );
    }

    #[test]
    fn only_an_enabled_admin_is_active() {
        let admin = account()
            .with_changes(
                AccountChanges {
                    role: Some(Role::Admin),
                    disabled: None,
                },
                2_000,
            )
            .unwrap();
        assert!(admin.is_active_admin() && !account().is_active_admin());
        let disabled = admin
            .with_changes(
                AccountChanges {
                    role: None,
                    disabled: Some(true),
                },
                3_000,
            )
            .unwrap();
        assert!(!disabled.is_active_admin());
        assert_eq!(disabled.version, 3);
    }

    #[test]
    fn tokens_end_when_rights_are_lost_and_not_when_they_grow() {
        let changed = |account: &Account, role, disabled| {
            account
                .with_changes(AccountChanges { role, disabled }, 2_000)
                .unwrap()
        };
        let admin = changed(&account(), Some(Role::Admin), None);
        assert_eq!(admin.token_generation, 0);
        let demoted = changed(&admin, Some(Role::Customer), None);
        assert_eq!(demoted.token_generation, 1);
        let disabled = changed(&demoted, None, Some(true));
        assert_eq!(disabled.token_generation, 2);
        let enabled = changed(&disabled, None, Some(false));
        assert_eq!(enabled.token_generation, 2);
        let hash = PasswordHash::new("other".to_owned());
        assert_eq!(enabled.with_password(hash, 3_000).token_generation, 3);
    }

    #[test]
    fn a_new_password_is_a_change_and_a_stronger_hash_of_the_old_one_is_not() {
        let hash = PasswordHash::new("other".to_owned());
        let changed = account().with_password(hash.clone(), 2_000);
        assert_eq!((changed.version, changed.updated_at), (2, 2_000));
        let strengthened = account().with_stronger_hash(hash.clone());
        assert_eq!((strengthened.version, strengthened.updated_at), (1, 1_000));
        assert_eq!(
            (&changed.password_hash, &strengthened.password_hash),
            (&hash, &hash)
        );
    }
}
