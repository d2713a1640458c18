use crate::application::commands::{check_sku, record_stock};
use crate::domain::error::ProductError;
use crate::domain::product::{NewProduct, Product};
use crate::domain::values::ProductId;
use crate::ports::{Clock, Ids, Store};

/// Adds a product to the catalogue.
///
/// # Errors
/// [`ProductError::Invalid`], [`ProductError::SkuTaken`], [`ProductError::Store`].
pub fn create_product(
    store: &impl Store,
    clock: &impl Clock,
    ids: &impl Ids,
    new: &NewProduct,
) -> Result<Product, ProductError> {
    let product = Product::create(ProductId::stored(ids.new_id()), new, clock.now_ms())?;
    store.write(|transaction| {
        check_sku(transaction, &product)?;
        transaction.insert_product(&product)?;
        record_stock(transaction, 0, &product)
    })?;
    Ok(product)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::memory::{Fixture, new_product};

    #[test]
    fn a_new_product_can_be_found_and_its_stock_is_in_the_book() {
        let shop = Fixture::new();
        let created = shop.create(&new_product("Tea", 10)).unwrap();
        assert_eq!(shop.store.find(&created.id).unwrap(), Some(created));
        assert_eq!(shop.store.book_total(), 10);
    }

    #[test]
    fn two_products_cannot_have_the_same_sku() {
        let shop = Fixture::new();
        let tea = NewProduct {
            sku: Some("A-1".to_owned()),
            ..new_product("Tea", 1)
        };
        shop.create(&tea).unwrap();
        let same = NewProduct {
            sku: Some(" A-1 ".to_owned()),
            ..new_product("Coffee", 1)
        };
        assert_eq!(shop.create(&same), Err(ProductError::SkuTaken));
        shop.create(&new_product("Cocoa", 1)).unwrap();
        shop.create(&new_product("Milk", 1)).unwrap();
        assert_eq!(shop.store.products().len(), 3);
    }

    #[test]
    fn an_invalid_product_is_not_stored() {
        let shop = Fixture::new();
        assert!(matches!(
            shop.create(&new_product("", 1)),
            Err(ProductError::Invalid(_))
        ));
        assert_eq!(shop.store.products(), []);
    }
}
