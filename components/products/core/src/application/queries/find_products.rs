//! Several products at once.

use mercato_kernel::ProductId;

use crate::application::ports::{Ports, Store as _};
use crate::domain::error::StoreError;
use crate::domain::product::ProductView;

/// Most products that one query may ask for; those after them are left out.
pub const PRODUCTS_MAX: usize = 100;

/// Those of these products that are in the catalogue, in any order.
///
/// # Errors
/// [`StoreError`].
pub fn handle(ports: &impl Ports, ids: &[ProductId]) -> Result<Vec<ProductView>, StoreError> {
    let ids = ids.get(..PRODUCTS_MAX).unwrap_or(ids);
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    ports.store().products(ids)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Shop, new_product};

    #[test]
    fn products_are_found_until_they_are_deleted() {
        let shop = Shop::new();
        let add = |name| shop.create(&new_product(name, 1)).unwrap();
        let (tea, milk, gone) = (add("Tea"), add("Milk"), add("Gone"));
        shop.delete(&gone, None).unwrap();
        let mut found = handle(&shop.products, &[milk.id, gone.id, tea.id]).unwrap();
        found.sort_by_key(|product| product.id);
        assert_eq!(found, [tea, milk]);
        assert_eq!(handle(&shop.products, &[]), Ok(vec![]));
    }

    #[test]
    fn a_query_for_too_many_products_is_cut() {
        let shop = Shop::new();
        let tea = shop.create(&new_product("Tea", 1)).unwrap();
        let unknown = ProductId::parse("01890a5d-ac96-774b-bcce-ffffffffffff").unwrap();
        let mut ids = vec![unknown; PRODUCTS_MAX];
        ids.push(tea.id);
        assert_eq!(handle(&shop.products, &ids), Ok(vec![]));
        assert_eq!(handle(&shop.products, &ids[1..]), Ok(vec![tea]));
    }

    #[test]
    fn all_of_them_are_read_with_one_statement() {
        let shop = Shop::on_sqlite();
        let ids = (0..PRODUCTS_MAX).map(|n| shop.create(&new_product(&format!("Tea {n}"), 1)));
        let ids: Vec<_> = ids.map(|product| product.unwrap().id).collect();
        let read = || assert_eq!(handle(&shop.products, &ids).unwrap().len(), PRODUCTS_MAX);
        assert_eq!(shop.statements(read), 1);
    }
}
