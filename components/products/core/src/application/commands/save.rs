//! What all commands that write a product have in common.

use std::collections::BTreeSet;

use mercato_kernel::ProductId;

use crate::application::locks::{self, Locks};
use crate::application::ports::{Ids, StockEntry, Transaction};
use crate::domain::category::CategoryId;
use crate::domain::error::{ProductError, StoreError, broken};
use crate::domain::product::{Product, ProductChanges};

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

/// A product's slug belongs to it alone.
pub fn check_slug(transaction: &dyn Transaction, product: &Product) -> Result<(), ProductError> {
    match transaction.slug_owner(&product.view().slug)? {
        Some(owner) if owner != product.view().id => Err(ProductError::SlugTaken),
        _ => Ok(()),
    }
}

/// What a write of a product that says its categories is about besides.
pub fn category_locks(changes: &ProductChanges) -> Locks {
    match changes.categories {
        Some(_) => locks::categories(),
        None => Locks::names("categories", []),
    }
}

/// Puts a product into the categories that a change names, and into those that hold them.
///
/// # Errors
/// [`ProductError::Invalid`] with those that do not exist.
pub fn enter_categories(
    transaction: &dyn Transaction,
    id: ProductId,
    changes: &ProductChanges,
) -> Result<(), ProductError> {
    let Some(categories) = &changes.categories else {
        return Ok(());
    };
    let tree = transaction.tree()?;
    let places = categories.iter().enumerate();
    let unknown = places.filter(|(_, category)| tree.get(**category).is_none());
    let errors: Vec<_> = unknown
        .map(|(place, _)| {
            let field = format!("categories[{place}]");
            broken(&field, "unknown", "is the id of no category")
        })
        .collect();
    if !errors.is_empty() {
        return Err(ProductError::Invalid(errors));
    }
    let holders = categories
        .iter()
        .flat_map(|category| tree.with_ancestors(*category));
    let all: BTreeSet<CategoryId> = holders.collect();
    let all: Vec<CategoryId> = all.into_iter().collect();
    Ok(transaction.set_categories(id, &all)?)
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
