use mercato_kernel::{AccountId, NotAnId};

/// Who changed an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// The shop itself.
    System,
    /// An account, customer or admin.
    Account(AccountId),
}

impl Actor {
    const SYSTEM: &str = "system";

    /// The actor's stored name: `system`, or the account's id.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::System => Self::SYSTEM.to_owned(),
            Self::Account(id) => id.to_string(),
        }
    }

    /// The reverse of [`Actor::name`].
    ///
    /// # Errors
    /// When the text is neither `system` nor an account's id.
    pub fn parse(name: &str) -> Result<Self, NotAnId> {
        if name == Self::SYSTEM {
            Ok(Self::System)
        } else {
            AccountId::parse(name).map(Self::Account)
        }
    }
}
