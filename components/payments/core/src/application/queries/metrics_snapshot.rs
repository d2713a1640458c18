use crate::application::ports::{Ports, Store};
use crate::domain::{PaymentError, PaymentStatus};

/// What operators watch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MetricsSnapshot {
    /// Number of payments of every status, none left out.
    pub payments: Vec<(PaymentStatus, u64)>,
    /// Refunds that are written down and not made yet.
    pub refunds_waiting: u64,
    /// Runs of the relay that found something to do. This and what follows is counted since the database can.
    pub relay_runs: u64,
    /// How often an event was published. One that is published right after its change is counted with that, and not again when it
    /// has to be tried again.
    pub published: u64,
    /// Of these, how often one that had been published before.
    pub published_again: u64,
    /// How often applying an event has failed.
    pub handling_failures: u64,
    /// How often an event was parked.
    pub parked: u64,
    /// How often the provider had to be asked for a refund again.
    pub refund_retries: u64,
    /// How many refunds failed after the provider had taken them, and how many of duplicate charges it refused.
    pub refunds_failed: u64,
    /// How many duplicate charges there were.
    pub duplicate_charges: u64,
    /// How many disputes there were.
    pub disputes: u64,
    /// How many of them are not decided yet.
    pub disputes_open: u64,
}

/// What operators watch.
///
/// # Errors
/// `Unavailable`, `Internal`.
pub fn metrics_snapshot<P: Ports>(ports: &P) -> Result<MetricsSnapshot, PaymentError> {
    ports.store().read(|records| records.metrics_snapshot())
}
