use crate::AccountId;

/// Who calls a use case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// A customer.
    Customer(AccountId),
    /// An admin.
    Admin(AccountId),
    /// Another part of the shop.
    System,
}

impl Caller {
    /// The account that calls, unless it is the shop itself.
    #[must_use]
    pub const fn account(&self) -> Option<AccountId> {
        match self {
            Self::Customer(id) | Self::Admin(id) => Some(*id),
            Self::System => None,
        }
    }

    /// Whether the caller may see what that account owns: customers see their own, all others everything.
    #[must_use]
    pub fn may_see(&self, owner: AccountId) -> bool {
        match self {
            Self::Customer(id) => *id == owner,
            Self::Admin(_) | Self::System => true,
        }
    }

    /// Whether an admin calls.
    #[must_use]
    pub const fn is_admin(&self) -> bool {
        matches!(self, Self::Admin(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customer_sees_their_own_and_nothing_else() {
        let own = AccountId::parse("01890a5d-ac96-774b-bcce-b302099a8057").unwrap();
        let other = AccountId::parse("01890a5d-ac96-774b-bcce-b302099a8058").unwrap();
        assert!(Caller::Customer(own).may_see(own));
        assert!(!Caller::Customer(own).may_see(other));
        assert!(Caller::Admin(own).may_see(other) && Caller::System.may_see(other));
        assert_eq!(
            [Caller::Customer(own), Caller::Admin(own), Caller::System].map(|it| it.account()),
            [Some(own), Some(own), None]
        );
        assert!(Caller::Admin(own).is_admin() && !Caller::System.is_admin());
    }
}
