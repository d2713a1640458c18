use std::time::Duration;

use mercato_edge::{Problem, Reply, endpoint};
use mercato_metrics::{Exposition, Kind};
use products::application::queries::reservation_metrics::{self, ReservationMetrics};

use crate::problems::problem;

/// What operators watch, in Prometheus' text format
#[endpoint(GET "/internal/metrics", access = Public)]
pub async fn metrics() -> Result<Reply, Problem> {
    let snapshot = reservation_metrics::handle(&*products::instance()).map_err(problem)?;
    Ok(Reply::metrics(exposition(&snapshot)))
}

fn exposition(snapshot: &ReservationMetrics) -> Exposition {
    let mut text = Exposition::default();
    text.single(
        "mercato_reservations_held",
        Kind::Gauge,
        "Orders whose stock is held until they are paid.",
        snapshot.held,
    );
    text.single(
        "mercato_reservations_oldest_age_seconds",
        Kind::Gauge,
        "Age of the oldest held reservation; 0 without one.",
        Duration::from_millis(snapshot.oldest_held_ms).as_secs_f64(),
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_metrics_are_in_the_format_and_conventional() {
        let text = exposition(&ReservationMetrics {
            held: 2,
            oldest_held_ms: 2_500,
        })
        .into_text();
        let expected = [
            "mercato_reservations_held 2",
            "mercato_reservations_oldest_age_seconds 2.5",
        ];
        assert_eq!(mercato_metrics::objections(&text, &expected), [""; 0]);
    }
}
