use mercato_kernel::{AccountId, NotAnId};

/// Who changed an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// The shop itself.
    System,
    /// A customer without an account.
    Guest,
    /// An account, customer or admin.
    Account(AccountId),
}

impl Actor {
    const SYSTEM: &str = "system";
    const GUEST: &str = "guest";

    /// The actor's stored name: `system`, `guest`, or the account's id.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::System => Self::SYSTEM.to_owned(),
            Self::Guest => Self::GUEST.to_owned(),
            Self::Account(id) => id.to_string(),
        }
    }

    /// The reverse of [`Actor::name`].
    ///
    /// # Errors
    /// When the text is none of these.
    pub fn parse(name: &str) -> Result<Self, NotAnId> {
        match name {
            Self::SYSTEM => Ok(Self::System),
            Self::GUEST => Ok(Self::Guest),
            account => AccountId::parse(account).map(Self::Account),
        }
    }
}
