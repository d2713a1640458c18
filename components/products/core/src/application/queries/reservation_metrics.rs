//! Metrics of reservations.

use crate::application::ports::{Clock as _, Ports, Store as _};
use crate::domain::error::ProductError;

/// What operators watch: a snapshot of the reservations that wait for a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReservationMetrics {
    /// Orders whose stock is held until they are paid.
    pub held: u64,
    /// Age of the oldest of them in milliseconds; 0 without one.
    pub oldest_held_ms: u64,
}

/// The snapshot of now. Costs as much as there are held reservations.
///
/// # Errors
/// [`ProductError::Store`].
pub fn handle(ports: &impl Ports) -> Result<ReservationMetrics, ProductError> {
    let held = ports.store().held_reservations()?;
    let age = |at| ports.clock().now_ms().saturating_sub(at);
    Ok(ReservationMetrics {
        held: held.reservations,
        oldest_held_ms: held.oldest_at.map_or(0, age),
    })
}
