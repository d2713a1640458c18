use crate::domain::error::ProductError;
use crate::domain::product::Seen;
use crate::domain::values::ProductId;
use crate::ports::{Clock, Store};

/// Takes a product out of the catalogue; where the caller tells what they have seen of it, only if it is still so.
/// Orders that hold it keep it, and its number is free for another product.
///
/// # Errors
/// [`ProductError::NotFound`], [`ProductError::VersionMismatch`], [`ProductError::Store`].
pub fn delete_product(
    store: &impl Store,
    clock: &impl Clock,
    id: &str,
    seen: Option<Seen>,
) -> Result<(), ProductError> {
    let id = ProductId::parse(id).ok_or(ProductError::NotFound)?;
    store.write(|transaction| {
        let product = transaction
            .product(id.as_str())?
            .ok_or(ProductError::NotFound)?
            .expect(seen)?;
        Ok(transaction.save_product(&product.delete(clock.now_ms()))?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::memory::{Fixture, new_product, seen};
    use crate::domain::product::NewProduct;

    #[test]
    fn a_deleted_product_is_gone_for_the_catalogue_and_its_sku_is_free() {
        let shop = Fixture::new();
        let numbered = NewProduct {
            sku: Some("A-1".to_owned()),
            ..new_product("Tea", 10)
        };
        let tea = shop.create(&numbered).unwrap();
        let other = Seen {
            version: 7,
            ..seen(&tea)
        };
        assert_eq!(
            shop.delete(&tea, Some(other)),
            Err(ProductError::VersionMismatch)
        );
        shop.delete(&tea, Some(seen(&tea))).unwrap();
        assert_eq!(shop.delete(&tea, None), Err(ProductError::NotFound));
        shop.create(&numbered).unwrap();
    }
}
