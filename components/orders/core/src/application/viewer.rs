use crate::domain::{CustomerId, Order};

/// Who asks. Another customer's order does not exist for a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Viewer {
    /// A customer.
    Customer(CustomerId),
    /// An admin.
    Admin(CustomerId),
}

impl Viewer {
    /// The account that asks.
    #[must_use]
    pub const fn account(&self) -> &CustomerId {
        match self {
            Self::Customer(id) | Self::Admin(id) => id,
        }
    }

    /// Whether what this customer owns may be seen.
    #[must_use]
    pub fn may_see(&self, owner: &CustomerId) -> bool {
        match self {
            Self::Customer(id) => id == owner,
            Self::Admin(_) => true,
        }
    }

    /// The order, if it may be seen.
    #[must_use]
    pub fn only_visible(&self, order: Option<Order>) -> Option<Order> {
        order.filter(|order| self.may_see(&order.customer_id))
    }
}
