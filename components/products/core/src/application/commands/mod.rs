//! Use cases that change something.

pub mod change_category;
pub mod create_category;
pub mod create_product;
pub mod delete_category;
pub mod delete_product;
pub mod import_products;
pub mod purge_reservations;
pub mod renew_words;
pub mod reserve_stock;
mod save;
pub mod settle_reservations;
pub mod update_product;
