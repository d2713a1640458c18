//! What ordinary requests and events do on the side: they keep events and orders moving where no timer does.

use mercato_platform::log;

use crate::application::commands::sweep::{self, SweepReport};
use crate::domain::OrderError;
use crate::ports::{Payments, Ports};

/// Publishes the payment events that wait, then sweeps; either does nothing when its last run is younger than
/// `min_interval_ms`.
///
/// # Errors
/// When the sweep fails. An outbox that cannot be relayed is only logged: the sweep can do without it.
pub async fn handle(ports: &impl Ports, min_interval_ms: u32) -> Result<SweepReport, OrderError> {
    if let Err(error) = ports.payments().relay(min_interval_ms).await {
        log::warn(
            "the outbox could not be relayed",
            &[("error", &error.to_string())],
        );
    }
    sweep::handle(ports, min_interval_ms).await
}
