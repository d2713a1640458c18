use crate::domain::error::ProductError;
use crate::domain::product::Product;
use crate::domain::values::ProductId;
use crate::ports::Store;

/// A product of the catalogue.
///
/// # Errors
/// [`ProductError::NotFound`], also for what is no identifier; [`ProductError::Store`].
pub fn find_product(store: &impl Store, id: &str) -> Result<Product, ProductError> {
    let id = ProductId::parse(id).ok_or(ProductError::NotFound)?;
    store.find(&id)?.ok_or(ProductError::NotFound)?.expect(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::memory::{Fixture, new_product};

    #[test]
    fn a_product_is_found_until_it_is_deleted() {
        let shop = Fixture::new();
        let tea = shop.create(&new_product("Tea", 1)).unwrap();
        assert_eq!(
            find_product(&shop.store, &tea.id.as_str().to_uppercase()),
            Ok(tea.clone())
        );
        shop.delete(&tea, None).unwrap();
        assert_eq!(
            find_product(&shop.store, tea.id.as_str()),
            Err(ProductError::NotFound)
        );
        assert_eq!(
            find_product(&shop.store, "nonsense"),
            Err(ProductError::NotFound)
        );
    }
}
