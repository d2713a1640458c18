//! What operators watch.

use mercato_platform::clock::Clock;

use crate::domain::OrderError;
use crate::ports::{Ports, Store};

pub use crate::store::MetricsSnapshot;

/// The metrics of now. Costs the same however many orders there are.
///
/// # Errors
/// When the orders database cannot be used.
pub fn handle(ports: &impl Ports) -> Result<MetricsSnapshot, OrderError> {
    let now = ports.clock().now_ms();
    ports.store().read(|records| records.metrics_snapshot(now))
}
