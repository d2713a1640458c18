//! Accounts and how they change.

use mercato_kernel::AccountId;

use super::{Email, Name, PasswordHash, Role};

/// An account. Only its methods change it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account(AccountRecord);

/// What is stored of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRecord {
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

/// An account as its owner and admins may see it: never with a password hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountView {
    /// Never changes.
    pub id: AccountId,
    /// The owner's name.
    pub name: String,
    /// In lower case.
    pub email: String,
    /// What the account may do.
    pub role: Role,
    /// A disabled account can open and renew no session.
    pub disabled: bool,
    /// Milliseconds since the Unix epoch.
    pub created_at: u64,
    /// Milliseconds since the Unix epoch.
    pub updated_at: u64,
    /// Grows by one with every change; the entity tag.
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
        Self(AccountRecord {
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
        })
    }

    /// The account as it was stored; for the store alone.
    #[must_use]
    pub const fn restore(record: AccountRecord) -> Self {
        Self(record)
    }

    /// What is to be stored.
    #[must_use]
    pub const fn record(&self) -> &AccountRecord {
        &self.0
    }

    /// Its id, which never changes.
    #[must_use]
    pub const fn id(&self) -> AccountId {
        self.0.id
    }

    /// Its address.
    #[must_use]
    pub const fn email(&self) -> &Email {
        &self.0.email
    }

    /// Hash of its password.
    #[must_use]
    pub const fn password_hash(&self) -> &PasswordHash {
        &self.0.password_hash
    }

    /// What it may do.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.0.role
    }

    /// Whether it can open and renew sessions.
    #[must_use]
    pub const fn is_enabled(&self) -> bool {
        !self.0.disabled
    }

    /// Access tokens of earlier generations are not valid any more.
    #[must_use]
    pub const fn token_generation(&self) -> u64 {
        self.0.token_generation
    }

    /// From 1; grows by one with every change that its owner or an admin can see.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.0.version
    }

    /// Whether the account can administer the shop.
    #[must_use]
    pub fn is_active_admin(&self) -> bool {
        self.role() == Role::Admin && self.is_enabled()
    }

    /// The account with the owner's changes, or none when they change nothing.
    #[must_use]
    pub fn with_profile(&self, changes: ProfileChanges, now: u64) -> Option<Self> {
        let mut changed = self.0.clone();
        changed.name = changes.name.unwrap_or(changed.name);
        changed.email = changes.email.unwrap_or(changed.email);
        self.revised(changed, now)
    }

    /// The account with an admin's changes, or none when they change nothing.
    #[must_use]
    pub fn with_changes(&self, changes: AccountChanges, now: u64) -> Option<Self> {
        let mut changed = self.0.clone();
        changed.role = changes.role.unwrap_or(changed.role);
        changed.disabled = changes.disabled.unwrap_or(changed.disabled);
        let loses_rights = (changed.disabled && self.is_enabled())
            || (self.role() == Role::Admin && changed.role != Role::Admin);
        if loses_rights {
            changed.token_generation = changed.token_generation.saturating_add(1);
        }
        self.revised(changed, now)
    }

    /// The account with another password: its access tokens end.
    #[must_use]
    pub fn with_password(&self, hash: PasswordHash, now: u64) -> Self {
        Self(AccountRecord {
            password_hash: hash,
            token_generation: self.token_generation().saturating_add(1),
            updated_at: now,
            version: self.version() + 1,
            ..self.0.clone()
        })
    }

    /// The account with a costlier hash of the same password: nothing that anyone can see.
    #[must_use]
    pub fn with_stronger_hash(&self, hash: PasswordHash) -> Self {
        Self(AccountRecord {
            password_hash: hash,
            ..self.0.clone()
        })
    }

    fn revised(&self, changed: AccountRecord, now: u64) -> Option<Self> {
        (changed != self.0).then(|| {
            Self(AccountRecord {
                updated_at: now,
                version: self.version() + 1,
                ..changed
            })
        })
    }
}

impl From<Account> for AccountView {
    fn from(Account(record): Account) -> Self {
        Self {
            id: record.id,
            name: record.name.into(),
            email: record.email.into(),
            role: record.role,
            disabled: record.disabled,
            created_at: record.created_at,
            updated_at: record.updated_at,
            version: record.version,
        }
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
        assert!(account.is_enabled());
        assert_eq!(
            (
                account.version(),
                account.0.created_at,
                account.0.updated_at
            ),
            (1, 1_000, 1_000)
        );
    }

    #[test]
    fn a_change_raises_the_version_and_no_change_does_not() {
        let name = Some(Name::parse("Grace").unwrap());
        let renamed = account()
            .with_profile(ProfileChanges { name, email: None }, 2_000)
            .unwrap();
        assert_eq!(
            (renamed.0.name.as_str(), renamed.email().as_str()),
            ("Grace", "ada@example.com")
        );
        assert_eq!(
            (
                renamed.version(),
                renamed.0.created_at,
                renamed.0.updated_at
            ),
            (2, 1_000, 2_000)
        );
        let same = ProfileChanges {
            name: Some(account().0.name),
            email: Some(account().0.email),
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
        assert_eq!(disabled.version(), 3);
    }

    #[test]
    fn tokens_end_when_rights_are_lost_and_not_when_they_grow() {
        let changed = |account: &Account, role, disabled| {
            account
                .with_changes(AccountChanges { role, disabled }, 2_000)
                .unwrap()
        };
        let admin = changed(&account(), Some(Role::Admin), None);
        assert_eq!(admin.token_generation(), 0);
        let demoted = changed(&admin, Some(Role::Customer), None);
        assert_eq!(demoted.token_generation(), 1);
        let disabled = changed(&demoted, None, Some(true));
        assert_eq!(disabled.token_generation(), 2);
        let enabled = changed(&disabled, None, Some(false));
        assert_eq!(enabled.token_generation(), 2);
        let hash = PasswordHash::new("other".to_owned());
        assert_eq!(enabled.with_password(hash, 3_000).token_generation(), 3);
    }

    #[test]
    fn a_new_password_is_a_change_and_a_stronger_hash_is_not() {
        let hash = PasswordHash::new("other".to_owned());
        let changed = account().with_password(hash.clone(), 2_000);
        assert_eq!((changed.version(), changed.0.updated_at), (2, 2_000));
        let strengthened = account().with_stronger_hash(hash.clone());
        assert_eq!(
            (strengthened.version(), strengthened.0.updated_at),
            (1, 1_000)
        );
        assert_eq!(
            (changed.password_hash(), strengthened.password_hash()),
            (&hash, &hash)
        );
    }

    #[test]
    fn a_view_shows_everything_but_the_password() {
        let view = AccountView::from(account());
        assert_eq!(view.id.to_string(), "01890a5d-ac96-774b-bcce-b302099a8057");
        assert_eq!((&*view.name, &*view.email), ("Ada", "ada@example.com"));
        assert_eq!((view.role, view.disabled), (Role::Customer, false));
        assert_eq!(
            (view.created_at, view.updated_at, view.version),
            (1_000, 1_000, 1)
        );
        assert!(!format!("{view:?}").contains("hash"));
    }
}
