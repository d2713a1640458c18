//! What all commands that write a product have in common.

use mercato_kernel::ProductId;

use crate::application::ports::{Ids, StockEntry, Transaction};
use crate::domain::error::{ProductError, StoreError};
use crate::domain::product::Product;

/// The identifier of a product to be.
pub fn new_id(ids: &impl Ids) -> Result<ProductId, StoreError> {
    ProductId::parse(&ids.new_id()).map_err(|error| StoreError::Fault(format!("a new id {error}")))
}

/// A product's number belongs to it alone.
pub fn check_sku(transaction: &dyn Transaction, product: &Product) -> Result<(), ProductError> {
    let Some(sku) = &product.view().sku else {
        return Ok(());
    };
    match transaction.sku_owner(sku)? {
        Some(owner) if owner != product.view().id => Err(ProductError::SkuTaken),
        _ => Ok(()),
    }
}

/// Adds a new product, and its units to the stock book.
pub fn insert(transaction: &dyn Transaction, product: &Product) -> Result<(), StoreError> {
    transaction.insert_products(&[product])?;
    transaction.record(stock_entry(0, product).as_slice())
}

/// Saves a product that had so many free units, and enters the difference into the stock book.
pub fn save(
    transaction: &dyn Transaction,
    free_before: u64,
    product: &Product,
) -> Result<(), StoreError> {
    transaction.save_product(product)?;
    transaction.record(stock_entry(free_before, product).as_slice())
}

/// What the stock book has to say of a product that had so many free units, if that has changed.
pub fn stock_entry(free_before: u64, product: &Product) -> Option<StockEntry> {
    let view = product.view();
    let free_after = view.stock.free();
    (free_before != free_after).then_some(StockEntry {
        product_id: view.id,
        version: view.version,
        free_before,
        free_after,
        at: view.updated_at,
    })
}
