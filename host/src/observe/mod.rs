//! What operators see: the log and the metrics.

mod component_metrics;
pub(crate) mod log_limits;
pub(crate) mod log_queue;
pub(crate) mod metrics;
