//! What transactions of this database are about: the names of all that they read in order to change something.

pub use mercato_sql::Locks;

use mercato_kernel::{EventId, OrderId, PaymentId};

/// An order's payment with its sessions, refunds and disputes, also before there is one. A payment goes by its order: whoever
/// knows another name of it looks it up.
pub fn order(id: OrderId) -> Locks {
    Locks::id("order", id)
}

/// Several of them.
pub fn orders(ids: impl IntoIterator<Item = OrderId>) -> Locks {
    Locks::ids("order", ids)
}

/// A payment, until its order is known.
pub fn payment(id: PaymentId) -> Locks {
    Locks::id("payment", id)
}

/// A charge, which perhaps no payment has named yet, and what was reported of it.
pub fn charge(reference: &str) -> Locks {
    Locks::name("charge", reference)
}

/// A webhook: it is applied once.
pub fn webhook(event_id: &str) -> Locks {
    Locks::name("webhook", event_id)
}

/// The idempotency key of a refund, also before it is used.
pub fn refund_key(key: &str) -> Locks {
    Locks::name("refund key", key)
}

/// Events that are acknowledged.
pub fn events(ids: impl IntoIterator<Item = EventId>) -> Locks {
    Locks::ids("event", ids)
}

/// How publishing goes: which events are leased, published, parked, and the pause.
pub fn publishing() -> Locks {
    Locks::name("publishing", "")
}

/// When the last relay ran.
pub fn relay() -> Locks {
    Locks::name("relay", "")
}

/// The removal of what is old.
pub fn purge() -> Locks {
    Locks::name("purge", "")
}

/// The secret that is made at first use.
pub fn webhook_secret() -> Locks {
    Locks::name("webhook secret", "")
}
