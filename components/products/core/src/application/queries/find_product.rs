//! One product.

use crate::application::ports::{Ports, Store as _};
use crate::domain::error::ProductError;
use crate::domain::product::ProductView;
use crate::domain::values::ProductId;

/// A product of the catalogue.
///
/// # Errors
/// [`ProductError::NotFound`], also for what is no identifier; [`ProductError::Store`].
pub fn handle(ports: &impl Ports, id: &str) -> Result<ProductView, ProductError> {
    let id = ProductId::parse(id).ok_or(ProductError::NotFound)?;
    ports.store().product(&id)?.ok_or(ProductError::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Shop, new_product};

    #[test]
    fn a_product_is_found_until_it_is_deleted() {
        let shop = Shop::new();
        let tea = shop.create(&new_product("Tea", 1)).unwrap();
        let find = |id: &str| handle(&shop.products, id);
        assert_eq!(find(&tea.id.as_str().to_uppercase()), Ok(tea.clone()));
        shop.delete(&tea, None).unwrap();
        assert_eq!(find(tea.id.as_str()), Err(ProductError::NotFound));
        assert_eq!(find("nonsense"), Err(ProductError::NotFound));
    }
}
