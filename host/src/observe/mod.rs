//! What operators see: the log and the metrics.

pub(crate) mod log_limits;
pub(crate) mod log_queue;
pub(crate) mod metrics;
