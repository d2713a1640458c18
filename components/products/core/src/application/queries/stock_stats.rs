//! The stock as a whole.

use crate::application::ports::{Ports, StockStats, Store as _};
use crate::domain::error::ProductError;

/// The state of the stock as a whole.
///
/// # Errors
/// [`ProductError::Store`].
pub fn handle(ports: &impl Ports) -> Result<StockStats, ProductError> {
    Ok(ports.store().stats()?)
}
