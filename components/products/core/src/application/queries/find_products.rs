//! Several products at once.

use std::collections::BTreeMap;

use mercato_kernel::{OrderId, ProductId};

use crate::application::ports::{Ports, Store as _};
use crate::domain::error::StoreError;
use crate::domain::product::ProductView;
use crate::domain::reservation::ReservationState;

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

/// The same with the units that somebody could order of each. Units that the order `instead_of` holds are free for whoever gives it up.
///
/// # Errors
/// [`StoreError`].
pub fn for_order(
    ports: &impl Ports,
    ids: &[ProductId],
    instead_of: Option<OrderId>,
) -> Result<Vec<(ProductView, u64)>, StoreError> {
    let mut freed: BTreeMap<ProductId, u64> = BTreeMap::new();
    let reservation = instead_of.map(|order| ports.store().reservation(order));
    let held = reservation.transpose()?.flatten();
    let held = held.filter(|reservation| reservation.state() == ReservationState::Held);
    for line in held.iter().flat_map(|reservation| reservation.lines()) {
        *freed.entry(line.product_id).or_default() += u64::from(line.quantity.units());
    }
    let with_units = |product: ProductView| {
        let freed = freed.get(&product.id).copied().unwrap_or_default();
        let units = product.stock.free().saturating_add(freed);
        (product, units)
    };
    Ok(handle(ports, ids)?.into_iter().map(with_units).collect())
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
