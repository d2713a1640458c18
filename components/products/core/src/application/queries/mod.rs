//! Use cases that only read.

mod figures;
mod find_product;
mod list_products;
mod stock_stats;

pub use figures::{Figures, figures};
pub use find_product::find_product;
pub use list_products::list_products;
pub use stock_stats::stock_stats;
