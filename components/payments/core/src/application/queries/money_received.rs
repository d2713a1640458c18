use crate::domain::PaymentError;
use crate::ports::{MoneyReceived, Ports, Store};

/// What was really charged and given back, by currency.
///
/// # Errors
/// `Unavailable`, `Internal`.
pub fn money_received<P: Ports>(ports: &P) -> Result<Vec<MoneyReceived>, PaymentError> {
    ports.store().read(|records| records.money_received())
}
