//! Orders by status, and the money that customers have paid and got back.
//!
//! Money is what the payments say was charged: an order's total may have fractions of a cent that nobody pays, and what is
//! given back in part leaves no trace in an order.

use mercato_money::Currency;

use crate::domain::{OrderError, OrderStatus};
use crate::ports::{Payments, Ports, Store};

pub use mercato_contracts::payments::service::MoneyReceived;

/// The state of the shop's orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderStats {
    /// Number of orders of every status, none left out.
    pub by_status: Vec<(OrderStatus, u64)>,
    /// Money of every currency that there was a payment in, by their codes; the shop's own is always there.
    pub by_currency: Vec<MoneyReceived>,
    /// The shop's currency.
    pub currency: Currency,
}

/// Counts and sums over all orders.
///
/// # Errors
/// When the orders database or payments cannot be used.
pub async fn handle(ports: &impl Ports) -> Result<OrderStats, OrderError> {
    let currency = ports.settings().currency;
    let by_status = ports.store().read(|records| records.counts())?;
    let mut by_currency = ports.payments().money_received().await?;
    if !by_currency.iter().any(|of| of.currency == currency.code()) {
        by_currency.push(MoneyReceived {
            currency: currency.code().to_owned(),
            gross: 0,
            refunded: 0,
            lost_to_disputes: 0,
        });
    }
    by_currency.sort_by(|one, other| one.currency.cmp(&other.currency));
    Ok(OrderStats {
        by_status,
        by_currency,
        currency,
    })
}
