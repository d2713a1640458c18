//! What reads orders.

pub mod figures;
pub mod find_order;
pub mod list_orders;
pub mod order_stats;
