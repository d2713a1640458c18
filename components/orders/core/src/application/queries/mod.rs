//! What reads orders.

pub mod find_order;
pub mod list_orders;
pub mod metrics_snapshot;
pub mod order_stats;
pub mod readiness;
