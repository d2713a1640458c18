use crate::domain::PaymentError;
use crate::ports::{Figures, Ports, Store};

/// What operators watch.
///
/// # Errors
/// `Unavailable`, `Internal`.
pub fn figures<P: Ports>(ports: &P) -> Result<Figures, PaymentError> {
    ports.store().read(|records| records.figures())
}
