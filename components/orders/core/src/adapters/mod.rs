//! The contexts that this component is composed with, behind the application's ports.

mod inventory;
mod payments;

pub use inventory::ComposedInventory;
pub use payments::ComposedPayments;
