//! Orders by status, and what they brought in.

use mercato_money::{Currency, Money};

use crate::domain::{OrderError, OrderStatus};
use crate::ports::{OrderRepository, Ports};

/// The state of the shop's orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderStats {
    /// Number of orders of every status, none left out.
    pub by_status: Vec<(OrderStatus, u64)>,
    /// Total of all paid and delivered orders; the largest amount there is, when it is more than that.
    pub revenue: Money,
    /// The shop's currency.
    pub currency: Currency,
}

/// Counts and sums over all orders.
///
/// # Errors
/// When the orders database cannot be used.
pub fn handle(ports: &impl Ports) -> Result<OrderStats, OrderError> {
    let totals = ports.orders().read(|records| records.totals())?;
    let orders_of = |status| {
        totals
            .iter()
            .filter(|total| total.status == status)
            .map(|total| total.orders)
            .sum()
    };
    let earned = |status| matches!(status, OrderStatus::Paid | OrderStatus::Delivered);
    let units: i128 = totals
        .iter()
        .filter(|total| earned(total.status))
        .map(|total| total.amount)
        .sum();
    Ok(OrderStats {
        by_status: OrderStatus::ALL
            .into_iter()
            .map(|status| (status, orders_of(status)))
            .collect(),
        revenue: Money::from_units(i64::try_from(units).unwrap_or(i64::MAX)),
        currency: ports.settings().currency,
    })
}
