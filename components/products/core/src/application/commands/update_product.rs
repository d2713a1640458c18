//! Changes a product.

use mercato_kernel::ProductId;

use super::save;
use crate::application::locks;
use crate::application::ports::{Ports, Store as _};
use crate::domain::error::ProductError;
use crate::domain::product::{ProductChanges, ProductView, Seen};

/// What to change of a product.
#[derive(Debug)]
pub struct Command<'a> {
    /// Its identifier.
    pub id: ProductId,
    /// What to change.
    pub changes: &'a ProductChanges,
    /// What the caller has seen of it, where they say so.
    pub seen: Option<Seen>,
}

/// Changes a product, or one of its variants, whose identifier is named then; where the caller says what they have seen of the product,
/// only if it is still so. Gives the product.
///
/// # Errors
/// [`ProductError::Invalid`], [`ProductError::NotFound`], [`ProductError::VersionMismatch`], [`ProductError::SkuTaken`],
/// [`ProductError::SlugTaken`], [`ProductError::StockIsDrawn`], [`ProductError::InsufficientStock`], [`ProductError::TooMuchStock`],
/// [`ProductError::Store`].
pub fn handle(ports: &impl Ports, command: &Command<'_>) -> Result<ProductView, ProductError> {
    let changes = command.changes;
    let locks = locks::products([command.id])
        .and(locks::skus(save::skus(changes)))
        .and(locks::slugs(&changes.slug))
        .and(save::category_locks(changes));
    ports.store().write(locks, |transaction| {
        let product = transaction.product(command.id)?;
        let is_variant = product.is_none();
        let product = match product {
            Some(product) => product,
            None => transaction
                .product_of_variant(command.id)?
                .ok_or(ProductError::NotFound)?,
        };
        let product = product.expect(command.seen)?;
        let before = product.view().clone();
        let means = save::means(ports, transaction, changes)?;
        let after = match is_variant {
            true => product.change_variant(command.id, changes, &means)?,
            false => product.change_with(changes, &means)?,
        };
        if after.view().version != before.version {
            save::check_skus(transaction, &after, before.variants(), changes)?;
            save::check_drawn(transaction, &before, after.view())?;
            if before.slug != after.view().slug {
                save::check_slug(transaction, &after)?;
                transaction.remember_slug(before.id, &before.slug, after.view().updated_at)?;
            }
            save::save(transaction, &before, &after)?;
            save::enter_categories(transaction, before.id, changes)?;
        }
        Ok(after.into_view())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::product::StockChange;
    use crate::testing::{Shop, line, new_product, numbered, seen};

    fn stock(change: StockChange) -> ProductChanges {
        ProductChanges {
            stock: Some(change),
            ..ProductChanges::default()
        }
    }

    #[test]
    fn what_an_admin_adds_or_takes_away_is_in_the_book() {
        let shop = Shop::new();
        let tea = shop.create(&new_product("Tea", 10)).unwrap();
        shop.update(&tea, &stock(StockChange::Delta(5)), Some(seen(&tea)))
            .unwrap();
        let tea = shop.find(&tea).unwrap();
        let tea = shop
            .update(&tea, &stock(StockChange::Absolute(3)), Some(seen(&tea)))
            .unwrap();
        assert_eq!((tea.version, tea.stock.free()), (3, 3));
        assert_eq!(shop.book_total(), 3);
        assert_eq!(shop.find(&tea), Some(tea));
    }

    #[test]
    fn a_stale_version_changes_nothing() {
        let shop = Shop::new();
        let tea = shop.create(&new_product("Tea", 10)).unwrap();
        shop.update(&tea, &stock(StockChange::Delta(1)), None)
            .unwrap();
        let stale = shop.update(&tea, &stock(StockChange::Delta(1)), Some(seen(&tea)));
        assert_eq!(stale, Err(ProductError::VersionMismatch));
        assert_eq!(shop.stock(&tea).free(), 11);
    }

    #[test]
    fn stock_that_orders_have_moved_meanwhile_is_not_overwritten() {
        let shop = Shop::new();
        let tea = shop.create(&new_product("Tea", 5)).unwrap();
        shop.reserve(1, &[line(&tea, 3)]).unwrap();
        let set = stock(StockChange::Absolute(5));
        let stale = shop.update(&tea, &set, Some(seen(&tea)));
        assert_eq!(stale, Err(ProductError::VersionMismatch));
        let now = shop.find(&tea).unwrap();
        assert_eq!((now.version, now.stock.free()), (1, 2));
        let changed = shop.update(&now, &set, Some(seen(&now))).unwrap();
        assert_eq!((changed.version, changed.stock.free()), (2, 5));
    }

    #[test]
    fn a_product_may_keep_its_sku_but_not_take_anothers() {
        let shop = Shop::new();
        let tea = shop.create(&numbered("Tea", "A-1")).unwrap();
        shop.create(&numbered("Coffee", "A-2")).unwrap();
        let sku = |sku: &str| ProductChanges {
            sku: Some(Some(sku.parse().unwrap())),
            ..ProductChanges::default()
        };
        assert_eq!(
            shop.update(&tea, &sku("A-2"), None),
            Err(ProductError::SkuTaken)
        );
        assert_eq!(shop.update(&tea, &sku("A-1"), None).unwrap().version, 2);
    }

    #[test]
    fn what_does_not_exist_or_is_deleted_is_not_found() {
        let shop = Shop::new();
        let tea = shop.create(&new_product("Tea", 10)).unwrap();
        shop.delete(&tea, None).unwrap();
        assert_eq!(
            shop.update(&tea, &stock(StockChange::Delta(1)), None),
            Err(ProductError::NotFound)
        );
        let unknown = Command {
            id: ProductId::parse("01890a5d-ac96-774b-bcce-ffffffffffff").unwrap(),
            changes: &ProductChanges::default(),
            seen: None,
        };
        let unknown = handle(&shop.products, &unknown);
        assert_eq!(unknown, Err(ProductError::NotFound));
    }

    #[test]
    fn no_change_makes_no_version() {
        let shop = Shop::new();
        let tea = shop.create(&new_product("Tea", 10)).unwrap();
        assert_eq!(
            shop.update(&tea, &ProductChanges::default(), Some(seen(&tea))),
            Ok(tea)
        );
    }
}
