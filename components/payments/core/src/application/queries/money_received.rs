use crate::application::ports::{MoneyReceived, Ports, Store};
use crate::domain::PaymentError;

/// What was really charged and given back, by currency.
///
/// # Errors
/// `Unavailable`, `Internal`.
pub fn money_received<P: Ports>(ports: &P) -> Result<Vec<MoneyReceived>, PaymentError> {
    ports.store().read(|records| records.money_received())
}
