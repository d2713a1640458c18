use std::time::Duration;

use mercato_edge::{Problem, Reply, endpoint};
use mercato_kernel::Named as _;
use mercato_metrics::{Exposition, Kind};
use payments::application::queries::{self, Lag, MetricsSnapshot};
use payments::instance;

use crate::problems::problem;

/// What operators watch, in Prometheus' text format
#[endpoint(GET "/internal/metrics", access = Public)]
pub async fn metrics() -> Result<Reply, Problem> {
    let instance = instance();
    let snapshot = queries::metrics_snapshot(&*instance).map_err(problem)?;
    let lag = queries::lag(&*instance).map_err(problem)?;
    Ok(Reply::metrics(exposition(&snapshot, &lag)))
}

fn exposition(snapshot: &MetricsSnapshot, lag: &Lag) -> Exposition {
    let mut text = Exposition::default();
    payments(&mut text, snapshot);
    outbox_of(&mut text, snapshot, lag);
    text
}

fn payments(text: &mut Exposition, snapshot: &MetricsSnapshot) {
    const PAYMENTS: &str = "mercato_payments";
    text.family(PAYMENTS, Kind::Gauge, "Payments, by status.");
    for (status, payments) in &snapshot.payments {
        text.sample(PAYMENTS, &[("status", status.name())], *payments);
    }
    text.single(
        "mercato_refunds_waiting",
        Kind::Gauge,
        "Refunds that are written down and that the provider has not made yet.",
        snapshot.refunds_waiting,
    );
    text.single(
        "mercato_refund_retries_total",
        Kind::Counter,
        "How often the provider did not answer a refund, which is then asked for again.",
        snapshot.refund_retries,
    );
    text.single(
        "mercato_refunds_failed_total",
        Kind::Counter,
        "Refunds that failed after the provider had taken them, and of second charges that it refused: the customers do not have that money.",
        snapshot.refunds_failed,
    );
    text.single(
        "mercato_duplicate_charges_total",
        Kind::Counter,
        "Charges beside a payment's own: the customers have paid twice, and get the second one back.",
        snapshot.duplicate_charges,
    );
    text.single(
        "mercato_disputes_total",
        Kind::Counter,
        "Disputes about charges that the provider has told of.",
        snapshot.disputes,
    );
    text.single(
        "mercato_disputes_open",
        Kind::Gauge,
        "Disputes that are not decided yet: their orders are not delivered.",
        snapshot.disputes_open,
    );
}

fn outbox_of(text: &mut Exposition, snapshot: &MetricsSnapshot, lag: &Lag) {
    text.single(
        "mercato_outbox_pending",
        Kind::Gauge,
        "Payment events that are not acknowledged, parked ones left out.",
        lag.pending,
    );
    text.single(
        "mercato_outbox_parked",
        Kind::Gauge,
        "Payment events given up until an admin retries them.",
        lag.parked,
    );
    text.single(
        "mercato_outbox_oldest_age_seconds",
        Kind::Gauge,
        "Age of the oldest pending event; 0 without one.",
        Duration::from_millis(lag.oldest_ms).as_secs_f64(),
    );
    text.single(
        "mercato_outbox_relay_runs_total",
        Kind::Counter,
        "Runs of the relay that found something to do.",
        snapshot.relay_runs,
    );
    text.single(
        "mercato_outbox_published_total",
        Kind::Counter,
        "Events published, each as often as it was.",
        snapshot.published,
    );
    text.single(
        "mercato_outbox_published_again_total",
        Kind::Counter,
        "Events published although they had been before: they were not acknowledged in time.",
        snapshot.published_again,
    );
    text.single(
        "mercato_outbox_handling_failures_total",
        Kind::Counter,
        "How often applying an event failed; it is applied again later.",
        snapshot.handling_failures,
    );
    text.single(
        "mercato_outbox_parkings_total",
        Kind::Counter,
        "How often an event was parked because applying it failed too often.",
        snapshot.parked,
    );
}

#[cfg(test)]
mod tests {
    use payments::domain::PaymentStatus;

    use super::*;

    #[test]
    fn the_metrics_are_in_the_format_and_conventional() {
        let text = exposition(
            &MetricsSnapshot {
                payments: vec![(PaymentStatus::Succeeded, 3)],
                refunds_waiting: 1,
                relay_runs: 2,
                published: 4,
                published_again: 5,
                handling_failures: 6,
                parked: 7,
                refund_retries: 8,
                refunds_failed: 11,
                duplicate_charges: 12,
                disputes: 13,
                disputes_open: 14,
            },
            &Lag {
                pending: 9,
                parked: 10,
                oldest_ms: 1_500,
            },
        )
        .into_text();
        let families = mercato_metrics::parse(&text).unwrap();
        assert_eq!(
            mercato_metrics::unconventional(&families),
            Vec::<String>::new()
        );
        for line in [
            "mercato_payments{status=\"SUCCEEDED\"} 3",
            "mercato_refunds_waiting 1",
            "mercato_outbox_relay_runs_total 2",
            "mercato_outbox_published_total 4",
            "mercato_outbox_published_again_total 5",
            "mercato_outbox_handling_failures_total 6",
            "mercato_outbox_parkings_total 7",
            "mercato_refund_retries_total 8",
            "mercato_refunds_failed_total 11",
            "mercato_duplicate_charges_total 12",
            "mercato_disputes_total 13",
            "mercato_disputes_open 14",
            "mercato_outbox_pending 9",
            "mercato_outbox_parked 10",
            "mercato_outbox_oldest_age_seconds 1.5",
        ] {
            assert!(text.lines().any(|told| told == line), "{line} in\n{text}");
        }
    }
}
