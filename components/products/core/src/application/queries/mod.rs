//! Use cases that only read.

pub mod find_product;
pub mod find_products;
pub mod find_reservation;
pub mod list_categories;
pub mod list_products;
pub mod reservation_metrics;
pub mod stock_stats;
