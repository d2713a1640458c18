//! One product.

use mercato_kernel::ProductId;

use crate::application::ports::{Ports, Store as _};
use crate::domain::error::ProductError;
use crate::domain::product::ProductView;

/// A product of the catalogue.
///
/// # Errors
/// [`ProductError::NotFound`], [`ProductError::Store`].
pub fn handle(ports: &impl Ports, id: ProductId) -> Result<ProductView, ProductError> {
    ports.store().product(id)?.ok_or(ProductError::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Shop, new_product};

    #[test]
    fn a_product_is_found_until_it_is_deleted() {
        let shop = Shop::new();
        let tea = shop.create(&new_product("Tea", 1)).unwrap();
        let find = |id| handle(&shop.products, id);
        assert_eq!(find(tea.id), Ok(tea.clone()));
        shop.delete(&tea, None).unwrap();
        assert_eq!(find(tea.id), Err(ProductError::NotFound));
        let unknown = ProductId::parse("01890a5d-ac96-774b-bcce-ffffffffffff").unwrap();
        assert_eq!(find(unknown), Err(ProductError::NotFound));
    }
}
