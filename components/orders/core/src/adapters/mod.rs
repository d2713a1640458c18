//! The contexts that this component is composed with, behind the application's ports.

pub(crate) mod checkouts;
mod inventory;
pub(crate) mod payments;

pub use checkouts::ComposedCheckouts;
pub use inventory::ComposedInventory;
pub use payments::ComposedPayments;
