use mercato_money::Currency;

use crate::application::ports::{Ports, Store};
use crate::domain::{MinorUnits, PaymentError};

/// What was really charged, given back and taken away in one currency, duplicate charges too, in whole minor units; the largest number there is for more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MoneyReceived {
    /// The currency.
    pub currency: Currency,
    /// What customers have paid, refunded since or not.
    pub gross: MinorUnits,
    /// What has been given back of that, in part or whole.
    pub refunded: MinorUnits,
    /// What customers' banks have taken back of that, in disputes that were lost.
    pub lost_to_disputes: MinorUnits,
}

/// What was really charged and given back, by currency.
///
/// # Errors
/// `Unavailable`, `Internal`.
pub fn money_received<P: Ports>(ports: &P) -> Result<Vec<MoneyReceived>, PaymentError> {
    ports.store().read(|records| records.money_received())
}
