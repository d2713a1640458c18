//! The contexts that this component is composed with, behind the application's ports.

mod inventory;
pub(crate) mod payments;

pub use inventory::ComposedInventory;
pub use payments::ComposedPayments;
