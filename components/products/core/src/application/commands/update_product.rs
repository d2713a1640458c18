//! Changes a product.

use mercato_kernel::ProductId;

use super::save;
use crate::application::locks;
use crate::application::ports::{Clock as _, Ports, Store as _};
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

/// Changes a product; where the caller says what they have seen of it, only if it is still so.
///
/// # Errors
/// [`ProductError::Invalid`], [`ProductError::NotFound`], [`ProductError::VersionMismatch`],
/// [`ProductError::SkuTaken`], [`ProductError::SlugTaken`], [`ProductError::InsufficientStock`], [`ProductError::TooMuchStock`],
/// [`ProductError::Store`].
pub fn handle(ports: &impl Ports, command: &Command<'_>) -> Result<ProductView, ProductError> {
    let new_sku = command.changes.sku.iter().flatten();
    let locks = locks::products([command.id])
        .and(locks::skus(new_sku))
        .and(locks::slugs(&command.changes.slug))
        .and(save::category_locks(command.changes));
    ports.store().write(locks, |transaction| {
        let before = transaction
            .product(command.id)?
            .ok_or(ProductError::NotFound)?;
        let before = before.expect(command.seen)?;
        let (version, free) = (before.view().version, before.view().stock.free());
        let slug = before.view().slug.clone();
        let after = before.change(command.changes, ports.clock().now_ms())?;
        if after.view().version != version {
            save::check_sku(transaction, &after)?;
            if slug != after.view().slug {
                save::check_slug(transaction, &after)?;
                transaction.remember_slug(command.id, &slug, after.view().updated_at)?;
            }
            save::save(transaction, free, &after)?;
            save::enter_categories(transaction, command.id, command.changes)?;
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
