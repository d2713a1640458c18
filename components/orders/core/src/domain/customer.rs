use mercato_kernel::{AccountId, CheckoutId, Uuid, id_types};

id_types! {
    /// Who ordered: an account, or for a guest the checkout that the order was. No two things have the same id.
    CustomerId;
}

impl From<AccountId> for CustomerId {
    fn from(account: AccountId) -> Self {
        Uuid::from(account).into()
    }
}

impl From<CheckoutId> for CustomerId {
    fn from(checkout: CheckoutId) -> Self {
        Uuid::from(checkout).into()
    }
}

impl PartialEq<AccountId> for CustomerId {
    fn eq(&self, account: &AccountId) -> bool {
        *self == Self::from(*account)
    }
}
