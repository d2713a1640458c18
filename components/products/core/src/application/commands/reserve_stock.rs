//! Holds stock for an order.

use mercato_kernel::{CheckoutId, OrderId, ProductId};

use crate::application::locks;
use crate::application::ports::{Clock as _, Inventory, Ports, Store as _};
use crate::domain::reservation::{
    Demand, DrawnUnits, InventoryError, Rejection, RejectionReason, RequestedLine, Reservation,
    ReservedLine, merge,
};
use crate::domain::sellable::{Left, Sellable};

/// The stock that an order needs.
#[derive(Debug)]
pub struct Command<'a> {
    /// The order.
    pub order_id: OrderId,
    /// The checkout that it orders, for which its units stay free while they are held.
    pub checkout_id: Option<CheckoutId>,
    /// Its lines, as they came.
    pub lines: &'a [RequestedLine],
}

/// Takes the stock of every line for an order, or of none, and names the prices it was reserved at.
///
/// The same order with the same lines gets the first answer again, as long as the stock was not given back.
///
/// # Errors
/// [`InventoryError::Rejected`] with every line that failed; [`InventoryError::Conflict`] when the order has other
/// lines or its stock was given back; [`InventoryError::Contract`], [`InventoryError::Store`].
pub fn handle(
    ports: &impl Ports,
    command: &Command<'_>,
) -> Result<Vec<ReservedLine>, InventoryError> {
    let demands = merge(command.lines).map_err(InventoryError::Contract)?;
    let products = demands.iter().filter_map(|demand| demand.product);
    let locks = locks::orders([command.order_id]).and(locks::products(products));
    ports.store().write_stock(locks, |transaction| {
        if let Some(reservation) = transaction.reservation(command.order_id)? {
            return reservation.answer_again(&demands);
        }
        let lines = find_all(transaction, &demands)?;
        transaction.take(&lines)?;
        let now = ports.clock().now_ms();
        let reservation = Reservation::hold(command.order_id, lines, now);
        transaction.insert_reservation(&reservation, command.checkout_id)?;
        Ok(reservation.into_lines())
    })
}

/// Every line, with name and price of now, or every line that cannot be had.
fn find_all(
    transaction: &dyn Inventory,
    demands: &[Demand],
) -> Result<Vec<ReservedLine>, InventoryError> {
    let ids: Vec<ProductId> = demands.iter().filter_map(|demand| demand.product).collect();
    let sellables = transaction.sellables(&ids)?;
    let (mut lines, mut rejections) = (Vec::with_capacity(demands.len()), Vec::new());
    let mut left = Left::default();
    for demand in demands {
        let found = sellables
            .iter()
            .find(|sellable| Some(sellable.id) == demand.product);
        match line(found, demand, &mut left) {
            Ok(line) => lines.push(line),
            Err(rejection) => rejections.push(rejection),
        }
    }
    if rejections.is_empty() {
        Ok(lines)
    } else {
        Err(InventoryError::Rejected(rejections))
    }
}

fn line(
    sellable: Option<&Sellable>,
    demand: &Demand,
    left: &mut Left,
) -> Result<ReservedLine, Rejection> {
    let quantity = demand.quantity;
    let reject = |reason, available| Rejection {
        product_id: demand.product_id.clone(),
        reason,
        requested: quantity.units(),
        available,
    };
    let Some(sellable) = sellable else {
        return Err(reject(RejectionReason::UnknownProduct, 0));
    };
    let available = left.of(sellable);
    let price = sellable.price;
    if demand
        .expected_price
        .is_some_and(|expected| expected != price.amount())
    {
        return Err(reject(RejectionReason::PriceChanged, available));
    }
    let units = u64::from(quantity.units());
    if units > available {
        return Err(reject(RejectionReason::InsufficientStock, available));
    }
    left.take(sellable, units);
    let drawn = (sellable.item != sellable.id).then(|| DrawnUnits {
        item: sellable.item,
        units: units.saturating_mul(u64::from(sellable.item_units)),
    });
    Ok(ReservedLine {
        product_id: sellable.id,
        name: sellable.name.clone(),
        unit_price: price,
        choices: sellable.choices.clone(),
        quantity,
        drawn,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::product::{ProductChanges, ProductView};
    use crate::domain::reservation::{ReservationState, Settlement};
    use crate::domain::stock::Stock;
    use crate::testing::{Shop, line, new_product};

    #[test]
    fn the_stock_of_every_line_is_taken_at_the_price_of_now() {
        let shop = Shop::new();
        let tea = shop.create(&new_product("Tea", 10)).unwrap();
        let lines = shop.reserve(1, &[line(&tea, 3), line(&tea, 1)]).unwrap();
        assert_eq!(lines.len(), 1);
        assert_eq!(
            (lines[0].name.as_str(), lines[0].quantity.units()),
            ("Tea", 4)
        );
        assert_eq!(lines[0].unit_price, tea.price);
        assert_eq!(shop.stock(&tea), Stock::restore(6, 4, 0));
    }

    #[test]
    fn a_line_that_fails_takes_nothing_and_all_of_them_are_named() {
        let shop = Shop::new();
        let (tea, milk) = (
            shop.create(&new_product("Tea", 10)).unwrap(),
            shop.create(&new_product("Milk", 1)).unwrap(),
        );
        let gone = shop.create(&new_product("Gone", 9)).unwrap();
        shop.delete(&gone, None).unwrap();
        let nonsense = RequestedLine {
            product_id: "nonsense".to_owned(),
            quantity: 7,
            expected_price: None,
        };
        let wanted = [line(&tea, 10), line(&milk, 2), nonsense, line(&gone, 1)];
        let Err(InventoryError::Rejected(rejections)) = shop.reserve(1, &wanted) else {
            panic!("reserved")
        };
        let seen: Vec<_> = rejections
            .iter()
            .map(|rejection| {
                (
                    &*rejection.product_id,
                    rejection.reason,
                    rejection.requested,
                    rejection.available,
                )
            })
            .collect();
        use RejectionReason::{InsufficientStock, UnknownProduct};
        assert_eq!(
            seen,
            [
                (&*milk.id.text(), InsufficientStock, 2, 1),
                ("nonsense", UnknownProduct, 7, 0),
                (&*gone.id.text(), UnknownProduct, 1, 0),
            ]
        );
        assert_eq!(shop.stock(&tea), Stock::restore(10, 0, 0));
        assert_eq!(shop.state(1), None);
        shop.reserve(1, &[line(&tea, 10)]).unwrap();
    }

    #[test]
    fn a_price_that_is_not_the_expected_one_takes_nothing() {
        let shop = Shop::new();
        let (tea, milk) = (shop.add("Tea", "4.99", 9), shop.add("Milk", "1.2", 1));
        let expecting = |product: &ProductView, quantity, price: &str| RequestedLine {
            expected_price: Some(price.parse().unwrap()),
            ..line(product, quantity)
        };
        let wrong = [expecting(&tea, 1, "4.99"), expecting(&milk, 2, "1.19")];
        let Err(InventoryError::Rejected(rejections)) = shop.reserve(1, &wrong) else {
            panic!("reserved")
        };
        assert_eq!(rejections.len(), 1);
        assert_eq!(
            (&*rejections[0].product_id, rejections[0].reason),
            (&*milk.id.text(), RejectionReason::PriceChanged)
        );
        assert_eq!(shop.stock(&tea), Stock::restore(9, 0, 0));
        let right = [
            expecting(&tea, 1, "4.99"),
            line(&tea, 1),
            expecting(&milk, 1, "1.2"),
        ];
        assert_eq!(shop.reserve(1, &right).unwrap().len(), 2);
        let unclear = [expecting(&tea, 1, "4.99"), expecting(&tea, 1, "5")];
        assert!(matches!(
            shop.reserve(2, &unclear),
            Err(InventoryError::Contract(_))
        ));
    }

    #[test]
    fn the_statements_do_not_grow_with_the_lines() {
        let shop = Shop::on_sqlite();
        let add = |number: u32| shop.create(&new_product(&format!("Tea {number}"), 9));
        let lines: Vec<_> = (0..100).map(|n| line(&add(n).unwrap(), 1)).collect();
        for (number, lines) in [(1, &lines[..1]), (2, &lines[..])] {
            let reserve = || drop(shop.reserve(number, lines).unwrap());
            assert_eq!(shop.statements(reserve), 7);
            assert_eq!(shop.statements(reserve), 4, "the first answer again");
        }
    }

    #[test]
    fn merged_lines_are_checked_against_the_stock_together() {
        let shop = Shop::new();
        let tea = shop.create(&new_product("Tea", 5)).unwrap();
        let refused = shop.reserve(1, &[line(&tea, 3), line(&tea, 3)]);
        assert!(matches!(refused, Err(InventoryError::Rejected(lines)) if lines[0].requested == 6));
    }

    #[test]
    fn the_first_answer_is_repeated_though_the_price_has_changed() {
        let shop = Shop::new();
        let (tea, milk) = (
            shop.create(&new_product("Tea", 2)).unwrap(),
            shop.create(&new_product("Milk", 2)).unwrap(),
        );
        let first = shop.reserve(1, &[line(&tea, 2), line(&milk, 1)]).unwrap();
        let dearer = ProductChanges {
            price: Some("99".parse().unwrap()),
            ..ProductChanges::default()
        };
        shop.update(&tea, &dearer, None).unwrap();
        assert_eq!(
            shop.reserve(1, &[line(&milk, 1), line(&tea, 1), line(&tea, 1)]),
            Ok(first.clone())
        );
        assert_eq!(shop.stock(&tea), Stock::restore(0, 2, 0));
        shop.settle(1, Settlement::Commit).unwrap();
        assert_eq!(shop.reserve(1, &[line(&tea, 2), line(&milk, 1)]), Ok(first));
    }

    #[test]
    fn other_lines_for_the_same_order_are_a_conflict() {
        let shop = Shop::new();
        let (tea, milk) = (
            shop.create(&new_product("Tea", 9)).unwrap(),
            shop.create(&new_product("Milk", 9)).unwrap(),
        );
        shop.reserve(1, &[line(&tea, 2)]).unwrap();
        let conflict = Err(InventoryError::Conflict(ReservationState::Held));
        for other in [
            vec![line(&tea, 3)],
            vec![line(&milk, 2)],
            vec![line(&tea, 2), line(&milk, 1)],
        ] {
            assert_eq!(shop.reserve(1, &other), conflict);
        }
        assert_eq!(shop.stock(&tea), Stock::restore(7, 2, 0));
    }

    #[test]
    fn stock_that_was_given_back_is_not_taken_again() {
        let shop = Shop::new();
        let tea = shop.create(&new_product("Tea", 9)).unwrap();
        shop.reserve(1, &[line(&tea, 2)]).unwrap();
        shop.settle(1, Settlement::Release).unwrap();
        let again = shop.reserve(1, &[line(&tea, 2)]);
        assert_eq!(
            again,
            Err(InventoryError::Conflict(ReservationState::Released))
        );
        assert_eq!(shop.stock(&tea), Stock::restore(9, 0, 0));
    }

    #[test]
    fn after_a_release_a_late_request_takes_no_stock() {
        let shop = Shop::new();
        let tea = shop.create(&new_product("Tea", 9)).unwrap();
        shop.settle(1, Settlement::Release).unwrap();
        let late = shop.reserve(1, &[line(&tea, 2)]);
        assert_eq!(
            late,
            Err(InventoryError::Conflict(ReservationState::Released))
        );
        assert_eq!(shop.stock(&tea), Stock::restore(9, 0, 0));
    }

    #[test]
    fn a_broken_contract_is_not_a_rejection() {
        let shop = Shop::new();
        assert!(matches!(
            shop.reserve(1, &[]),
            Err(InventoryError::Contract(_))
        ));
    }
}
