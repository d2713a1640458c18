//! What transactions of this database are about: the names of all that they read in order to change something.

pub use mercato_sql::Locks;

use mercato_kernel::{CheckoutId, OrderId};

use crate::domain::{CustomerId, Holder};

/// An order with its saga, its history, its pending actions and its payment's events, also before there is one.
pub fn order(id: OrderId) -> Locks {
    Locks::id("order", id)
}

/// Several of them.
pub fn orders(ids: impl IntoIterator<Item = OrderId>) -> Locks {
    Locks::ids("order", ids)
}

/// An idempotency key of a customer, also before it is used.
pub fn idempotency_key(customer_id: CustomerId, key: &str) -> Locks {
    Locks::name("idempotency key", &format!("{customer_id} {key}"))
}

/// What a checkout is ordered as.
pub fn checkout(id: CheckoutId) -> Locks {
    Locks::id("checkout", id)
}

/// What a holder has unpaid.
pub fn holder(holder: &Holder) -> Locks {
    Locks::name("holder", holder.as_str())
}

/// When the last sweep ran.
pub fn sweep() -> Locks {
    Locks::name("sweep", "")
}

/// The removal of what is old.
pub fn purge() -> Locks {
    Locks::name("purge", "")
}
