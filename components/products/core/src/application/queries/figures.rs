use crate::domain::error::ProductError;
use crate::ports::{Clock, Store};

/// What operators watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// Orders whose stock is held until they are paid.
    pub held_reservations: u64,
    /// Age of the oldest of them in milliseconds; 0 without one.
    pub oldest_held_ms: u64,
}

/// The figures of now.
///
/// # Errors
/// [`ProductError::Store`].
pub fn figures(store: &impl Store, clock: &impl Clock) -> Result<Figures, ProductError> {
    let held = store.held_reservations()?;
    let age = |at| clock.now_ms().saturating_sub(at);
    Ok(Figures {
        held_reservations: held.reservations,
        oldest_held_ms: held.oldest_at.map_or(0, age),
    })
}
