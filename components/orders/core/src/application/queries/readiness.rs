//! Whether orders can answer.

use crate::domain::OrderError;
use crate::ports::{Ports, Store};

/// Opens and migrates the database.
///
/// # Errors
/// When it cannot be used.
pub fn handle(ports: &impl Ports) -> Result<(), OrderError> {
    ports.store().read(|records| records.last_sweep()).map(drop)
}
