//! Adds a product.

use super::save;
use crate::application::locks;
use crate::application::ports::{Clock as _, Ports, Store as _};
use crate::domain::error::ProductError;
use crate::domain::product::{Product, ProductChanges, ProductView};

/// Adds a product to the catalogue.
///
/// # Errors
/// [`ProductError::Invalid`], [`ProductError::SkuTaken`], [`ProductError::Store`].
pub fn handle(ports: &impl Ports, new: &ProductChanges) -> Result<ProductView, ProductError> {
    let id = save::new_id(ports.ids())?;
    let product = Product::create(id, new, ports.clock().now_ms())?;
    let locks = locks::skus(&product.view().sku);
    ports.store().write(locks, |transaction| {
        save::check_sku(transaction, &product)?;
        save::insert(transaction, &product)?;
        Ok::<_, ProductError>(())
    })?;
    Ok(product.into_view())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::stock::STOCK_UNITS_MAX;
    use crate::testing::{Shop, new_product, numbered};

    #[test]
    fn a_new_product_can_be_found_and_its_stock_is_in_the_book() {
        let shop = Shop::new();
        let created = shop.create(&new_product("Tea", 10)).unwrap();
        assert_eq!(shop.find(&created), Some(created));
        assert_eq!(shop.book_total(), 10);
    }

    #[test]
    fn two_products_cannot_have_the_same_sku() {
        let shop = Shop::new();
        shop.create(&numbered("Tea", "A-1")).unwrap();
        let same = numbered("Coffee", " A-1 ");
        assert_eq!(shop.create(&same), Err(ProductError::SkuTaken));
        shop.create(&new_product("Cocoa", 1)).unwrap();
        shop.create(&new_product("Milk", 1)).unwrap();
        assert_eq!(shop.number("SELECT COUNT(*) FROM products"), 3);
    }

    #[test]
    fn an_invalid_product_is_not_stored() {
        let shop = Shop::new();
        let too_many = new_product("Tea", STOCK_UNITS_MAX + 1);
        let refused = shop.create(&too_many);
        assert!(matches!(refused, Err(ProductError::Invalid(_))));
        assert_eq!(shop.number("SELECT COUNT(*) FROM products"), 0);
    }
}
