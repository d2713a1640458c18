use crate::application::commands::{check_sku, record_stock};
use crate::domain::error::ProductError;
use crate::domain::product::{Product, ProductChanges, Seen};
use crate::domain::values::ProductId;
use crate::ports::{Clock, Store};

/// Changes a product; where the caller tells what they have seen of it, only if it is still so.
///
/// # Errors
/// [`ProductError::Invalid`], [`ProductError::NotFound`], [`ProductError::VersionMismatch`],
/// [`ProductError::SkuTaken`], [`ProductError::InsufficientStock`], [`ProductError::Store`].
pub fn update_product(
    store: &impl Store,
    clock: &impl Clock,
    id: &str,
    changes: &ProductChanges,
    seen: Option<Seen>,
) -> Result<Product, ProductError> {
    let id = ProductId::parse(id).ok_or(ProductError::NotFound)?;
    store.write(|transaction| {
        let before = transaction
            .product(id.as_str())?
            .ok_or(ProductError::NotFound)?
            .expect(seen)?;
        let (version, free) = (before.version, before.stock.free());
        let after = before.change(changes, clock.now_ms())?;
        if after.version == version {
            return Ok(after);
        }
        check_sku(transaction, &after)?;
        transaction.save_product(&after)?;
        record_stock(transaction, free, &after)?;
        Ok(after)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::memory::{Fixture, line, new_product, seen};
    use crate::domain::product::{NewProduct, StockChange};

    fn stock(change: StockChange) -> ProductChanges {
        ProductChanges {
            stock: Some(change),
            ..ProductChanges::default()
        }
    }

    #[test]
    fn what_an_admin_adds_or_takes_away_is_in_the_book() {
        let shop = Fixture::new();
        let tea = shop.create(&new_product("Tea", 10)).unwrap();
        shop.update(&tea, &stock(StockChange::Delta(5)), Some(seen(&tea)))
            .unwrap();
        let tea = shop.store.find(&tea.id).unwrap().unwrap();
        let tea = shop
            .update(&tea, &stock(StockChange::Absolute(3)), Some(seen(&tea)))
            .unwrap();
        assert_eq!((tea.version, tea.stock.free()), (3, 3));
        assert_eq!(shop.store.book_total(), 3);
        assert_eq!(shop.store.find(&tea.id).unwrap(), Some(tea));
    }

    #[test]
    fn a_stale_version_changes_nothing() {
        let shop = Fixture::new();
        let tea = shop.create(&new_product("Tea", 10)).unwrap();
        shop.update(&tea, &stock(StockChange::Delta(1)), None)
            .unwrap();
        let stale = shop.update(&tea, &stock(StockChange::Delta(1)), Some(seen(&tea)));
        assert_eq!(stale, Err(ProductError::VersionMismatch));
        assert_eq!(shop.store.find(&tea.id).unwrap().unwrap().stock.free(), 11);
    }

    #[test]
    fn stock_that_orders_have_moved_meanwhile_is_not_overwritten() {
        let shop = Fixture::new();
        let tea = shop.create(&new_product("Tea", 5)).unwrap();
        shop.reserve(1, &[line(&tea, 3)]).unwrap();
        let set = stock(StockChange::Absolute(5));
        let stale = shop.update(&tea, &set, Some(seen(&tea)));
        assert_eq!(stale, Err(ProductError::VersionMismatch));
        let now = shop.store.find(&tea.id).unwrap().unwrap();
        assert_eq!((now.version, now.stock.free()), (1, 2));
        let changed = shop.update(&now, &set, Some(seen(&now))).unwrap();
        assert_eq!((changed.version, changed.stock.free()), (2, 5));
    }

    #[test]
    fn a_product_cannot_take_the_sku_of_another_but_may_keep_its_own() {
        let shop = Fixture::new();
        let numbered = |name: &str, sku: &str| NewProduct {
            sku: Some(sku.to_owned()),
            ..new_product(name, 1)
        };
        let tea = shop.create(&numbered("Tea", "A-1")).unwrap();
        shop.create(&numbered("Coffee", "A-2")).unwrap();
        let sku = |sku: &str| ProductChanges {
            sku: Some(Some(sku.to_owned())),
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
        let shop = Fixture::new();
        let tea = shop.create(&new_product("Tea", 10)).unwrap();
        shop.delete(&tea, None).unwrap();
        assert_eq!(
            shop.update(&tea, &stock(StockChange::Delta(1)), None),
            Err(ProductError::NotFound)
        );
        let unknown = update_product(
            &shop.store,
            &shop.clock,
            "nonsense",
            &ProductChanges::default(),
            None,
        );
        assert_eq!(unknown, Err(ProductError::NotFound));
    }

    #[test]
    fn no_change_makes_no_version() {
        let shop = Fixture::new();
        let tea = shop.create(&new_product("Tea", 10)).unwrap();
        assert_eq!(
            shop.update(&tea, &ProductChanges::default(), Some(seen(&tea))),
            Ok(tea)
        );
    }
}
