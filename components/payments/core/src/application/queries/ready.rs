use crate::application::ports::{Ports, Store};
use crate::domain::PaymentError;

/// Opens and migrates the database and reads from it.
///
/// # Errors
/// `Unavailable`, `Internal`.
pub fn ready<P: Ports>(ports: &P) -> Result<(), PaymentError> {
    ports
        .store()
        .read(|records| records.last_relay_run())
        .map(drop)
}
