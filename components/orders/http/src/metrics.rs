use mercato_edge::{Problem, Reply, endpoint};
use mercato_kernel::Named as _;
use mercato_metrics::{Exposition, Kind};
use orders::application::queries::metrics_snapshot::{self, MetricsSnapshot};

use crate::problems::problem;

/// What operators watch, in Prometheus' text format
#[endpoint(GET "/internal/metrics", access = Public)]
pub async fn metrics() -> Result<Reply, Problem> {
    let orders = orders::instance().await.map_err(problem)?;
    let snapshot = metrics_snapshot::handle(&*orders).map_err(problem)?;
    Ok(Reply::metrics(exposition(&snapshot)))
}

fn exposition(snapshot: &MetricsSnapshot) -> Exposition {
    const ORDERS: &str = "mercato_orders";
    let mut text = Exposition::default();
    text.family(ORDERS, Kind::Gauge, "Orders, by status.");
    for (status, orders) in &snapshot.orders {
        text.sample(ORDERS, &[("status", status.name())], *orders);
    }
    text.single(
        "mercato_orders_overdue",
        Kind::Gauge,
        "Half-made or expired orders that the sweeper should have taken up by now; 1000 may be more.",
        snapshot.overdue,
    );
    text.single(
        "mercato_follow_ups_waiting",
        Kind::Gauge,
        "Stock movements, acknowledgements and refunds that committed changes still owe.",
        snapshot.pending_actions,
    );
    text.single(
        "mercato_sweeps_total",
        Kind::Counter,
        "Runs of the sweeper that found something to do.",
        snapshot.sweeps,
    );
    text.single(
        "mercato_events_applied_total",
        Kind::Counter,
        "Payment events applied to their orders, each once.",
        snapshot.events_applied,
    );
    text.single(
        "mercato_order_retries_total",
        Kind::Counter,
        "How often the sweeper took up an order that it could not finish before.",
        snapshot.order_retries,
    );
    text.single(
        "mercato_follow_up_retries_total",
        Kind::Counter,
        "How often the sweeper took up what a request had left undone.",
        snapshot.action_retries,
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use orders::domain::OrderStatus;

    #[test]
    fn the_metrics_are_in_the_format_and_conventional() {
        let text = exposition(&MetricsSnapshot {
            orders: vec![(OrderStatus::Pending, 0), (OrderStatus::Paid, 3)],
            overdue: 1,
            pending_actions: 2,
            sweeps: 4,
            events_applied: 5,
            order_retries: 6,
            action_retries: 7,
        })
        .into_text();
        let expected = [
            "mercato_orders{status=\"PENDING\"} 0",
            "mercato_orders{status=\"PAID\"} 3",
            "mercato_orders_overdue 1",
            "mercato_follow_ups_waiting 2",
            "mercato_sweeps_total 4",
            "mercato_events_applied_total 5",
            "mercato_order_retries_total 6",
            "mercato_follow_up_retries_total 7",
        ];
        assert_eq!(mercato_metrics::objections(&text, &expected), [""; 0]);
    }
}
