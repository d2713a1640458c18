use mercato_edge::{Amount, Context, Problem, Reply};
use mercato_money::Money;
use serde::Serialize;
use utoipa::ToSchema;

use crate::bindings::mercato::orders::queries::{self, OrderStats};
use crate::bindings::mercato::orders::types::OrderStatus;
use crate::problems::problem;

/// `GET /orders/stats`: orders by status, and what they brought in.
#[utoipa::path(
    get,
    path = "/api/v1/orders/stats",
    tag = "Orders",
    operation_id = "orderStats",
    summary = "Count orders and revenue",
    description = "How many orders there are of each status, and what the paid and delivered ones brought in.",
    responses((status = 200, description = "The numbers of now", body = StatsResource))
)]
pub async fn stats(context: Context) -> Result<Reply, Problem> {
    context.query().finish()?;
    Reply::json(&StatsResource::from(
        queries::stats().await.map_err(problem)?,
    ))
}

/// Orders by status, and what they brought in.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrderStats)]
pub struct StatsResource {
    /// All orders.
    #[schema(minimum = 0, example = 42)]
    total: u64,
    by_status: CountsResource,
    /// Total of all paid and delivered orders.
    #[schema(value_type = Amount)]
    revenue: Money,
    /// ISO 4217 code.
    #[schema(
        min_length = 3,
        max_length = 3,
        pattern = "^[A-Z]{3}$",
        example = "EUR"
    )]
    currency: String,
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

impl From<OrderStats> for StatsResource {
    fn from(stats: OrderStats) -> Self {
        let mut counts = CountsResource::default();
        for count in &stats.by_status {
            let place = match count.status {
                OrderStatus::Pending => &mut counts.pending,
                OrderStatus::Paid => &mut counts.paid,
                OrderStatus::Delivered => &mut counts.delivered,
                OrderStatus::Cancelled => &mut counts.cancelled,
                OrderStatus::Refunded => &mut counts.refunded,
            };
            *place = count.orders;
        }
        Self {
            total: stats.by_status.iter().map(|count| count.orders).sum(),
            by_status: counts,
            revenue: Money::from_units(stats.revenue),
            currency: stats.currency,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::mercato::orders::queries::StatusCount;
    use serde_json::{Value, json};

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
        let expected = json!({
            "total": 3, "revenue": 9.99, "currency": "EUR",
            "byStatus": {"PENDING": 2, "PAID": 1, "DELIVERED": 0, "CANCELLED": 0, "REFUNDED": 0},
        });
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);
    }
}
