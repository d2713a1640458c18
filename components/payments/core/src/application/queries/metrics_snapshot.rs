use crate::application::ports::{MetricsSnapshot, Ports, Store};
use crate::domain::PaymentError;

/// What operators watch.
///
/// # Errors
/// `Unavailable`, `Internal`.
pub fn metrics_snapshot<P: Ports>(ports: &P) -> Result<MetricsSnapshot, PaymentError> {
    ports.store().read(|records| records.metrics_snapshot())
}
