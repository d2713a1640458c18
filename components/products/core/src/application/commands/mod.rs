//! Use cases that change something.

mod create_product;
mod delete_product;
mod import_products;
mod purge_reservations;
mod reserve_stock;
mod settle_reservation;
mod update_product;

pub use create_product::create_product;
pub use delete_product::delete_product;
pub use import_products::import_products;
pub use purge_reservations::purge_reservations;
pub use reserve_stock::reserve_stock;
pub use settle_reservation::{settle_reservation, settle_reservations};
pub use update_product::update_product;

use crate::domain::error::ProductError;
use crate::domain::product::Product;
use crate::ports::{StockEntry, Transaction};

/// A product's number belongs to it alone.
fn check_sku(transaction: &dyn Transaction, product: &Product) -> Result<(), ProductError> {
    let Some(sku) = &product.sku else {
        return Ok(());
    };
    match transaction.sku_owner(sku)? {
        Some(owner) if owner != product.id => Err(ProductError::SkuTaken),
        _ => Ok(()),
    }
}

/// Enters a change of the free units into the stock book.
fn record_stock(
    transaction: &dyn Transaction,
    free_before: u64,
    product: &Product,
) -> Result<(), ProductError> {
    let free_after = product.stock.free();
    if free_before == free_after {
        return Ok(());
    }
    let (product_id, version, at) = (product.id.clone(), product.version, product.updated_at);
    Ok(transaction.record(&StockEntry {
        product_id,
        version,
        free_before,
        free_after,
        at,
    })?)
}
