use mercato_edge::{Context, Problem, Reply};
use mercato_money::Money;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::bindings::mercato::orders::queries::{self, OrderStats};
use crate::problems::problem;
use crate::status::order_status_name;

/// `GET /orders/stats`: orders by status, and what they brought in.
pub async fn stats(context: Context) -> Result<Reply, Problem> {
    context.query().finish()?;
    Reply::json(&StatsResource::from(
        queries::stats().await.map_err(problem)?,
    ))
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct StatsResource {
    total: u64,
    by_status: Map<String, Value>,
    revenue: Money,
    currency: String,
}

impl From<OrderStats> for StatsResource {
    fn from(stats: OrderStats) -> Self {
        let named = stats.by_status.iter().map(|count| {
            (
                order_status_name(count.status).to_owned(),
                count.orders.into(),
            )
        });
        Self {
            total: stats.by_status.iter().map(|count| count.orders).sum(),
            by_status: named.collect(),
            revenue: Money::from_units(stats.revenue),
            currency: stats.currency,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::mercato::orders::queries::StatusCount;
    use crate::bindings::mercato::orders::types::OrderStatus;
    use serde_json::json;

    #[test]
    fn the_members_are_those_of_the_api() {
        let stats = OrderStats {
            by_status: vec![
                StatusCount {
                    status: OrderStatus::Pending,
                    orders: 2,
                },
                StatusCount {
                    status: OrderStatus::Paid,
                    orders: 1,
                },
            ],
            revenue: 99_900,
            currency: "EUR".to_owned(),
        };
        let text = serde_json::to_string(&StatsResource::from(stats)).unwrap();
        let expected = json!({"total": 3, "byStatus": {"PENDING": 2, "PAID": 1}, "revenue": 9.99, "currency": "EUR"});
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);
    }
}
