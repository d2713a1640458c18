use mercato_edge::{Amount, Balance, CurrencyCode, Json, Problem, endpoint};
use mercato_money::{Currency, Money};
use orders::application::queries::order_stats::{self, MoneyReceived, OrderStats};
use orders::domain::OrderStatus;
use serde::Serialize;
use utoipa::ToSchema;

use crate::payment::not_shown;
use crate::problems::problem;

/// Count orders and revenue
///
/// How many orders there are of each status, and what was charged and given back, to the minor unit of each
/// currency. Money comes from the payments: a refund counts once it is made, in part or whole, and so do a payment that
/// came too late and a second charge, which went back, and disputes that were lost.
#[endpoint(
    GET "/api/v1/orders/stats", access = Admin, tag = "Orders", id = "orderStats",
    returns = "The numbers of now",
)]
pub async fn stats() -> Result<Json<StatsResource>, Problem> {
    let orders = orders::instance().await.map_err(problem)?;
    let stats = order_stats::handle(&*orders).await.map_err(problem)?;
    stats.try_into().map(Json)
}

/// Orders by status, and the money that was received for them.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrderStats)]
pub struct StatsResource {
    /// All orders.
    #[schema(minimum = 0, example = 42)]
    total: u64,
    by_status: CountsResource,
    /// Of every currency that there was a payment in, by code; the shop's own is always there.
    #[schema(min_items = 1)]
    by_currency: Vec<MoneyResource>,
    /// `net` of the shop's currency.
    revenue: Balance,
    /// The shop's currency, an ISO 4217 code.
    currency: CurrencyCode,
}

/// What was charged and given back in one currency.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MoneyReceived)]
pub struct MoneyResource {
    currency: CurrencyCode,
    /// What customers have paid, refunded since or not.
    gross: Amount,
    /// What has been given back of that, in part or whole.
    refunded: Amount,
    /// What customers' banks have taken back of that, in disputes that were lost.
    lost_to_disputes: Amount,
    /// `gross` less `refunded` and `lostToDisputes`; less than 0 when more was taken back than paid.
    net: Balance,
}

/// Number of orders of every status.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schema(
    as = OrderCounts,
    example = json!({"PENDING": 2, "PAID": 30, "DELIVERED": 5, "CANCELLED": 4, "REFUNDED": 1})
)]
pub struct CountsResource {
    #[schema(minimum = 0)]
    pending: u64,
    #[schema(minimum = 0)]
    paid: u64,
    #[schema(minimum = 0)]
    delivered: u64,
    #[schema(minimum = 0)]
    cancelled: u64,
    #[schema(minimum = 0)]
    refunded: u64,
}

impl TryFrom<OrderStats> for StatsResource {
    type Error = Problem;

    fn try_from(stats: OrderStats) -> Result<Self, Problem> {
        let mut counts = CountsResource::default();
        for (status, orders) in &stats.by_status {
            let place = match status {
                OrderStatus::Pending => &mut counts.pending,
                OrderStatus::Paid => &mut counts.paid,
                OrderStatus::Delivered => &mut counts.delivered,
                OrderStatus::Cancelled => &mut counts.cancelled,
                OrderStatus::Refunded => &mut counts.refunded,
            };
            *place = *orders;
        }
        let by_currency = stats.by_currency.into_iter().map(TryInto::try_into);
        let by_currency: Vec<MoneyResource> = by_currency.collect::<Result<_, _>>()?;
        let currency = CurrencyCode(stats.currency);
        let own = by_currency.iter().find(|of| of.currency == currency);
        Ok(Self {
            total: stats.by_status.iter().map(|(_, orders)| orders).sum(),
            by_status: counts,
            revenue: own.map_or(Balance(Money::ZERO), |of| of.net),
            by_currency,
            currency,
        })
    }
}

impl TryFrom<MoneyReceived> for MoneyResource {
    type Error = Problem;

    fn try_from(money: MoneyReceived) -> Result<Self, Problem> {
        let currency: Currency = money.currency.parse().map_err(not_shown)?;
        let decimal = |minor| decimal(minor, currency);
        let net = money
            .gross
            .saturating_sub(money.refunded)
            .saturating_sub(money.lost_to_disputes);
        Ok(Self {
            currency: CurrencyCode(currency),
            gross: decimal(money.gross).into(),
            refunded: decimal(money.refunded).into(),
            lost_to_disputes: decimal(money.lost_to_disputes).into(),
            net: decimal(net).into(),
        })
    }
}

/// Whole minor units as a decimal number of the currency; the largest amount there is, when it is more than that.
fn decimal(minor: i64, currency: Currency) -> Money {
    Money::from_minor(minor, currency).unwrap_or(Money::from_units(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn money(currency: &str, gross: i64, refunded: i64, lost: i64) -> MoneyReceived {
        MoneyReceived {
            currency: currency.to_owned(),
            gross,
            refunded,
            lost_to_disputes: lost,
        }
    }

    #[test]
    fn sums_beyond_an_amount_are_the_largest_amount() {
        assert_eq!(decimal(i64::MAX, "EUR".parse().unwrap()).units(), i64::MAX);
    }

    #[test]
    fn the_members_are_those_of_the_api() {
        let stats = OrderStats {
            by_status: vec![(OrderStatus::Pending, 2), (OrderStatus::Paid, 1)],
            by_currency: vec![money("EUR", 1_250, 251, 0), money("JPY", 1_234, 34, 1_500)],
            currency: "EUR".parse().unwrap(),
        };
        let text = serde_json::to_string(&StatsResource::try_from(stats).unwrap()).unwrap();
        let expected = json!({
            "total": 3, "revenue": 9.99, "currency": "EUR",
            "byCurrency": [
                {"currency": "EUR", "gross": 12.5, "refunded": 2.51, "lostToDisputes": 0, "net": 9.99},
                {"currency": "JPY", "gross": 1_234, "refunded": 34, "lostToDisputes": 1_500, "net": -300},
            ],
            "byStatus": {"PENDING": 2, "PAID": 1, "DELIVERED": 0, "CANCELLED": 0, "REFUNDED": 0},
        });
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);
    }
}
