//! Several things to order at once.

use mercato_kernel::{CheckoutId, ProductId};

use crate::application::ports::{Ports, Store as _};
use crate::domain::error::StoreError;
use crate::domain::sellable::Sellable;

/// Most products that one query may ask for; those after them are left out.
pub const PRODUCTS_MAX: usize = 100;

/// Those of these products and variants that can be ordered, in any order.
///
/// # Errors
/// [`StoreError`].
pub fn handle(ports: &impl Ports, ids: &[ProductId]) -> Result<Vec<Sellable>, StoreError> {
    let ids = ids.get(..PRODUCTS_MAX).unwrap_or(ids);
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    ports.store().sellables(ids)
}

/// The same with the units that somebody could order of each. What is held for orders of the checkout `holder` is free for it: there is one
/// order of a checkout at a time.
///
/// # Errors
/// [`StoreError`].
pub fn for_checkout(
    ports: &impl Ports,
    ids: &[ProductId],
    holder: Option<CheckoutId>,
) -> Result<Vec<(Sellable, u64)>, StoreError> {
    let held = holder.map(|checkout| ports.store().held_for(checkout));
    let held = held.transpose()?.unwrap_or_default();
    let with_units = |sellable: Sellable| {
        let held = held.get(&sellable.item).copied().unwrap_or_default();
        let units = sellable.of_item_units(sellable.item_free.saturating_add(held));
        (sellable, units)
    };
    Ok(handle(ports, ids)?.into_iter().map(with_units).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::reservation::Settlement;
    use crate::testing::{Shop, line, new_product};

    #[test]
    fn products_are_found_until_they_are_deleted() {
        let shop = Shop::new();
        let add = |name| shop.create(&new_product(name, 1)).unwrap();
        let (tea, milk, gone) = (add("Tea"), add("Milk"), add("Gone"));
        shop.delete(&gone, None).unwrap();
        let mut found = handle(&shop.products, &[milk.id, gone.id, tea.id]).unwrap();
        found.sort_by_key(|product| product.id);
        let names: Vec<_> = found.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["Tea", "Milk"]);
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
        let found = handle(&shop.products, &ids[1..]).unwrap();
        assert_eq!((found.len(), found[0].id), (1, tea.id));
    }

    #[test]
    fn all_of_them_are_read_with_one_statement() {
        let shop = Shop::on_sqlite();
        let ids = (0..PRODUCTS_MAX).map(|n| shop.create(&new_product(&format!("Tea {n}"), 1)));
        let ids: Vec<_> = ids.map(|product| product.unwrap().id).collect();
        let read = || assert_eq!(handle(&shop.products, &ids).unwrap().len(), PRODUCTS_MAX);
        assert_eq!(shop.statements(read), 1);
    }

    #[test]
    fn what_a_checkout_holds_is_free_for_it_and_for_nobody_else() {
        let shop = Shop::new();
        let checkout =
            |last: u32| CheckoutId::parse(&format!("01890a5d-ac96-774b-bcce-{last:012x}")).unwrap();
        let (tea, milk) = (shop.add("Tea", "4.99", 3), shop.add("Milk", "1", 1));
        let reserve = |number, checkout_id, units| {
            let lines = [line(&tea, units)];
            shop.reserve_for(Some(checkout_id), number, &lines).unwrap();
        };
        reserve(1, checkout(1), 1);
        reserve(2, checkout(1), 1);
        reserve(3, checkout(2), 1);
        shop.reserve(4, &[line(&milk, 1)]).unwrap();
        let units = |holder| {
            let found = for_checkout(&shop.products, &[tea.id, milk.id], holder).unwrap();
            let of = |id| {
                found
                    .iter()
                    .find(|(product, _)| product.id == id)
                    .unwrap()
                    .1
            };
            (of(tea.id), of(milk.id))
        };
        assert_eq!(units(None), (0, 0));
        assert_eq!(units(Some(checkout(1))), (2, 0));
        assert_eq!(units(Some(checkout(2))), (1, 0));
        assert_eq!(units(Some(checkout(3))), (0, 0));
        // What is sold or given back is not held any more.
        shop.settle(1, Settlement::Commit).unwrap();
        shop.settle(2, Settlement::Release).unwrap();
        assert_eq!(units(Some(checkout(1))), (1, 0));
        assert_eq!(units(Some(checkout(2))), (2, 0));
    }
}
