//! What transactions of this database are about: the names of all that they read in order to change something.

pub use mercato_sql::Locks;

use mercato_kernel::{CheckoutId, Named as _, OrderId};

use crate::domain::{CodeName, CounterKey};
use crate::store::Document;

/// A checkout with everything in it.
pub fn checkout(id: CheckoutId) -> Locks {
    Locks::id("checkout", id)
}

/// Discount codes with their uses.
pub fn codes<'a>(names: impl IntoIterator<Item = &'a CodeName>) -> Locks {
    Locks::names("code", names.into_iter().map(CodeName::as_str))
}

/// What an order holds of codes.
pub fn order(id: OrderId) -> Locks {
    Locks::id("order", id)
}

/// A document of settings.
pub fn settings(document: Document) -> Locks {
    Locks::name("settings", document.name())
}

/// What was counted of a client.
pub fn counter(key: &CounterKey) -> Locks {
    Locks::name("counter", key.as_str())
}

/// The removal of what is not needed any more.
pub fn sweep() -> Locks {
    Locks::name("sweep", "")
}
