//! What all commands that write a product have in common.

use std::collections::{BTreeMap, BTreeSet};

use mercato_kernel::ProductId;

use crate::application::locks::{self, Locks};
use crate::application::ports::{Clock as _, Ids, Ports, StockEntry, Transaction};
use crate::domain::category::{CategoryId, Tree};
use crate::domain::error::{ProductError, StoreError, broken};
use crate::domain::product::{Product, ProductChanges, ProductView};
use crate::domain::values::Sku;
use crate::domain::variant::{Means, Variant};

/// The identifier of a product to be.
pub fn new_id(ids: &impl Ids) -> Result<ProductId, StoreError> {
    ProductId::parse(&ids.new_id()).map_err(|error| StoreError::Fault(format!("a new id {error}")))
}

/// The numbers that a change gives to a product and its variants.
pub fn skus(changes: &ProductChanges) -> Vec<&Sku> {
    let variants = changes.variants.iter().flatten();
    let of_variants = variants.filter_map(|draft| draft.sku.as_ref()?.as_ref());
    let own = changes.sku.iter().flatten();
    own.chain(of_variants).collect()
}

/// What a change of a product needs: identifiers of new variants, and the stocks that they draw on.
///
/// # Errors
/// [`ProductError::Store`].
pub fn means(
    ports: &impl Ports,
    transaction: &dyn Transaction,
    changes: &ProductChanges,
) -> Result<Means, ProductError> {
    let drafts = changes.variants.as_deref().unwrap_or_default();
    let ids = drafts.iter().map(|_| new_id(ports.ids()));
    let draws = drafts
        .iter()
        .filter_map(|draft| draft.draws.as_ref()?.as_ref());
    let skus: BTreeMap<&str, &Sku> = draws
        .map(|draws| (draws.sku.as_str(), &draws.sku))
        .collect();
    let skus: Vec<&Sku> = skus.into_values().collect();
    Ok(Means {
        now: ports.clock().now_ms(),
        ids: ids.collect::<Result<_, _>>()?,
        items: transaction.stock_items(&skus)?,
    })
}

/// The numbers of a product and its variants belong to them alone.
pub fn check_skus(
    transaction: &dyn Transaction,
    product: &Product,
    before: &[Variant],
    changes: &ProductChanges,
) -> Result<(), ProductError> {
    let view = product.view();
    // A variant that goes leaves its number to the others.
    let variants = || view.variants().iter().chain(before);
    let is_own = |id: ProductId| id == view.id || variants().any(|one| one.id == id);
    let owners = transaction.stock_items(&skus(changes))?;
    if owners
        .into_iter()
        .map(|owner| owner.id)
        .any(|id| !is_own(id))
    {
        return Err(ProductError::SkuTaken);
    }
    let of_variants = view.variants().iter().map(|variant| variant.sku.as_ref());
    let mut own: Vec<&Sku> = of_variants.chain([view.sku.as_ref()]).flatten().collect();
    let count = own.len();
    own.sort_unstable_by_key(|sku| sku.as_str());
    own.dedup();
    if own.len() == count {
        Ok(())
    } else {
        Err(ProductError::SkuTaken)
    }
}

/// What variants draw on stays, and does not draw on another stock itself.
pub fn check_drawn(
    transaction: &dyn Transaction,
    before: &ProductView,
    after: &ProductView,
) -> Result<(), ProductError> {
    let draws = |view: &ProductView, id| {
        let mut found = view.variants().iter().filter(|variant| variant.id == id);
        found.next().map(|variant| variant.draws.is_some())
    };
    let has_ended = |variant: &&Variant| draws(after, variant.id).unwrap_or(true);
    let had_stock = before.variants().iter().filter(|one| one.draws.is_none());
    let ended: Vec<ProductId> = had_stock.filter(has_ended).map(|one| one.id).collect();
    if ended.is_empty() {
        return Ok(());
    }
    let mut drawn = after.variants().iter().filter_map(|one| one.draws.as_ref());
    if drawn.any(|drawn| ended.contains(&drawn.item))
        || transaction.is_drawn_elsewhere(&ended, after.id)?
    {
        return Err(ProductError::StockIsDrawn);
    }
    Ok(())
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
    Ok(put_into(transaction, id, categories, &tree)?)
}

/// Puts a product into categories, and into those that hold them.
pub fn put_into(
    transaction: &dyn Transaction,
    id: ProductId,
    categories: &[CategoryId],
    tree: &Tree,
) -> Result<(), StoreError> {
    let holders = categories
        .iter()
        .flat_map(|category| tree.with_ancestors(*category));
    let all: BTreeSet<CategoryId> = holders.collect();
    let all: Vec<CategoryId> = all.into_iter().collect();
    transaction.set_categories(id, &all)
}

/// Adds a new product with its variants, and their units to the stock book.
pub fn insert(transaction: &dyn Transaction, product: &Product) -> Result<(), StoreError> {
    transaction.insert_products(&[product])?;
    transaction.save_variants(product, &[])?;
    transaction.record(&stock_entries(None, product.view()))
}

/// Saves a product and its variants, and enters into the stock book by how much their free units differ from those of before.
pub fn save(
    transaction: &dyn Transaction,
    before: &ProductView,
    product: &Product,
) -> Result<(), StoreError> {
    transaction.save_product(product)?;
    transaction.save_variants(product, before.variants())?;
    transaction.record(&stock_entries(Some(before), product.view()))
}

/// What the stock book has to say of a product and its variants, where their free units have changed.
pub fn stock_entries(before: Option<&ProductView>, after: &ProductView) -> Vec<StockEntry> {
    let own_before = before.map_or(0, |view| view.stock.free());
    let own = entry(
        after.id,
        after.version,
        own_before,
        after.stock.free(),
        after.updated_at,
    );
    let variants = before.map_or(&[][..], ProductView::variants);
    let of_variants = after.variants().iter().filter_map(|variant| {
        let known = variants.iter().find(|one| one.id == variant.id);
        let before = known.map_or(0, |one| one.stock.free());
        entry(
            variant.id,
            variant.version,
            before,
            variant.stock.free(),
            variant.updated_at,
        )
    });
    own.into_iter().chain(of_variants).collect()
}

fn entry(
    product_id: ProductId,
    version: u64,
    free_before: u64,
    free_after: u64,
    at: u64,
) -> Option<StockEntry> {
    (free_before != free_after).then_some(StockEntry {
        product_id,
        version,
        free_before,
        free_after,
        at,
    })
}
